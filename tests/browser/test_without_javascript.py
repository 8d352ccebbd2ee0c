"""With JavaScript turned off nothing is missing but the buttons that copy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import Visit
from browser.login_form import log_in
from browser.shelf import Shelf, publish, stocked
from pywharf_core.testing import make_wheel

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """One that may be changed."""
    with stocked(tmp_path_factory.mktemp("shelf")) as shelf:
        yield shelf


@pytest.fixture
def page(visit: Visit) -> Page:
    return visit(java_script_enabled=False).new_page()


def logged_in(page: Page, shelf: Shelf, secret: str) -> None:
    page.goto(shelf.local())
    log_in(page, secret)
    expect(page).to_have_url(shelf.local())


def test_a_reader_finds_a_project_and_the_line_to_install_it(page: Page, shelf: Shelf) -> None:
    page.goto(shelf.local())
    log_in(page, "wrong")
    expect(page.get_by_role("alert")).to_contain_text("is wrong")
    log_in(page, shelf.secrets.read)
    expect(page).to_have_url(shelf.local())
    page.get_by_role("searchbox").fill("grail")
    page.get_by_role("searchbox").press("Enter")
    page.get_by_role("link", name="HolyGrail").click()
    expect(page.get_by_role("main")).to_contain_text("pip install --index-url")
    assert page.get_by_role("button", name=re.compile("Copy")).count() == 0
    expect(page.locator(".readme")).to_contain_text("Finds the grail, or says who took it.")
    with page.expect_download():
        page.get_by_role("link", name="holygrail-1.1.tar.gz", exact=True).click()
    page.get_by_text("More about holygrail-1.1.tar.gz").click()
    expect(page.get_by_text("BLAKE2b-256").last).to_be_visible()


def test_a_writer_yanks_takes_back_and_deletes(page: Page, shelf: Shelf, tmp_path: Path) -> None:
    publish(shelf.server, shelf.secrets.writer, make_wheel(tmp_path, "spam", "1.0"))
    logged_in(page, shelf, shelf.secrets.write)
    page.goto(shelf.local("/project/spam/1.0/"))
    page.get_by_role("link", name="Yank 1.0").click()
    page.get_by_label("Reason").fill("No eggs")
    page.get_by_role("main").get_by_role("button", name="Yank").click()
    expect(page.get_by_role("status")).to_contain_text("spam 1.0 is yanked.")
    page.get_by_role("link", name="Take back the yank of 1.0").click()
    page.get_by_role("main").get_by_role("button").last.click()
    expect(page.get_by_role("status")).to_contain_text("spam 1.0 is no longer yanked.")
    page.get_by_role("link", name="Delete 1.0").click()
    page.get_by_label("Write the project's name").fill("spam")
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_role("status")).to_contain_text("spam 1.0 is deleted.")
    assert shelf.server.ask("/simple/spam/", shelf.secrets.reader).status == 404


def test_one_logs_out(page: Page, shelf: Shelf) -> None:
    logged_in(page, shelf, shelf.secrets.read)
    page.get_by_role("link", name="Log out").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("navigation", name="Account").get_by_role("link", name="Log in")).to_be_visible()


def test_a_login_that_leads_to_a_simple_page_gets_there(page: Page, shelf: Shelf) -> None:
    page.goto(shelf.local("/simple/holygrail/"))
    log_in(page, shelf.secrets.read)
    expect(page).to_have_url(shelf.local("/simple/holygrail/"))
    expect(page.get_by_role("link", name="holygrail-1.0.tar.gz")).to_be_visible()
