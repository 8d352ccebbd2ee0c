"""Finding a project: from the top of every page, from the list, in vain, and with questions that nobody asks in earnest."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from browser.shelf import Shelf
from pywharf.pages.text import visible

pytestmark = pytest.mark.slow


def search_field(page: Page) -> Locator:
    return page.get_by_role("search").get_by_role("searchbox", name="Search local")


def found(page: Page) -> list[str]:
    """The projects that the page lists."""
    return page.get_by_role("main").get_by_role("rowheader").get_by_role("link").all_inner_texts()


def test_a_project_is_found_by_a_word_of_its_summary_and_opened(reader: Page, shelf: Shelf) -> None:
    reader.goto(shelf.local())
    search_field(reader).fill("laden birds")
    search_field(reader).press("Enter")
    expect(reader).to_have_url(re.compile(r"/r/local/search/\?q=laden\+birds$"))
    expect(reader.get_by_role("status")).to_have_text("1 project found.")
    assert found(reader) == ["swallow"]
    reader.get_by_role("link", name="swallow").click()
    expect(reader).to_have_url(shelf.local("/project/swallow/"))


@pytest.mark.parametrize("path", ["/project/holygrail/", "/upload/", "/search/?q=grail", "/"])
def test_the_field_is_at_the_top_of_every_page_of_the_repository(reader: Page, shelf: Shelf, path: str) -> None:
    reader.goto(shelf.local(path))
    search_field(reader).fill("coco")
    reader.get_by_role("search").get_by_role("button", name="Search").click()
    expect(reader.get_by_role("heading", level=1)).to_contain_text("coco")
    assert found(reader) == ["coconut"]
    expect(search_field(reader)).to_have_value("coco")


def test_a_name_is_found_in_any_spelling(reader: Page, shelf: Shelf) -> None:
    for spelling in ("Dead_Parrot", "dead.parrot", "DEAD-PARROT"):
        reader.goto(shelf.local())
        search_field(reader).fill(spelling)
        search_field(reader).press("Enter")
        expect(search_field(reader)).to_have_value(spelling)
        assert found(reader) == ["dead-parrot"]


def test_a_search_in_vain_says_what_was_looked_for_and_what_to_do(reader: Page, shelf: Shelf) -> None:
    reader.goto(shelf.local())
    search_field(reader).fill("shrubbery")
    search_field(reader).press("Enter")
    expect(reader.get_by_role("heading", level=1)).to_contain_text("shrubbery")
    expect(reader.get_by_role("status")).to_contain_text("No project of local")
    reader.get_by_role("main").get_by_role("link", name="All projects").click()
    expect(reader).to_have_url(shelf.local())
    assert "HolyGrail" in found(reader)


def test_a_search_for_nothing_lists_everything(reader: Page, shelf: Shelf) -> None:
    reader.goto(shelf.local())
    search_field(reader).press("Enter")
    expect(reader).to_have_url(re.compile(r"/search/\?q=$"))
    assert "HolyGrail" in found(reader)


@pytest.mark.parametrize(
    "question",
    [
        "<script>console.error('a question ran')</script>",
        "\"><img src=x onerror=console.error('a question ran')>",
        "' OR 1=1 --",
        'NEAR(a b) AND NOT "',
        "name:holygrail*",
        "\u202egrail\u2066",
        "%%%&q=other#fragment",
        "x" * 1000,
        "{{ 7 * 7 }}",
    ],
)
def test_a_hostile_question_is_a_text_like_any_other(reader: Page, shelf: Shelf, question: str) -> None:
    reader.goto(shelf.local())
    with reader.expect_response(lambda answer: "/search/" in answer.url) as answered:
        search_field(reader).fill(question)
        search_field(reader).press("Enter")
    assert answered.value.status == 200
    expect(reader.get_by_role("heading", level=1)).to_contain_text("Search for")
    expect(reader.get_by_role("status")).to_be_visible()
    assert reader.locator("main script, main img").count() == 0
    # What would be asked again is the same question, as far as it was taken; what cannot be seen is a sign in it.
    again = search_field(reader).input_value()
    assert again
    assert visible(question.strip()).startswith(again)


def test_the_list_can_be_had_with_the_last_upload_first(reader: Page, shelf: Shelf) -> None:
    reader.goto(shelf.local())
    by_name = found(reader)
    assert by_name == sorted(by_name, key=str.lower)
    reader.get_by_role("navigation", name="Order").get_by_role("link", name="Last upload first").click()
    expect(reader).to_have_url(re.compile("sort=uploaded"))
    assert found(reader)[0] == "hostile"
    assert sorted(found(reader)) == sorted(by_name)
