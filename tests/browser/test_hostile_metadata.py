"""Whatever a package says of itself is shown as text, and does nothing."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from browser.shelf import Shelf

pytestmark = pytest.mark.slow

PATHS = ["/", "/?sort=uploaded", "/search/?q=hostile", "/project/hostile/", "/project/hostile/1.0/"]


@pytest.mark.parametrize("path", PATHS)
def test_nothing_of_it_is_part_of_the_page(reader: Page, shelf: Shelf, path: str) -> None:
    """That no script of it ran is seen by all tests: the console would say so."""
    reader.goto(shelf.local(path))
    expect(reader.get_by_role("heading", level=1)).to_be_visible()
    expect(reader).to_have_title(re.compile("pywharf$"))
    assert reader.locator("main script, main style, main iframe, main img, main form, main [style]").count() == 0
    assert reader.locator("script").count() == 1
    odd = "elements => elements.flatMap(e => e.getAttributeNames()).filter(name => name.startsWith('on'))"
    assert reader.locator("body *").evaluate_all(odd) == []
    for link in reader.locator("[href]").all():
        assert urlsplit(link.get_attribute("href") or "").scheme in ("", "http", "https", "mailto")


def test_it_is_shown_as_it_was_written(reader: Page, shelf: Shelf) -> None:
    reader.goto(shelf.local("/project/hostile/"))
    main = reader.get_by_role("main")
    for text in (
        "<script>console.error('a summary ran')</script>",
        "<script>console.error('an author ran')</script>",
        "<img src=x onerror=console.error('a licence ran')>",
        "Press <b>me</b>",
    ):
        expect(main).to_contain_text(text)
    reader.goto(shelf.local("/search/?q=hostile"))
    expect(reader.get_by_role("main")).to_contain_text("<script>console.error('a summary ran')</script>")


def test_what_would_turn_the_text_around_is_shown_as_a_sign(reader: Page, shelf: Shelf) -> None:
    reader.goto(shelf.local("/project/hostile/"))
    expect(reader.get_by_role("main")).to_contain_text("\N{REPLACEMENT CHARACTER}desrever")
    assert "\u202e" not in reader.content()


def test_its_description_is_readable_and_its_links_lead_nowhere_bad(reader: Page, shelf: Shelf) -> None:
    reader.goto(shelf.local("/project/hostile/"))
    description = reader.locator(".readme")
    expect(description).to_be_visible()
    expect(description).to_contain_text("press")
    assert description.locator("a[href^='javascript'], form, input, script, style").count() == 0
    for text in description.get_by_text("press").all():
        text.click()
    expect(reader).to_have_url(shelf.local("/project/hostile/"))
