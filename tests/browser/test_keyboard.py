"""Everything can be done with the keyboard alone, in an order that makes sense, and one sees where one is."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import At
from browser.keyboard import operable, tab_through
from browser.shelf import Shelf
from browser.tour import STOPS, Stop

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop.name)
def test_tab_reaches_everything_in_its_order_and_shows_where_it_is(stop: Stop, at: At, shelf: Shelf) -> None:
    page = at(stop, shelf)
    wanted = operable(page)
    reached = tab_through(page)
    assert [each.position for each in reached] == wanted, [each.said for each in reached]
    for each in reached:
        assert each.seen, f"{each.said} is not to be seen"
        assert each.outline >= 2, f"{each.said} does not show that it has the focus"


def test_the_first_tab_skips_to_the_content(reader: Page, shelf: Shelf) -> None:
    reader.goto(shelf.local())
    skip = reader.get_by_role("link", name="Skip to the content")
    expect(skip).not_to_be_in_viewport()
    reader.keyboard.press("Tab")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    reader.keyboard.press("Enter")
    expect(reader.get_by_role("main")).to_be_focused()
    reader.keyboard.press("Tab")
    expect(reader.get_by_role("main").get_by_role("link").first).to_be_focused()


def test_a_visit_needs_no_mouse(page: Page, shelf: Shelf) -> None:
    """From the login to a file's hash and out again."""
    press = page.keyboard.press
    page.goto(shelf.url("/login/"))
    expect(page.get_by_label("Repository")).to_be_focused()  # by itself, a moment after the page is there
    page.keyboard.type("local")
    press("Tab")
    page.keyboard.type(shelf.secrets.write)
    press("Enter")
    expect(page).to_have_url(shelf.url("/"))
    tab_to(page, "Projects of local")
    press("Enter")
    expect(page).to_have_url(shelf.local())
    tab_to(page, "Search local")
    page.keyboard.type("grail")
    press("Enter")
    expect(page.get_by_role("status")).to_contain_text("found")
    tab_to(page, "HolyGrail")
    press("Enter")
    expect(page).to_have_url(shelf.local("/project/holygrail/"))
    tab_to(page, "Files")
    press("Enter")
    expect(page.get_by_role("heading", name="Files of")).to_be_in_viewport()
    tab_to(page, "Yank 1.1")
    press("Enter")
    expect(page).to_have_url(re.compile("/yank"))
    tab_to(page, "Leave it as it is")
    press("Enter")
    expect(page).to_have_url(shelf.local("/project/holygrail/1.1/"))
    tab_to(page, "Log out")
    press("Enter")
    expect(page).to_have_url(shelf.url("/logout/"))
    tab_to(page, "Log out", "BUTTON")
    press("Enter")
    expect(page).to_have_url(shelf.url("/"))
    expect(page.get_by_role("navigation", name="Account").get_by_role("link", name="Log in")).to_be_visible()


def test_a_table_that_is_too_wide_is_scrolled_by_arrow_keys(reader: Page, shelf: Shelf) -> None:
    reader.set_viewport_size({"width": 320, "height": 640})
    reader.goto(shelf.local("/project/holygrail/"))
    frame = reader.get_by_role("group", name="Releases")
    if frame.evaluate("e => e.scrollWidth <= e.clientWidth"):
        frame.evaluate("e => { for (const cell of e.querySelectorAll('td')) cell.append(' and more'.repeat(20)) }")
    frame.focus()
    reader.keyboard.press("ArrowRight")
    reader.wait_for_function("e => e.scrollLeft > 0", arg=frame.element_handle())


def tab_to(page: Page, name: str, tag: str = "") -> None:
    """Press Tab until the element of this name has the focus."""
    named = "e => e.getAttribute('aria-label') ?? e.labels?.[0]?.textContent ?? e.textContent"
    for _ in range(150):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if not focused.count() or (tag and focused.evaluate("e => e.tagName") != tag):
            continue
        if (focused.evaluate(named) or "").strip() == name:
            return
    raise AssertionError(f"Tab does not come to {name!r}")
