"""The buttons that copy a line: what is on the clipboard then, and what is said."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import Visit
from browser.shelf import Shelf
from support.clients import Clients

pytestmark = pytest.mark.slow

_NO_CLIPBOARD = "Object.defineProperty(navigator, 'clipboard', {value: undefined});"


@pytest.fixture
def page(visit: Visit, shelf: Shelf) -> Page:
    """Of a reader whose clipboard the test may read."""
    visitor = visit(storage_state=shelf.session("reader"))
    visitor.grant_permissions(["clipboard-read", "clipboard-write"], origin=shelf.server.url)
    page = visitor.new_page()
    page.clock.install()  # what the buttons say goes away when the test wants it
    return page


def clipboard(page: Page) -> str:
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text


def pip_line(shelf: Shelf) -> str:
    index = f"http://local:<read secret>@{shelf.server.host}:{shelf.server.port}/r/local/simple/"
    return f"pip install --index-url {shlex.quote(index)} holygrail"


def test_a_line_is_copied_and_the_button_says_so_to_everybody(page: Page, shelf: Shelf) -> None:
    page.goto(shelf.local("/project/holygrail/"))
    button = page.get_by_role("button", name="Copy the pip line")
    expect(button).to_have_text("Copy")
    button.click()
    expect(button).to_have_text("Copied")
    expect(page.get_by_role("status").filter(has_text="Copied the pip line")).to_be_attached()
    assert clipboard(page) == pip_line(shelf)
    expect(button).to_be_focused()
    page.clock.run_for(2000)
    expect(button).to_have_text("Copy")
    expect(page.get_by_role("status").filter(has_text="Copied")).to_have_count(0)


def test_a_copied_line_installs(page: Page, shelf: Shelf, tmp_path: Path) -> None:
    page.goto(shelf.local("/project/swallow/"))
    page.get_by_role("button", name="Copy the pip line").click()
    expect(page.get_by_role("status").filter(has_text="Copied")).to_be_attached()
    program, *arguments = shlex.split(clipboard(page).replace("<read secret>", shelf.secrets.read))
    assert program == "pip"
    ran = Clients(tmp_path / "home").pip(*arguments, "--target", str(tmp_path / "target"))
    assert ran.status == 0, ran.output
    assert (tmp_path / "target" / "swallow.py").is_file()


@pytest.mark.parametrize("path", ["/", "/r/local/upload/", "/r/local/project/holygrail/1.0/"])
def test_every_button_copies_what_stands_beside_it(page: Page, shelf: Shelf, path: str) -> None:
    page.goto(shelf.url(path))
    for details in page.locator("details").all():
        details.locator("summary").first.click()
    places = page.locator("[data-copy]").all()
    assert len(places) >= 3
    for place in places:
        button = place.get_by_role("button")
        button.scroll_into_view_if_needed()
        button.click()
        expect(button).to_have_text("Copied")
        assert clipboard(page) == place.locator("code").text_content()
    names = [
        button.get_attribute("aria-label") for button in page.get_by_role("button", name=re.compile("^Copy")).all()
    ]
    assert len(set(names)) == len(names), "each says what it copies"


def test_the_keyboard_copies_too(page: Page, shelf: Shelf) -> None:
    page.goto(shelf.local("/project/holygrail/"))
    button = page.get_by_role("button", name="Copy the uv line")
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_text("Copied")
    assert clipboard(page).startswith("uv pip install --index-url")


def test_without_a_clipboard_the_old_way_copies(visit: Visit, page: Page, shelf: Shelf) -> None:
    """As browsers have it without TLS."""
    bare = page.context.new_page()
    bare.add_init_script(_NO_CLIPBOARD)
    bare.goto(shelf.local("/project/holygrail/"))
    bare.get_by_role("button", name="Copy the pip line").click()
    expect(bare.get_by_role("button", name="Copy the pip line")).to_have_text("Copied")
    page.goto(shelf.local())
    page.bring_to_front()
    assert clipboard(page) == pip_line(shelf)


def test_where_nothing_copies_the_line_is_selected_and_the_button_says_what_to_press(page: Page, shelf: Shelf) -> None:
    page.add_init_script(_NO_CLIPBOARD + "document.execCommand = () => false;")
    page.goto(shelf.local("/project/holygrail/"))
    button = page.get_by_role("button", name="Copy the pip line")
    button.click()
    expect(button).to_have_text("Press Ctrl+C")
    expect(page.get_by_role("status").filter(has_text="press Control C")).to_be_attached()
    assert page.evaluate("getSelection().toString()") == pip_line(shelf)
