"""What the keyboard alone reaches on a page."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Page

_MOST = 300  # presses of Tab

# Also where the page put the focus elsewhere.
_TO_THE_TOP = """() => {
  document.body.tabIndex = -1;
  document.body.focus();
  document.body.removeAttribute("tabindex");
}"""

# The element that has the focus: where it stands among all, what it is called, and what shows that it has the focus.
_FOCUSED = """() => {
  const element = document.activeElement;
  if (element === document.body || element === document.documentElement) return null;
  element.scrollIntoView({block: "nearest"});
  const box = element.getBoundingClientRect();
  const style = getComputedStyle(element);
  const middle = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return {
    position: [...document.querySelectorAll("*")].indexOf(element),
    said: `<${element.localName}> ${element.getAttribute("aria-label") ?? element.textContent.trim().slice(0, 60)}`,
    outline: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth),
    seen: box.width > 1 && box.height > 1 && middle !== null && (element.contains(middle) || middle.contains(element)),
  };
}"""

# What has to be reached: everything that does something and is shown.
_OPERABLE = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")]
  .filter(e => e.type !== "hidden" && e.checkVisibility({visibilityProperty: true}))
  .filter(e => e.type !== "radio" || e.checked)
  .map(e => [...document.querySelectorAll("*")].indexOf(e))"""


@dataclass(frozen=True)
class Stopover:
    """:ivar position: among all elements of the document.
    :ivar outline: its width in CSS pixels.
    :ivar seen: it is on the screen, and nothing covers it.
    """

    position: int
    said: str
    outline: float
    seen: bool


def tab_through(page: Page) -> list[Stopover]:
    """From the top of the page until the focus leaves it, or comes round."""
    page.evaluate(_TO_THE_TOP)
    found: list[Stopover] = []
    for _ in range(_MOST):
        page.keyboard.press("Tab")
        focused = page.evaluate(_FOCUSED)
        if focused is None or (found and focused["position"] == found[0].position):
            return found
        found.append(Stopover(**focused))
    raise AssertionError(f"after {_MOST} presses of Tab there is no end; the last was {found[-1]}")


def operable(page: Page) -> list[int]:
    """The positions of all elements that the keyboard has to reach, in the order of the document."""
    positions: list[int] = page.evaluate(_OPERABLE)
    return positions
