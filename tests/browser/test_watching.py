"""What the other tests rely on: nothing that a browser complains of goes unnoticed."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from browser.foreign_pages import foreign_pages
from browser.shelf import Shelf
from browser.watching import Watch

pytestmark = pytest.mark.slow

_STRICT = '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'">'

BAD = {
    "/says": ("<script>console.error('an error')</script>", "an error"),
    "/fails": ("<script>null.nothing</script>", "a script failed"),
    "/asks": ("<script>alert('Who are you?')</script>", "a dialog: Who are you?"),
    "/elsewhere": ('<img src="http://example.org/pixel.png">', "asked http://example.org/pixel.png"),
    "/styles": (f"{_STRICT}<p style='color: red'>Red</p>", "Content Security Policy"),
    "/loses": ('<img src="/lost.png">', "/lost.png"),
}


@pytest.mark.parametrize("path", BAD)
def test_it_is_noticed(chromium: Browser, path: str) -> None:
    page_of, complaint = BAD[path]
    pages = {name: f"<!doctype html><title>A page</title>{html}" for name, (html, _) in BAD.items()}
    with foreign_pages(pages) as port, chromium.new_context() as visitor:
        watch = Watch(visitor)
        page = visitor.new_page()
        page.goto(f"http://127.0.0.1:{port}{path}")
        page.wait_for_load_state("networkidle")
        assert complaint in "\n".join(watch.taken()), page_of


def test_a_page_that_answers_with_an_error_is_none(chromium: Browser, shelf: Shelf) -> None:
    with chromium.new_context() as visitor:
        watch = Watch(visitor)
        page = visitor.new_page()
        page.goto(shelf.url("/nowhere/"))
        page.wait_for_load_state("networkidle")
        assert watch.taken() == []
