"""Narrow screens, large letters, dark rooms, and eyes that do not like what moves: every page, whatever the screen."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from browser.conftest import At, SeenBy
from browser.shelf import Shelf
from browser.tour import STOPS, Stop

pytestmark = pytest.mark.slow

PHONE: ViewportSize = {"width": 320, "height": 640}
# A window of 1280 x 1024 pixels at 400 % (WCAG 2.2, 1.4.10).
ENLARGED: ViewportSize = {"width": 320, "height": 256}

# As much space as readers may want (WCAG 2.2, 1.4.12). By the object model, as style sheets of others are not allowed.
_SPACED = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important }
    p { margin-bottom: 2em !important }`);
  document.adoptedStyleSheets = [sheet];
}"""
_LARGE_LETTERS = "() => document.documentElement.style.setProperty('font-size', '200%')"

# Elements that stick out of the window to the right, without being in a box that scrolls.
_STICKING_OUT = """() => {
  const scrolls = e => e && (/auto|scroll/.test(getComputedStyle(e).overflowX) || scrolls(e.parentElement));
  const width = document.documentElement.clientWidth;
  const out = [...document.body.querySelectorAll("*")].filter(e => {
    const box = e.getBoundingClientRect();
    return box.width > 1 && box.right > width + 1 && !scrolls(e);
  });
  const page = document.scrollingElement;
  const told = out.map(e => `${e.localName}.${e.className}: ${e.textContent.trim().slice(0, 40)}`);
  return [page.scrollWidth - page.clientWidth, told];
}"""

# Boxes that cut off their own text.
_CUT = """() => [...document.querySelectorAll("main *, header *")].filter(e =>
    getComputedStyle(e).overflowX === "hidden" && !e.matches(".unseen") && e.scrollWidth > e.clientWidth + 1
  ).map(e => `${e.localName}.${e.className}`)"""


def fits(page: Page) -> None:
    assert page.evaluate(_STICKING_OUT) == [0, []]
    assert page.evaluate(_CUT) == []


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop.name)
def test_the_page_fits_a_narrow_screen(stop: Stop, at: At, shelf: Shelf) -> None:
    """320 CSS pixels: on a phone, enlarged to 400 %, with more space in its text; and with letters of twice the size."""
    page = at(stop, shelf)
    page.set_viewport_size(PHONE)
    fits(page)
    page.set_viewport_size(ENLARGED)
    fits(page)
    page.evaluate(_SPACED)
    fits(page)
    page.set_viewport_size({"width": 640, "height": 512})
    page.evaluate(_LARGE_LETTERS)
    fits(page)


def test_enlarged_nothing_stays_in_front_of_the_text(seen_by: SeenBy, shelf: Shelf) -> None:
    page = seen_by(None, shelf)
    page.set_viewport_size(ENLARGED)
    fixed = "elements => elements.filter(e => ['fixed', 'sticky'].includes(getComputedStyle(e).position)).length"
    for stop in STOPS:
        if stop.role is None:
            stop.open(page, shelf)
            assert page.locator("body *").evaluate_all(fixed) == 0


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_the_page_is_as_light_or_dark_as_the_visitor_likes(
    seen_by: SeenBy, shelf: Shelf, colours: Literal["light", "dark"]
) -> None:
    """The contrast of all text is measured in ``test_accessibility``."""
    page = seen_by("reader", shelf)
    page.emulate_media(color_scheme=colours)
    for path in ("/", "/r/local/", "/r/local/project/holygrail/", "/r/local/upload/", "/logout/"):
        page.goto(shelf.url(path))
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number)")
        assert all((part < 60) == (colours == "dark") for part in ground), ground
        scheme = page.evaluate("getComputedStyle(document.documentElement).colorScheme")
        assert scheme == "light dark", "fields and scroll bars follow, too"


def test_nothing_moves_for_who_wants_it_so(seen_by: SeenBy, shelf: Shelf) -> None:
    page = seen_by("reader", shelf)
    page.emulate_media(reduced_motion="reduce")
    moving = """elements => elements.filter(e => {
      const style = getComputedStyle(e);
      const lasts = text => text.split(",").some(part => parseFloat(part) > 0);
      return lasts(style.transitionDuration) || style.animationName !== "none" || style.scrollBehavior === "smooth";
    }).length"""
    for path in ("/", "/r/local/", "/r/local/project/holygrail/"):
        page.goto(shelf.url(path))
        assert page.locator("*").evaluate_all(moving) == 0
        assert page.evaluate("document.getAnimations().length") == 0


def test_in_the_colours_of_the_system_everything_has_an_edge(seen_by: SeenBy, shelf: Shelf) -> None:
    """Windows' contrast themes replace all colours of the page."""
    page = seen_by("writer", shelf)
    page.emulate_media(forced_colors="active")
    page.goto(shelf.local("/project/dead-parrot/"))
    for each in [*page.get_by_role("button").all(), page.locator(".notice").first, page.locator(".badge").first]:
        if each.is_visible():
            assert each.evaluate("e => parseFloat(getComputedStyle(e).borderTopWidth)") > 0
    expect(page.get_by_role("heading", level=1)).to_be_visible()
