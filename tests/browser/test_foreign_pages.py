"""Pages of other sites, in the browser of somebody who is logged in here: they change nothing, and see nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from browser.conftest import PATIENCE
from browser.foreign_pages import foreign_pages
from browser.shelf import Shelf
from support.listing import ACCEPT_JSON

pytestmark = pytest.mark.slow

# Of one host all ports are the same site: there the cookie comes along, and only the server is left to refuse.
HOSTS = ["127.0.0.1", "localhost"]

REFUSED = "This request comes from a page of another site"


def form(action: str, **fields: str) -> str:
    inputs = "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in fields.items())
    return f'<!doctype html><form method="post" action="{action}">{inputs}<button>You have won</button></form>'


@pytest.fixture(scope="module")
def foreign_port(shelf: Shelf) -> Iterator[int]:
    pages = {
        "/yank": form(shelf.local("/manage/holygrail/1.1/yank"), reason="Because"),
        "/delete": form(
            shelf.local("/manage/coconut/0.3/delete"),
            confirm="coconut",
            files="coconut-0.3-py3-none-any.whl coconut-0.3.tar.gz",
        ),
        "/status": form(shelf.local("/manage/holygrail/status"), status="quarantined"),
        "/login": form(shelf.url("/login/"), repository="local", secret=shelf.secrets.read),
        "/logout": form(shelf.url("/logout/")),
        "/frame": f'<!doctype html><iframe title="Framed" src="{shelf.local("/project/holygrail/")}"></iframe>',
        "/link": f'<!doctype html><a href="{shelf.local("/project/holygrail/")}">Look at this</a>',
    }
    with foreign_pages(pages) as port:
        yield port


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("what", ["yank", "delete", "status"])
def test_a_foreign_form_changes_nothing(writer: Page, shelf: Shelf, foreign_port: int, what: str, host: str) -> None:
    before = state(shelf)
    writer.goto(f"http://{host}:{foreign_port}/{what}")
    writer.get_by_role("button").click()
    expect(writer.get_by_role("heading", level=1)).to_have_text("Not permitted")
    expect(writer.get_by_role("main")).to_contain_text(REFUSED)
    assert state(shelf) == before


@pytest.mark.parametrize("host", HOSTS)
def test_a_foreign_form_logs_nobody_in(page: Page, shelf: Shelf, foreign_port: int, host: str) -> None:
    page.goto(f"http://{host}:{foreign_port}/login")
    page.get_by_role("button").click()
    expect(page.get_by_role("main")).to_contain_text(REFUSED)
    assert page.context.cookies() == []


@pytest.mark.parametrize("host", HOSTS)
def test_a_foreign_form_logs_nobody_out(reader: Page, shelf: Shelf, foreign_port: int, host: str) -> None:
    reader.goto(f"http://{host}:{foreign_port}/logout")
    reader.get_by_role("button").click()
    expect(reader.get_by_role("main")).to_contain_text(REFUSED)
    reader.goto(shelf.local())
    expect(reader).to_have_url(shelf.local())


@pytest.mark.parametrize("broken", ["", "A" * 43])
def test_a_form_of_ours_without_its_token_changes_nothing(writer: Page, shelf: Shelf, broken: str) -> None:
    before = state(shelf)
    writer.goto(shelf.local("/manage/holygrail/1.1/yank"))
    writer.locator("main input[name=token]").evaluate("(field, value) => { field.value = value }", broken)
    writer.get_by_role("main").get_by_role("button", name=re.compile("^Yank")).click()
    expect(writer.get_by_role("heading", level=1)).to_have_text("Not permitted")
    assert state(shelf) == before


def test_a_link_on_a_foreign_page_opens_for_who_is_logged_in(reader: Page, shelf: Shelf, foreign_port: int) -> None:
    reader.goto(f"http://localhost:{foreign_port}/link")
    reader.get_by_role("link").click()
    expect(reader).to_have_url(shelf.local("/project/holygrail/"))


@pytest.mark.parametrize("host", HOSTS)
def test_no_page_is_shown_in_a_foreign_frame(chromium: Browser, shelf: Shelf, foreign_port: int, host: str) -> None:
    # A visitor of our own: the console does complain here.
    with chromium.new_context(storage_state=shelf.session("reader")) as visitor:
        visitor.set_default_timeout(PATIENCE)
        page = visitor.new_page()
        with page.expect_console_message(lambda said: "frame-ancestors" in said.text):
            page.goto(f"http://{host}:{foreign_port}/frame")
        assert all("holygrail" not in frame.content() for frame in page.frames[1:])


@pytest.mark.parametrize("host", HOSTS)
def test_a_script_of_a_foreign_page_reads_nothing(
    chromium: Browser, shelf: Shelf, foreign_port: int, host: str
) -> None:
    with chromium.new_context(storage_state=shelf.session("reader")) as visitor:
        page = visitor.new_page()
        page.goto(f"http://{host}:{foreign_port}/link")
        for path in ("/project/holygrail/", "/simple/holygrail/"):
            read = "url => fetch(url, {credentials: 'include'}).then(answer => answer.text(), () => 'refused')"
            assert page.evaluate(read, shelf.local(path)) == "refused"


def state(shelf: Shelf) -> object:
    """Of all that the forms would change."""
    return [
        shelf.server.ask(f"/simple/{project}/", shelf.secrets.reader, headers=ACCEPT_JSON).body
        for project in ("holygrail", "coconut")
    ]
