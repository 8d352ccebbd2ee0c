"""Every link on every page leads somewhere, and every part of a page that is linked to is there."""

from __future__ import annotations

from urllib.parse import urldefrag, urljoin, urlsplit

import pytest

from browser.conftest import SeenBy
from browser.shelf import Role, Shelf
from browser.tour import STOPS

pytestmark = pytest.mark.slow

_HREFS = "links => links.map(link => link.getAttribute('href'))"


@pytest.mark.parametrize("role", ["reader", "writer", None])
def test_every_link_leads_somewhere(seen_by: SeenBy, shelf: Shelf, role: Role | None) -> None:
    page = seen_by(role, shelf)
    leads_to: dict[str, str] = {}
    for stop in STOPS:
        if stop.role != role:
            continue
        stop.open(page, shelf)
        for link in page.locator("a[href]").evaluate_all(_HREFS):
            url, part = urldefrag(urljoin(page.url, link))
            if url == urldefrag(page.url)[0]:
                assert not part or page.locator(f"[id='{part}']").count() == 1, f"{stop.name}: no part {part}"
            elif urlsplit(url).netloc == urlsplit(shelf.server.url).netloc:
                leads_to[url] = stop.name
    assert len(leads_to) > 1
    for url, name in leads_to.items():
        answer = page.request.get(url, headers={"Accept": "text/html"})
        assert answer.status == 200, f"{name}: {url}: {answer.status}"
