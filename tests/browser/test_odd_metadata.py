"""Metadata that a layout has to stand, though nobody means harm: very long, without spaces, from right to left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import SeenBy
from browser.shelf import Distribution, Shelf, publish, started

pytestmark = pytest.mark.slow

LONG = "a" + "-very-long-name" * 13
HEBREW = "\u05e9\u05dc\u05d5\u05dd"
RIGHT_TO_LEFT = f"# {HEBREW}\n\n{HEBREW} `pip.` {HEBREW}\n\n```python\nseek(1)\n```\n"
ODD = [
    Distribution(LONG, "1.0", "summary " * 60),
    Distribution("unbroken", f"1.0+{'a' * 60}", "x" * 480),
    Distribution("leftwards", "1.0", HEBREW, RIGHT_TO_LEFT),
    Distribution("plain", "2026.11", "Like most"),
]
WIDTHS = (1280, 768, 360)

_CUT_TABLES = """() => [...document.querySelectorAll(".table-frame")].filter(e => e.scrollWidth > e.clientWidth + 1)
  .map(e => `${e.getAttribute("aria-label")}: ${e.scrollWidth} > ${e.clientWidth}`)"""


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    folder = tmp_path_factory.mktemp("odd")
    with started(folder) as shelf:
        for each in ODD:
            for path in each.make(folder / "dist"):
                publish(shelf.server, shelf.secrets.writer, path)
        yield shelf


@pytest.fixture
def reading(seen_by: SeenBy, odd: Shelf) -> Page:
    return seen_by("reader", odd)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "path", ["/", "/search/?q=plain", "/search/?q=unbroken", f"/project/{LONG}/", "/project/unbroken/"]
)
def test_no_project_pushes_a_tables_columns_out_of_sight(reading: Page, odd: Shelf, path: str, width: int) -> None:
    reading.set_viewport_size({"width": width, "height": 800})
    reading.goto(odd.local(path))
    assert reading.evaluate(_CUT_TABLES) == []
    assert reading.evaluate("document.documentElement.scrollWidth") <= width


def test_versions_stay_in_one_piece_beside_a_long_summary(reading: Page, odd: Shelf) -> None:
    reading.goto(odd.local())
    cell = reading.get_by_role("cell", name="2026.11")
    lines = """cell => {
      const range = document.createRange();
      range.selectNodeContents(cell);
      return range.getClientRects().length;
    }"""
    assert cell.evaluate(lines) == 1


def test_code_reads_from_left_to_right_in_a_description_that_does_not(reading: Page, odd: Shelf) -> None:
    reading.goto(odd.local("/project/leftwards/"))
    readme = reading.locator(".readme")
    direction = "element => getComputedStyle(element).direction"
    assert readme.evaluate(direction) == "rtl"
    expect(readme.locator("pre")).to_contain_text("seek(1)")
    for code in (readme.locator("pre"), readme.locator("p code")):
        assert code.evaluate(direction) == "ltr"


def test_a_release_that_is_not_here_leads_to_its_project(reading: Page, odd: Shelf) -> None:
    response = reading.goto(odd.local("/project/plain/99/"))
    assert response is not None
    assert response.status == 404
    expect(reading.get_by_role("heading", level=1)).to_have_text("plain 99 is not here")
    reading.get_by_role("link", name="What there is of plain").click()
    expect(reading).to_have_url(odd.local("/project/plain/"))


def test_whoever_may_only_read_is_offered_another_login_where_more_is_needed(reading: Page, odd: Shelf) -> None:
    reading.goto(odd.local("/manage/plain/2026.11/yank"))
    expect(reading.get_by_text("This secret may read the repository local, not write to it.")).to_be_visible()
    reading.get_by_role("link", name="Log in with another secret").click()
    expect(reading).to_have_url(odd.url("/login/?next=/r/local/manage/plain/2026.11/yank"))
    expect(reading.get_by_label("Repository", exact=True)).to_have_value("local")
