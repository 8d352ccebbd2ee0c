"""What a session lasts for: several repositories, and what is left when it ends."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import Visit
from browser.login_form import log_in
from browser.shelf import publish
from pywharf_core.testing import make_wheel
from support.running_server import RunningServer, running_server

pytestmark = pytest.mark.slow

CONFIGURATION = """
[birds]
type = "file_system"
read_secret = "reads-birds"
write_secret = "writes-birds"

[grails]
type = "file_system"
read_secret = "reads-grails"
write_secret = "writes-grails"

[open]
type = "file_system"
write_secret = "writes-open"
anonymous_read = true
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Three repositories; everybody may read the last."""
    folder = tmp_path_factory.mktemp("three")
    (folder / "config.toml").write_text(CONFIGURATION)
    with running_server(folder / "root", "--config", str(folder / "config.toml"), "--extra_index_url", "") as server:
        for repository, project in (("birds", "swallow"), ("grails", "holygrail"), ("open", "coconut")):
            wheel = make_wheel(folder / "dist", project, "1.0", summary=f"Of {repository}")
            publish(server, (repository, f"writes-{repository}"), wheel)
        yield server


def logged_in(page: Page, server: RunningServer, *repositories: str) -> None:
    for repository in repositories:
        page.goto(f"{server.url}/login/")
        log_in(page, f"reads-{repository}", repository)
        expect(page).to_have_url(f"{server.url}/")


def shown(page: Page) -> set[str]:
    """The repositories that the home page shows."""
    links = page.get_by_role("main").get_by_role("link").all()
    hrefs = [link.get_attribute("href") or "" for link in links]
    return {match[1] for href in hrefs if (match := re.fullmatch(r"/r/([^/]+)/", href))}


def test_a_stranger_sees_the_open_repository_alone_and_the_way_to_the_login(page: Page, server: RunningServer) -> None:
    page.goto(server.url)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert shown(page) == {"open"}
    assert "birds" not in page.content()
    page.get_by_role("navigation", name="Account").get_by_role("link", name="Log in").click()
    expect(page).to_have_url(re.compile("/login/"))


def test_a_second_login_is_added_to_the_first(page: Page, server: RunningServer) -> None:
    logged_in(page, server, "birds")
    assert shown(page) == {"birds", "open"}
    logged_in(page, server, "grails")
    assert shown(page) == {"birds", "grails", "open"}
    for repository, project in (("birds", "swallow"), ("grails", "holygrail"), ("open", "coconut")):
        page.goto(f"{server.url}/r/{repository}/project/{project}/")
        expect(page.get_by_role("heading", level=1)).to_contain_text(project)
        expect(page.get_by_role("banner").get_by_role("link", name=repository)).to_be_visible()


def test_an_address_without_a_repository_leads_to_the_choice_where_there_is_one(
    page: Page, server: RunningServer
) -> None:
    logged_in(page, server, "birds", "grails")
    page.goto(f"{server.url}/project/swallow/")
    expect(page).to_have_url(f"{server.url}/")


def test_a_login_to_one_repository_opens_no_other(page: Page, server: RunningServer) -> None:
    logged_in(page, server, "birds")
    page.goto(f"{server.url}/r/grails/project/holygrail/")
    expect(page).to_have_url(re.compile(r"/login/\?next="))
    expect(page.get_by_label("Repository", exact=True)).to_have_value("grails")
    expect(page.get_by_text("You are logged in already")).to_be_visible()


def test_after_the_logout_nothing_is_left_on_the_way_back_either(page: Page, server: RunningServer) -> None:
    logged_in(page, server, "birds")
    page.goto(f"{server.url}/r/birds/project/swallow/")
    expect(page.get_by_text("Of birds").first).to_be_visible()
    page.get_by_role("navigation", name="Account").get_by_role("link", name="Log out").click()
    expect(page.get_by_text("This ends your login to birds")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(f"{server.url}/")
    expect(page.get_by_role("navigation", name="Account").get_by_role("link", name="Log in")).to_be_visible()
    assert shown(page) == {"open"}
    page.go_back()
    expect(page.get_by_text("You are not logged in.")).to_be_visible()
    page.go_back()
    expect(page).to_have_url(re.compile(r"/login/\?next=/r/birds/project/swallow/"))
    assert "Of birds" not in page.content()


def test_the_logout_of_one_tab_is_that_of_all(visit: Visit, server: RunningServer) -> None:
    visitor = visit()
    first, second = visitor.new_page(), visitor.new_page()
    logged_in(first, server, "birds")
    second.goto(f"{server.url}/r/birds/")
    expect(second).to_have_url(f"{server.url}/r/birds/")
    first.goto(f"{server.url}/logout/")
    first.get_by_role("button", name="Log out").click()
    expect(first).to_have_url(f"{server.url}/")
    second.reload()
    expect(second).to_have_url(re.compile(r"/login/"))


def test_who_stays_logged_in_is_logged_in_still(page: Page, server: RunningServer) -> None:
    logged_in(page, server, "birds")
    page.goto(f"{server.url}/logout/")
    page.get_by_role("link", name="Stay logged in").click()
    expect(page).to_have_url(f"{server.url}/")
    assert "birds" in shown(page)


def test_a_form_whose_login_has_ended_opens_no_dialog_and_leads_through_the_login_back(
    page: Page, server: RunningServer
) -> None:
    page.goto(f"{server.url}/r/grails/manage/holygrail/1.0/yank")
    log_in(page, "writes-grails", "grails")
    page.get_by_label("Reason").fill("Too old")
    page.context.clear_cookies()
    # Chromium keeps a navigation waiting for its own dialog; Playwright would see no page at all.
    page.get_by_role("button", name="Yank").click()
    expect(page).to_have_url(re.compile(r"/login/"))
    expect(page.get_by_text("nothing was changed")).to_be_visible()
    expect(page.get_by_label("Repository", exact=True)).to_have_value("grails")
    log_in(page, "a wrong secret", "grails")
    expect(page.get_by_role("alert")).to_be_visible()
    log_in(page, "writes-grails", "grails")
    expect(page).to_have_url(f"{server.url}/r/grails/manage/holygrail/1.0/yank")
    page.get_by_label("Reason").fill("Too old")
    page.get_by_role("button", name="Yank").click()
    expect(page.get_by_text("holygrail 1.0 is yanked.")).to_be_visible()
