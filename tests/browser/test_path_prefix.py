"""A server that is shown under a path prefix keeps to it, on every page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import At
from browser.login_form import log_in
from browser.shelf import Shelf, stocked
from browser.tour import STOPS, Stop

pytestmark = pytest.mark.slow

PREFIX = "/wharf/for all"
QUOTED = "/wharf/for%20all"


@pytest.fixture(scope="module")
def prefixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    with stocked(tmp_path_factory.mktemp("prefixed"), "--path_prefix", PREFIX, prefix=QUOTED) as shelf:
        yield shelf


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop.name)
def test_nothing_on_the_page_leads_out_of_the_prefix(stop: Stop, at: At, prefixed: Shelf) -> None:
    page = at(stop, prefixed)
    asked = page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
    assert asked, "the style sheet at least"
    written = page.locator("[href], [src], [action]").evaluate_all(
        "elements => elements.map(e => e.getAttribute('href') ?? e.getAttribute('src') ?? e.getAttribute('action'))"
    )
    assert len(written) > 5
    for url in [page.url, *asked, *(urljoin(page.url, link) for link in written)]:
        if urlsplit(url).hostname == prefixed.server.host:
            assert urlsplit(url).path.startswith(f"{QUOTED}/"), url


def test_a_visit_from_login_to_logout_stays_within_it(page: Page, prefixed: Shelf) -> None:
    page.goto(prefixed.local("/project/holygrail/"))
    expect(page).to_have_url(re.compile(f"{QUOTED}/login/"))
    log_in(page, prefixed.secrets.read)
    expect(page).to_have_url(prefixed.local("/project/holygrail/"))
    (cookie,) = page.context.cookies()
    assert cookie["path"] == f"{QUOTED}/"
    page.get_by_role("searchbox").fill("coconut")
    page.get_by_role("searchbox").press("Enter")
    page.get_by_role("link", name="coconut").click()
    expect(page).to_have_url(prefixed.local("/project/coconut/"))
    page.get_by_role("link", name="Log out").click()
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(prefixed.url("/"))
    assert page.context.cookies() == []
