"""A real browser, and pages of a real server in it that complain of nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from browser.chromium import chromium
from browser.shelf import Role, Shelf, stocked
from browser.tour import Stop
from browser.watching import Watch

PATIENCE = 20_000  # milliseconds; a machine may have much else to do
expect.set_options(timeout=PATIENCE)

Visit = Callable[..., BrowserContext]
SeenBy = Callable[[Role | None, Shelf], Page]
At = Callable[[Stop, Shelf], Page]


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


class Regulars:
    """Visitors who stay, one for each role on each shelf: a new one costs as much as opening five pages."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._made: dict[tuple[str, Role | None], tuple[BrowserContext, Watch]] = {}
        self._pages: dict[BrowserContext, Page] = {}

    def context(self, role: Role | None, shelf: Shelf) -> BrowserContext:
        key = (shelf.server.url, role)
        if key not in self._made:
            context = self._browser.new_context(storage_state=shelf.session(role) if role else None)
            context.set_default_timeout(PATIENCE)
            self._made[key] = context, Watch(context)
        return self._made[key][0]

    def page(self, role: Role | None, shelf: Shelf) -> Page:
        """Always the same one, in a window and with preferences as in the beginning."""
        context = self.context(role, shelf)
        if context not in self._pages:
            self._pages[context] = context.new_page()
        page = self._pages[context]
        page.set_viewport_size({"width": 1280, "height": 720})
        page.emulate_media(color_scheme="light", reduced_motion="no-preference", forced_colors="none")
        return page

    def complaints(self) -> list[str]:
        return [complaint for _, watch in self._made.values() for complaint in watch.taken()]

    def close(self) -> None:
        for context, _ in self._made.values():
            context.close()


@pytest.fixture(scope="package")
def regulars(chromium: Browser) -> Iterator[Regulars]:
    made = Regulars(chromium)
    yield made
    made.close()


@pytest.fixture
def seen_by(regulars: Regulars) -> Iterator[SeenBy]:
    """Give a new page of whoever has this role on a shelf; tests neither log out nor in there.

    At the end it is closed, and nothing has given cause for complaint.
    """
    pages = []

    def make(role: Role | None, shelf: Shelf) -> Page:
        pages.append(regulars.context(role, shelf).new_page())
        return pages[-1]

    yield make
    for page in pages:
        page.close()
    assert not regulars.complaints()


@pytest.fixture
def at(regulars: Regulars) -> Iterator[At]:
    """Open the page of a stop, for tests that only look. Nothing gives cause for complaint."""

    def look(stop: Stop, shelf: Shelf) -> Page:
        page = regulars.page(stop.role, shelf)
        stop.open(page, shelf)
        return page

    yield look
    assert not regulars.complaints()


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
