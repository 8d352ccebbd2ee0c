"""``/login/`` and ``/logout/``: who gets in, where it leads, and what is never said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from pywharf_core.testing import make_wheel
from server.browser import ACCEPT_PAGES, NAVIGATION, Browser, form_to, forms_of
from server.in_process import CONFIG, READER, WRITER, Application, application
from server.test_pages import PIP, POETRY, UV
from support.listing import JSON
from support.uploads import basic

OPEN_REPOSITORY = '\n[open]\ntype = "file_system"\nwrite_secret = "writes-open"\nanonymous_read = true\n'
WRONG = "The repository or the secret is wrong."


@pytest.fixture
def browser(app: Application) -> Browser:
    return Browser(app)


# --- in and out ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("holygrail")
def test_a_browser_is_sent_to_the_login_and_back_to_where_it_wanted_to_go(browser: Browser) -> None:
    answer = browser.get("/r/local/simple/holygrail/?x=1&y=%2F")
    assert answer.status_code == 303
    assert answer.headers["cache-control"] == "no-store"
    page = browser.get(answer.headers["location"])
    assert page.status_code == 200
    form = form_to(page, "/login/")
    assert form.method == "post"
    assert form.fields == {
        "next": "/r/local/simple/holygrail/?x=1&y=%2F",
        "repository": "local",
        "secret": "",
        "username": "",
    }
    answer = browser.send(form, secret="reads")
    assert answer.status_code == 200
    assert answer.headers["refresh"] == "0; url=/r/local/simple/holygrail/?x=1&y=%2F"
    assert "holygrail-1.0" in browser.get("/r/local/simple/holygrail/?x=1&y=%2F").text


def test_a_login_from_nowhere_leads_home(browser: Browser) -> None:
    answer = browser.log_in()
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("method", "path", "fields"), [("GET", "/login", None), ("GET", "/logout", None), ("POST", "/logout", {})]
)
def test_addresses_work_without_their_slash_too(
    browser: Browser, method: str, path: str, fields: dict[str, str] | None
) -> None:
    answer = browser.get(path) if method == "GET" else browser.post(path, fields)
    assert answer.status_code in (200, 303)


def test_logging_out_ends_the_session_on_the_server_too(browser: Browser) -> None:
    browser.log_in()
    cookies = dict(browser.cookies)
    page = browser.get("/logout/")
    assert "local" in page.text
    answer = browser.send(form_to(page, "/logout/"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert browser.cookies == {}
    browser.cookies = cookies
    assert browser.get("/r/local/simple/").status_code == 303
    assert not [form for form in forms_of(browser.get("/logout/")) if form.action.endswith("/logout/")]


def test_looking_at_the_logout_page_ends_nothing(browser: Browser) -> None:
    browser.log_in()
    for method in ("GET", "HEAD"):
        assert browser.get("/logout/", method=method).status_code == 200
    assert browser.get("/simple/").status_code == 200


def test_logging_out_without_a_login_is_no_error(browser: Browser) -> None:
    assert browser.post("/logout/").status_code == 303
    browser.cookies = {"pywharf": "A" * 43}
    assert browser.post("/logout/").status_code == 303
    assert browser.cookies == {}, "a cookie that opens nothing is removed"


# --- wrong logins ------------------------------------------------------------------------------------------------


def shape(browser: Browser, repository: str, secret: str) -> tuple[object, ...]:
    answer = browser.log_in(repository, secret)
    headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
    return answer.status_code, headers, answer.text.replace(f'"{repository}"', "")


def test_a_wrong_login_says_one_sentence_and_not_whether_the_repository_exists(browser: Browser) -> None:
    answer = browser.log_in("local", "wrong")
    assert answer.status_code == 403
    assert WRONG in answer.text
    assert browser.cookies == {}
    assert "www-authenticate" not in answer.headers, "no dialog of the browser's own"
    form = form_to(answer, "/login/")
    assert (form.fields["repository"], form.fields["secret"]) == ("local", "")
    assert "wrong" not in form.fields.values()
    assert shape(browser, "local", "wrong") == shape(browser, "nowhere", "wrong") == shape(browser, "local", "x" * 9000)
    assert shape(browser, "local", "reads-other") == shape(browser, "nowhere", "reads-other")


def test_what_was_written_comes_back_as_text(browser: Browser) -> None:
    hostile = '"><script>alert(1)</script>'
    answer = browser.log_in(hostile, "wrong", username=hostile, next='/"><script>')
    assert answer.status_code == 403
    assert "<script>alert" not in answer.text
    form = form_to(answer, "/login/")
    assert (form.fields["repository"], form.fields["username"], form.fields["next"]) == (hostile, hostile, "")


@pytest.mark.parametrize(
    "fields", [{}, {"repository": "local"}, {"secret": "reads"}, {"repository": " ", "secret": "x"}]
)
def test_a_form_that_is_not_filled_in_says_what_is_missing(browser: Browser, fields: dict[str, str]) -> None:
    answer = browser.post("/login/", fields)
    assert answer.status_code == 400
    assert "Both the repository&#39;s name and a secret are needed." in answer.text
    assert form_to(answer, "/login/").method == "post"


def test_many_wrong_logins_are_slowed_and_the_form_says_so(browser: Browser, app: Application) -> None:
    assert app.get("/simple/", READER).status_code == 200
    answers = [browser.log_in("local", f"wrong{number}") for number in range(40)]
    assert [answer.status_code for answer in answers[:10]] == [403] * 10
    slowed = next(answer for answer in answers if answer.status_code != 403)
    assert slowed.status_code == 429
    assert 1 <= int(slowed.headers["retry-after"]) <= 5
    assert "Too many" in slowed.text
    assert form_to(slowed, "/login/").method == "post"
    assert app.get("/simple/", READER).status_code == 200, "package tools go on"


@pytest.mark.usefixtures("no_new_guesses")
def test_a_good_secret_logs_in_beside_somebody_who_guesses_at_the_same_address(
    app: Application, browser: Browser
) -> None:
    assert app.get("/simple/", READER).status_code == 200, "known, by anybody's request"
    assert [browser.log_in("local", f"nope{number}").status_code for number in range(60)][-1] == 429
    assert browser.log_in(" Local ", "reads").status_code == 303
    assert browser.get("/simple/").status_code == 200
    assert browser.log_in("local", "never tried").status_code == 429, "which gave the guesser nothing"


@pytest.mark.usefixtures("no_new_guesses")
def test_a_secret_that_a_login_proved_good_is_known_to_package_tools_and_the_other_way_around(
    app: Application, browser: Browser
) -> None:
    assert browser.log_in("local", "writes").status_code == 303
    assert [browser.log_in("local", f"nope{number}").status_code for number in range(60)][-1] == 429
    assert app.get("/simple/", WRITER).status_code == 200
    assert app.get("/simple/", READER).status_code == 429, "unknown yet"


def test_good_logins_are_neither_counted_nor_slowed(app: Application) -> None:
    office = [Browser(app) for _ in range(60)]
    assert {visitor.log_in().status_code for visitor in office} == {303}
    assert {visitor.get("/simple/").status_code for visitor in office} == {200}
    guesser = Browser(app)
    assert [guesser.log_in("local", f"nope{number}").status_code for number in range(15)] == [403] * 15


def test_one_wrong_login_again_and_again_slows_nobody(app: Application, browser: Browser) -> None:
    assert {browser.log_in("local", "wrong").status_code for _ in range(60)} == {403}
    assert browser.log_in().status_code == 303  # never asked before


def test_without_a_configuration_the_form_says_so(tmp_path: Path) -> None:
    with application(tmp_path / "root", None, ready=False) as app:
        browser = Browser(app)
        assert browser.get("/login/").status_code == 200
        answer = browser.log_in()
        assert answer.status_code == 503
        assert "no configuration yet" in answer.text
        assert browser.get("/simple/").status_code == 503
        assert browser.get("/logout/").status_code == 200


def test_the_name_of_the_repository_is_taken_however_it_is_written(browser: Browser) -> None:
    assert browser.log_in(" Local ").status_code == 303
    assert browser.get("/r/local/simple/").status_code == 200


# --- where it leads ------------------------------------------------------------------------------------------------

OWN = [
    "/",
    "/project/x/",
    "/r/local/",
    "/r/local/search/?q=a%20b&page=2",
    "/project/x%20y/",
    "/a.b/~c/",
    "/?next=//evil.test",
    "/%C3%A9/",
]
FOREIGN = [
    "", "project", "//evil.test", "///evil.test", "/\\evil.test", "\\\\evil.test", "/%5Cevil.test", "/%5c%5cevil.test",
    "/%2Fevil.test", "/%2f%2fevil.test", "https://evil.test/", "https:/evil.test", "http:evil.test", "javascript:alert(1)",
    "data:text/html,x", "/\t/evil.test", "\t//evil.test", "/\n/evil.test", " //evil.test", "/ /evil.test", "/%09/evil.test",
    "/%0a/evil.test", "/%00/evil.test", "/x//evil.test", "/./", "/.//evil.test", "/../", "/x/..//evil.test",
    "/%2e%2e//evil.test", "/%2e/%2fevil.test", "/é/", "/\u2028/", "/\u3002", "/x#//evil.test", "/@evil.test\\", "/login/",
    "/login", "/logout/", "/r/local/login/?next=/", "/log%69n/", "/" + "x" * 2000, "/x\r\nSet-Cookie: a=b",
    "/x%0d%0aSet-Cookie:%20a=b", "/?q=\\", "/?q=\n", "/%", "/%zz", "/<script>",
]  # fmt: skip


@pytest.mark.parametrize("path", OWN)
def test_a_login_leads_to_a_path_of_ours(browser: Browser, path: str) -> None:
    answer = browser.log_in(next=path)
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    assert form_to(browser.get(f"/login/?next={quote(path, safe='')}"), "/login/").fields["next"] == path


@pytest.mark.parametrize("path", FOREIGN)
def test_a_login_leads_nowhere_else(browser: Browser, path: str) -> None:
    answer = browser.log_in(next=path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert len(browser.set_cookie) == 1
    page = browser.get(f"/login/?next={quote(path, safe='')}")
    assert form_to(page, "/login/").fields["next"] == ""
    assert "evil" not in page.text


def test_a_next_that_is_not_utf_8_or_given_twice_breaks_nothing(browser: Browser) -> None:
    for query in (
        "next=%ff%fe",
        "next=//evil.test&next=/x/",
        "next",
        "&&==",
        "next[]=x",
        "next=" + "%2f" * 5000,
        "&a=b" * 200,
    ):
        assert browser.get(f"/login/?{query}").status_code in (200, 400)


def test_a_login_under_a_prefix_stays_below_it(tmp_path: Path) -> None:
    with application(tmp_path / "root", path_prefix="/wharf") as app:
        browser = Browser(app)
        answer = browser.get("/wharf/r/local/simple/")
        assert answer.headers["location"] == "/wharf/login/?next=/wharf/r/local/simple/"
        page = browser.get(answer.headers["location"])
        form = form_to(page, "/login/")
        assert (form.action, form.fields["repository"]) == ("/wharf/login/", "local")
        assert browser.send(form, secret="reads", next="/").headers["location"] == "/wharf/"
        assert browser.log_in("local", "reads", next="/wharfless/").headers["location"] == "/wharf/"
        assert browser.log_in("local", "reads", next="/wharf/x/").headers["location"] == "/wharf/x/"
        assert "Path=/wharf/;" in browser.set_cookie[0]


# --- the cookie --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origin", "prefix", "name", "flags"),
    [
        ("http://testserver", "", "pywharf", "Path=/; HttpOnly; SameSite=Lax"),
        ("https://testserver", "", "__Host-pywharf", "Path=/; HttpOnly; SameSite=Lax; Secure"),
        ("http://testserver", "/wharf", "pywharf", "Path=/wharf/; HttpOnly; SameSite=Lax"),
        ("https://testserver", "/wharf", "__Secure-pywharf", "Path=/wharf/; HttpOnly; SameSite=Lax; Secure"),
    ],
)
def test_the_cookie_has_the_strictest_name_and_flags_that_fit(
    tmp_path: Path, origin: str, prefix: str, name: str, flags: str
) -> None:
    with application(tmp_path / "root", path_prefix=prefix) as app:
        browser = Browser(app, origin)
        login = f"{prefix}/r/local/login/"
        answer = browser.post(login, {"repository": "local", "secret": "reads"})
        assert answer.status_code == 303
        [line] = browser.set_cookie
        assert re.fullmatch(rf"{name}=[A-Za-z0-9_-]{{43}}; {flags}", line)
        assert browser.get(f"{prefix}/r/local/simple/").status_code == 200
        page = browser.get(f"{prefix}/logout/")
        browser.send(form_to(page, "/logout/"))
        assert browser.set_cookie == [f"{name}=; {flags}; Max-Age=0"]


def test_a_trusted_proxy_tells_of_tls_and_of_the_prefix(tmp_path: Path) -> None:
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "wharf.test", "X-Forwarded-Prefix": "/pkg"}
    fields = {"repository": "local", "secret": "reads"}
    for trusted, origin in ((("192.0.2.1",), "https://wharf.test"), ((), "http://testserver")):
        with application(tmp_path / "root", trusted_proxies=trusted) as app:
            browser = Browser(app)
            answer = browser.post("/login/", fields, {**forwarded, "Origin": origin})
            believed = bool(trusted)
            assert answer.headers["location"] == ("/pkg/" if believed else "/")
            name, path = ("__Secure-pywharf", "/pkg/") if believed else ("pywharf", "/")
            assert re.match(rf"{name}=[^;]+; Path={path};", browser.set_cookie[0])
            assert ("Secure" in browser.set_cookie[0].split("; ")) == believed
            assert browser.get("/simple/", forwarded).status_code == 200


def test_a_cookie_of_http_opens_nothing_under_tls(app: Application) -> None:
    plain, secure = Browser(app), Browser(app, "https://testserver")
    plain.log_in()
    secure.cookies = dict(plain.cookies)
    assert secure.get("/simple/").status_code == 303


def test_the_cookie_is_found_among_others_and_split_over_several_headers(app: Application, browser: Browser) -> None:
    browser.log_in()
    cookie = f"pywharf={browser.cookies['pywharf']}"
    for sent in (
        f"a=b; {cookie}",
        f"{cookie};c=d",
        f'x="pywharf=no"; {cookie}',
        f"pywharf2=x;{cookie}; pywharf=second",
    ):
        assert app.get("/simple/", None, headers={"Cookie": sent}).status_code == 200
    for sent in (
        f"x=1, {cookie}",
        f"not{cookie}",
        cookie.upper(),
        f"pywharf=first; {cookie}",
        f'"{cookie}"',
        "",
        ";;=;",
    ):
        assert app.get("/simple/", None, headers={"Cookie": sent}).status_code == 401
    split = app.client.get("/simple/", headers=[("Cookie", "a=b"), ("Cookie", cookie), ("Cookie", "c=d")])
    assert split.status_code == 200


def test_a_session_that_somebody_else_chose_gains_nothing_by_a_login(app: Application) -> None:
    attacker, victim = Browser(app), Browser(app)
    attacker.log_in("other", "reads-other")
    victim.cookies = dict(attacker.cookies)
    victim.log_in("local", "reads")
    assert victim.cookies != attacker.cookies
    assert attacker.get("/r/local/simple/").status_code == 303
    victim.cookies = {"pywharf": "A" * 43}
    victim.log_in("local", "reads")
    assert victim.cookies["pywharf"] != "A" * 43


# --- requests of other sites ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.test"},
    ],
)
def test_another_site_logs_nobody_in_or_out(browser: Browser, headers: dict[str, str]) -> None:
    fields = {"repository": "other", "secret": "reads-other"}
    assert browser.post("/login/", fields, headers).status_code == 403
    assert browser.cookies == {}
    browser.log_in()
    assert browser.post("/logout/", {"token": browser.form_token()}, headers).status_code == 403
    assert browser.get("/simple/").status_code == 200


def test_a_browser_that_says_only_its_origin_is_judged_by_that(app: Application) -> None:
    form = {"repository": "local", "secret": "reads"}
    for origin, status in (("http://testserver", 303), ("http://evil.test", 403), ("null", 403)):
        answer = app.client.post("/login/", data=form, headers={"Origin": origin})
        assert answer.status_code == status
        app.client.cookies.clear()


@pytest.mark.parametrize("token", [None, "", "x", "A" * 43])
def test_logging_out_needs_the_sessions_own_token(browser: Browser, token: str | None) -> None:
    browser.log_in()
    assert browser.post("/logout/", {} if token is None else {"token": token}).status_code == 403
    assert browser.get("/simple/").status_code == 200


# --- whom it concerns -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("holygrail")
@pytest.mark.parametrize(
    "path", ["/simple/", "/simple/holygrail/", "/r/local/simple/", "/pypi/holygrail/json", "/index_mtime/"]
)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Accept": "*/*", "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"},
        {"Accept": PIP, "User-Agent": "pip/26.0"},
        {"Accept": UV},
        {"Accept": POETRY},
        {"Accept": "text/html"},
        {"Accept": ACCEPT_PAGES},
        {"Accept": ACCEPT_PAGES, "Sec-Fetch-Mode": "cors"},
        {"Accept": ACCEPT_PAGES, "Sec-Fetch-Mode": "no-cors"},
        {"Accept": JSON, "Sec-Fetch-Mode": "navigate"},
        {"Accept": PIP, "Sec-Fetch-Mode": "navigate"},
        {"Accept": "*/*", "Sec-Fetch-Mode": "navigate"},
    ],
)  # fmt: skip
def test_package_tools_get_their_401_with_a_challenge(app: Application, path: str, headers: dict[str, str]) -> None:
    answer = app.get(path, None, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic ")


def test_wrong_credentials_are_401_even_for_a_browser_and_even_with_a_session(browser: Browser) -> None:
    browser.log_in()
    answer = browser.get("/simple/", basic("local", "wrong"))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic ")
    assert browser.get("/simple/", basic("other", "reads-other")).status_code == 200, "credentials come before sessions"
    assert browser.get("/simple/", {"Authorization": "Bearer x"}).status_code == 401


def test_what_no_page_has_a_form_for_is_never_sent_to_the_login(app: Application, browser: Browser) -> None:
    for path in ("/simple/", "/", "/legacy/", "/initialize/"):
        answer = browser.post(path, {"config": ""})
        assert (answer.status_code, answer.headers["www-authenticate"][:6]) == (401, "Basic "), path
    assert app.get("/simple/", None, method="HEAD", headers=NAVIGATION).status_code == 303


# --- which repository -----------------------------------------------------------------------------------------------


@pytest.fixture
def three(tmp_path: Path) -> Iterator[Application]:
    """``local``, ``other``, and ``open``, which anybody may read; each has one project, called like it."""
    with application(tmp_path / "three", CONFIG + OPEN_REPOSITORY) as app:
        for name, secret in (("local", "writes"), ("other", "writes-other"), ("open", "writes-open")):
            assert app.upload(make_wheel(tmp_path, name, "1.0"), (name, secret)).status_code == 200
        yield app


def test_the_only_login_is_what_an_address_without_a_repository_means(three: Application) -> None:
    browser = Browser(three)
    browser.log_in("other", "reads-other")
    assert "other/" in browser.get("/simple/").text
    assert browser.get("/r/open/simple/").status_code == 200, "as anybody"
    assert browser.get("/r/local/simple/").headers["location"] == "/login/?next=/r/local/simple/"


def test_with_several_logins_such_an_address_leads_to_where_one_is_chosen(three: Application) -> None:
    browser = Browser(three)
    browser.log_in("other", "reads-other")
    browser.log_in("local", "reads")
    answer = browser.get("/simple/local/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    answer = browser.get("/simple/local/", {"Sec-Fetch-Mode": "cors", "Accept": "*/*"})
    assert answer.status_code == 400
    assert "/r/<repository>" in answer.text
    for name in ("local", "other", "open"):
        assert f"{name}/" in browser.get(f"/r/{name}/simple/").text


def test_a_login_that_is_worth_nothing_any_more_hides_no_open_repository(three: Application) -> None:
    browser = Browser(three)
    browser.log_in("open", "writes-open")
    config = (CONFIG + OPEN_REPOSITORY).replace("writes-open", "changed")
    assert three.client.post("/initialize/", data={"config": config}, auth=("local", "administers")).status_code == 200
    three.wait_until_ready()
    assert browser.get("/r/open/simple/").status_code == 200


# --- files through a session, and what is logged --------------------------------------------------------------------


def test_files_come_through_a_session_and_as_they_come_by_credentials(
    app: Application, browser: Browser, holygrail: Path
) -> None:
    browser.log_in()
    for path in (
        "/simple/",
        "/simple/holygrail/",
        f"/r/local/simple/holygrail/{holygrail.name}",
        "/pypi/holygrail/json",
    ):
        by_session = browser.get(path, {"Accept": "*/*"})
        by_credentials = app.get(path, headers={"Accept": "*/*"})
        assert by_session.status_code == by_credentials.status_code == 200
        assert by_session.content == by_credentials.content
        for name in ("etag", "cache-control", "content-type", "vary"):
            assert by_session.headers.get(name) == by_credentials.headers.get(name)
        assert by_session.headers.get("set-cookie") is None


def test_logs_hold_no_cookie_no_secret_and_no_token(app: Application, browser: Browser) -> None:
    browser.log_in("local", "reads-not-in-any-log")
    browser.log_in("local", "reads", next="/simple/")
    token = browser.form_token()
    browser.get(f"/nowhere?token={token}")
    app.logged(browser.post("/logout/", {"token": token + "x"}))
    logs = "".join(path.read_text() for path in app.root.log.iterdir())
    assert '"/logout/"' in logs
    for secret in ("reads-not-in-any-log", browser.cookies["pywharf"], token, '"reads"'):
        assert secret not in logs
