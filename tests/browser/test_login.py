"""Logging in: what is said beside the form, where the keyboard is, and where it leads."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import Visit
from browser.login_form import log_in
from browser.shelf import Shelf, stocked

pytestmark = pytest.mark.slow

WRONG = "The repository or the secret is wrong."


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """A server of our own, because it counts logins."""
    with stocked(tmp_path_factory.mktemp("shelf")) as shelf:
        yield shelf


def test_a_login_with_a_read_secret_shows_the_repository(page: Page, shelf: Shelf) -> None:
    page.goto(shelf.url("/login/"))
    log_in(page, shelf.secrets.read)
    expect(page).to_have_url(shelf.url("/"))
    expect(page.get_by_role("main").get_by_role("link", name="local", exact=True)).to_be_visible()
    expect(page.get_by_role("navigation", name="Account").get_by_role("link", name="Log out")).to_be_visible()


def test_a_wrong_secret_is_told_beside_the_form_which_keeps_what_was_right(page: Page, shelf: Shelf) -> None:
    page.goto(shelf.url("/login/"))
    page.get_by_label("Username").fill("brian")
    with page.expect_response(shelf.url("/login/")) as answered:
        log_in(page, "nonsense")
    assert answered.value.status == 403
    expect(page.get_by_role("alert")).to_have_text(WRONG)
    expect(page).to_have_title(re.compile("^Log in"))
    repository, secret = page.get_by_label("Repository", exact=True), page.get_by_label("Secret")
    expect(repository).to_have_value("local")
    expect(page.get_by_label("Username")).to_have_value("brian")
    expect(secret).to_have_value("")
    expect(secret).to_be_focused()
    expect(secret).to_have_attribute("aria-invalid", "true")
    expect(secret).to_have_accessible_description(re.compile(WRONG))
    log_in(page, shelf.secrets.read)
    expect(page).to_have_url(shelf.url("/"))


def test_an_unknown_repository_is_told_as_a_wrong_secret_is(page: Page, shelf: Shelf) -> None:
    page.goto(shelf.url("/login/"))
    log_in(page, shelf.secrets.read, "nowhere")
    expect(page.get_by_role("alert")).to_have_text(WRONG)
    expect(page.get_by_label("Repository", exact=True)).to_have_value("nowhere")


def test_a_form_that_is_not_filled_in_stays_where_it_is(page: Page, shelf: Shelf) -> None:
    page.goto(shelf.url("/login/"))
    expect(page.get_by_label("Repository", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    missing = page.get_by_label("Repository", exact=True)
    expect(missing).to_be_focused()
    assert missing.evaluate("field => field.validity.valueMissing")


@pytest.mark.parametrize(
    "path",
    ["/r/local/project/holygrail/", "/r/local/search/?q=air-speed", "/r/local/project/holygrail/1.0/", "/r/local/"],
)
def test_whoever_opens_a_page_is_led_to_the_login_and_back(page: Page, shelf: Shelf, path: str) -> None:
    page.goto(shelf.url(path))
    expect(page).to_have_url(re.compile(r"/login/\?next="))
    expect(page.get_by_label("Repository", exact=True)).to_have_value("local")
    expect(page.get_by_label("Secret")).to_be_focused()
    log_in(page, shelf.secrets.read)
    expect(page).to_have_url(shelf.url(path))
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_a_login_leads_to_no_other_site(page: Page, shelf: Shelf) -> None:
    page.goto(shelf.url("/login/?next=//example.org/steal"))
    log_in(page, shelf.secrets.read)
    expect(page).to_have_url(shelf.url("/"))


def test_a_login_that_leads_to_a_simple_page_gets_there_through_a_page_of_its_own(page: Page, shelf: Shelf) -> None:
    page.goto(shelf.url("/r/local/simple/holygrail/"))
    log_in(page, shelf.secrets.read)
    expect(page).to_have_url(shelf.url("/r/local/simple/holygrail/"))
    expect(page.get_by_role("link", name="holygrail-1.0-py3-none-any.whl")).to_be_visible()


def test_the_secret_is_typed_unseen_and_told_by_no_page(page: Page, shelf: Shelf) -> None:
    page.goto(shelf.url("/login/"))
    expect(page.get_by_label("Secret")).to_have_attribute("type", "password")
    log_in(page, shelf.secrets.read)
    expect(page).to_have_url(shelf.url("/"))
    for path in ("/", "/r/local/", "/r/local/project/holygrail/", "/logout/"):
        page.goto(shelf.url(path))
        assert shelf.secrets.read not in page.content()


def test_scripts_cannot_read_the_cookie(reader: Page, shelf: Shelf) -> None:
    reader.goto(shelf.url("/"))
    assert reader.evaluate("document.cookie") == ""


def test_a_login_is_of_one_browser(visit: Visit, shelf: Shelf) -> None:
    """Two people at one server."""
    mine, other = visit().new_page(), visit().new_page()
    mine.goto(shelf.url("/login/"))
    log_in(mine, shelf.secrets.read)
    expect(mine).to_have_url(shelf.url("/"))
    other.goto(shelf.url("/r/local/project/holygrail/"))
    expect(other).to_have_url(re.compile(r"/login/"))
