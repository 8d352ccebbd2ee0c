"""A page's form that is sent when its login has ended: nothing is done, and the way leads through the login back to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.browser import ACCEPT_PAGES, NAVIGATION, Browser, form_to
from server.in_process import Application, application
from server.test_manage import marks
from support.listing import JSON
from support.uploads import basic

YANK = "/r/local/manage/holygrail/1.0/yank"
TO_LOGIN = (303, "/login/?next=/r/local/&ended=1")
SAID = "Your login had ended when the form came, so nothing was changed."

# What browsers say to a server that is neither this machine nor under TLS.
PLAIN = {"Accept": ACCEPT_PAGES, "Origin": "http://testserver"}


@pytest.fixture
def browser(app: Application) -> Browser:
    return Browser(app)


@pytest.mark.usefixtures("holygrail")
def test_the_form_changes_nothing_and_leads_through_the_login_back_to_its_page(
    app: Application, browser: Browser
) -> None:
    browser.log_in("local", "writes")
    page = f"{YANK}?a=b%26c"
    form = form_to(browser.get(page), "/yank")
    browser.cookies.clear()
    answer = browser.post(form.action, {**form.fields, "reason": "Old"}, {"Referer": f"http://testserver{page}"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/login/?next={YANK}%3Fa%3Db%2526c&ended=1")
    assert "www-authenticate" not in answer.headers
    assert set(marks(app).values()) == {False}
    login = browser.get(answer.headers["location"])
    assert SAID in login.text
    answer = browser.send(form_to(login, "/login/"), repository="local", secret="writes")
    assert (answer.status_code, answer.headers["location"]) == (303, page)
    answer = browser.send(form_to(browser.get(page), "/yank"), reason="Old")
    assert answer.status_code == 303
    assert set(marks(app).values()) == {"Old"}


@pytest.mark.parametrize("change", ["1.0/yank", "1.0/unyank", "1.0/delete", "status"])
def test_each_form_that_changes_something_does_so(browser: Browser, change: str) -> None:
    answer = browser.post(f"/r/local/manage/holygrail/{change}", {"token": "x"})
    assert (answer.status_code, answer.headers["location"]) == TO_LOGIN


def test_a_login_that_is_good_for_another_repository_alone_has_ended_here(browser: Browser) -> None:
    browser.log_in("other", "writes-other")
    answer = browser.post(YANK, {"token": browser.form_token()})
    assert (answer.status_code, answer.headers["location"]) == TO_LOGIN


@pytest.mark.parametrize(
    "referer",
    ["", "http://evil.test//evil.test/", "//evil.test", "http://[", "x" * 5000, "http://testserver/login/", "/a\\b"],
)
def test_a_form_that_does_not_say_of_which_page_it_is_leads_back_to_the_repository(
    browser: Browser, referer: str
) -> None:
    answer = browser.post(YANK, {}, {"Referer": referer})
    assert (answer.status_code, answer.headers["location"]) == TO_LOGIN


def test_the_way_back_keeps_a_path_prefix(tmp_path: Path) -> None:
    with application(tmp_path / "root", path_prefix="/wharf") as app:
        answer = Browser(app).post(f"/wharf{YANK}", {}, {"Referer": f"http://testserver/wharf{YANK}"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/wharf/login/?next=/wharf{YANK}&ended=1")


def test_where_browsers_do_not_say_that_they_navigate_the_address_tells(app: Application) -> None:
    answer = app.client.post(YANK, headers=PLAIN)
    assert (answer.status_code, answer.headers["location"]) == TO_LOGIN
    answer = app.client.post("/login/", data={"repository": "local", "secret": "wrong"}, headers=PLAIN)
    assert (answer.status_code, "www-authenticate" in answer.headers) == (403, False)


def test_only_the_way_there_makes_the_login_say_so(browser: Browser) -> None:
    assert SAID not in browser.get("/login/?next=/r/local/").text
    answer = browser.post("/login/?ended=1", {"repository": "local", "secret": "wrong"})
    assert SAID not in answer.text


PROGRAMS = [
    {},
    {"Accept": "*/*"},
    {"Accept": JSON},
    {"Accept": ACCEPT_PAGES, "Sec-Fetch-Mode": "cors"},
    {"Accept": JSON, "Sec-Fetch-Mode": "navigate"},
]


@pytest.mark.parametrize(
    "headers", [*PROGRAMS, basic("local", "wrong"), {**NAVIGATION, "Sec-Fetch-Site": "none", **basic("local", "wrong")}]
)
def test_programs_and_wrong_credentials_get_401_with_a_challenge(app: Application, headers: dict[str, str]) -> None:
    answer = app.client.post(YANK, headers=headers)
    assert (answer.status_code, answer.headers["www-authenticate"][:6]) == (401, "Basic ")


@pytest.mark.parametrize("headers", PROGRAMS)
def test_programs_that_log_in_wrongly_get_401_with_a_challenge(app: Application, headers: dict[str, str]) -> None:
    answer = app.client.post("/login/", data={"repository": "local", "secret": "wrong"}, headers=headers)
    assert (answer.status_code, answer.headers["www-authenticate"][:6]) == (401, "Basic ")
