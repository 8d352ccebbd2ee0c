"""A real browser, and pages of a real server in it that complain of nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from browser.chromium import chromium
from browser.shelf import Role, Shelf, stocked
from browser.watching import Watch

PATIENCE = 15_000  # milliseconds

Visit = Callable[..., BrowserContext]
SeenBy = Callable[[Role | None, Shelf], Page]
Regulars = dict[tuple[str, Role | None], tuple[BrowserContext, Watch]]


# Not for the whole session: Playwright's event loop would be in the way of other tests' own.
@pytest.fixture(scope="package", name="chromium")
def running_chromium() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """A server with everything of `browser.shelf`; tests change nothing in it."""
    with stocked(tmp_path_factory.mktemp("shelf")) as shelf:
        yield shelf


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Visit]:
    """Make visitors, each with cookies of its own; the keywords are those of Playwright's ``new_context``.

    At the end nothing that any of them looked at has given cause for complaint.
    """
    visitors = []

    def make(**settings: object) -> BrowserContext:
        context = chromium.new_context(**settings)  # type: ignore[arg-type]  # as they come
        context.set_default_timeout(PATIENCE)
        visitors.append((context, Watch(context)))
        return context

    yield make
    for context, _ in visitors:
        context.close()
    complaints = [complaint for _, watch in visitors for complaint in watch.complaints]
    assert not complaints


@pytest.fixture(scope="package")
def regulars(chromium: Browser) -> Iterator[Regulars]:
    """Visitors who stay: a new one costs four times as much as another page of one who is there."""
    made: Regulars = {}
    yield made
    for context, _ in made.values():
        context.close()


@pytest.fixture
def seen_by(chromium: Browser, regulars: Regulars) -> Iterator[SeenBy]:
    """Give a page of whoever has this role on a shelf; tests neither log out nor in there.

    At the end it is closed, and nothing has given cause for complaint.
    """
    pages: list[Page] = []
    watches: list[Watch] = []

    def make(role: Role | None, shelf: Shelf) -> Page:
        key = (shelf.server.url, role)
        if key not in regulars:
            context = chromium.new_context(storage_state=shelf.session(role) if role else None)
            context.set_default_timeout(PATIENCE)
            regulars[key] = context, Watch(context)
        context, watch = regulars[key]
        watches.append(watch)
        pages.append(context.new_page())
        return pages[-1]

    yield make
    for page in pages:
        page.close()
    complaints = [complaint for watch in watches for complaint in watch.taken()]
    assert not complaints


@pytest.fixture
def page(visit: Visit) -> Page:
    """Of a visitor who was never here."""
    return visit().new_page()


@pytest.fixture
def reader(seen_by: SeenBy, shelf: Shelf) -> Page:
    """Of a visitor who is logged in on the shelf, and may look."""
    return seen_by("reader", shelf)


@pytest.fixture
def writer(seen_by: SeenBy, shelf: Shelf) -> Page:
    """Of a visitor who is logged in on the shelf, and might change it."""
    return seen_by("writer", shelf)
