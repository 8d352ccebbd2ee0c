"""A real browser, and pages of a real server in it that complain of nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from browser.chromium import chromium
from browser.shelf import Shelf, stocked
from browser.watching import Watch

PATIENCE = 15_000  # milliseconds

Visit = Callable[..., BrowserContext]


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


@pytest.fixture
def page(visit: Visit) -> Page:
    """Of a visitor who was never here."""
    return visit().new_page()


@pytest.fixture
def reader(visit: Visit, shelf: Shelf) -> Page:
    """Of a visitor who is logged in on the shelf, and may look."""
    return visit(storage_state=shelf.session("reader")).new_page()


@pytest.fixture
def writer(visit: Visit, shelf: Shelf) -> Page:
    """Of a visitor who is logged in on the shelf, and might change it."""
    return visit(storage_state=shelf.session("writer")).new_page()
