"""What every page for people carries, what forms of ours need, and what no visitor is shown of another."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import html5lib
import pytest
from httpx2 import Response

from pywharf.pages.rendering import ENVIRONMENT
from pywharf.pages.static_files import STATIC, StaticFiles
from pywharf_core.testing import make_sdist
from server.browser import ACCEPT_PAGES, Browser
from server.in_process import CONFIG, READER, WRITER, Application, application
from server.test_manage import SDIST, WHEEL, marks
from server.test_pages import VARIES_BY
from support.listing import ACCEPT_JSON
from support.uploads import basic

PAGES = ("/login/", "/logout/", "/nowhere", "/simple/nothing-here/", "/r/nowhere/x")
YANK = "/r/local/manage/holygrail/1.0/yank"
POLICY = {
    "default-src": "'none'",
    "style-src": "'self'",
    "script-src": "'self'",
    "img-src": "'self' data:",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}


class _Elements(HTMLParser):
    """:ivar elements: tag and attributes, in their order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


def elements(answer: Response, *tags: str) -> list[dict[str, str | None]]:
    return [attributes for tag, attributes in _Elements(answer.text).elements if tag in tags]


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    with application(tmp_path / "root", CONFIG.replace('private = ["acme-*"]', 'extra_index_url = ""')) as asked:
        yield asked


@pytest.fixture
def browser(app: Application) -> Browser:
    return Browser(app)


@pytest.fixture
def writer(app: Application, browser: Browser) -> Browser:
    assert browser.log_in("local", "writes").status_code == 303
    return browser


# --- headers and markup ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("logged_in", [False, True])
@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_the_headers_that_keep_it_to_itself(browser: Browser, path: str, logged_in: bool) -> None:
    if logged_in:
        browser.log_in()
    answer = browser.get(path)
    if answer.status_code == 303:
        answer = browser.get(answer.headers["location"])
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert "no-store" in answer.headers["cache-control"]
    assert set(re.split(r",\s*", answer.headers["vary"])) == VARIES_BY
    assert "etag" not in answer.headers


def test_the_headers_for_tls_are_there_under_tls(app: Application, browser: Browser) -> None:
    assert Browser(app, "https://testserver").get("/login/").headers["cross-origin-opener-policy"] == "same-origin"
    assert "cross-origin-opener-policy" not in browser.get("/login/").headers


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("prefix", ["", "/wharf"])
def test_pages_load_nothing_from_elsewhere_and_run_nothing_within(tmp_path: Path, path: str, prefix: str) -> None:
    with application(tmp_path / "prefixed", path_prefix=prefix) as app:
        browser = Browser(app)
        browser.log_in()
        answer = browser.get(f"{prefix}{path}")
        if answer.status_code == 303:
            answer = browser.get(answer.headers["location"])
        for attributes in elements(answer, "link", "script", "img"):
            address = attributes.get("href") or attributes.get("src") or ""
            assert address.startswith(f"{prefix}/static/{STATIC.digest}/")
            assert app.get(address, None).status_code == 200
        for attributes in elements(answer, "a", "form"):
            address = attributes.get("href") or attributes.get("action") or ""
            assert address == "#main" or address.startswith(f"{prefix}/")
        assert not elements(answer, "style", "iframe", "object", "base")
        assert not [
            name
            for _, found in _Elements(answer.text).elements
            for name in found
            if name == "style" or name.startswith("on")
        ]
        assert all(attributes.get("src") for attributes in elements(answer, "script"))


@pytest.mark.parametrize("path", PAGES)
def test_pages_can_be_read_without_eyes_and_walked_without_a_mouse(browser: Browser, path: str) -> None:
    browser.log_in()
    answer = browser.get(path)
    if answer.status_code == 303:
        answer = browser.get(answer.headers["location"])
    html5lib.HTMLParser(strict=True).parse(answer.text)
    assert elements(answer, "html")[0]["lang"] == "en"
    assert len(elements(answer, "h1")) == len(elements(answer, "main")) == len(elements(answer, "header")) == 1
    assert next(iter(elements(answer, "a")))["href"] == "#main"
    labels = {attributes.get("for") for attributes in elements(answer, "label")}
    for field in elements(answer, "input", "select", "textarea"):
        assert field.get("type") == "hidden" or field["id"] in labels
    identifiers = [found["id"] for _, found in _Elements(answer.text).elements if "id" in found]
    assert len(identifiers) == len(set(identifiers))


def test_templates_escape_whatever_they_are_called_and_miss_nothing_silently() -> None:
    template = ENVIRONMENT.from_string("{{ hostile }}")
    assert template.render(hostile="<b>&\"'") == "&lt;b&gt;&amp;&#34;&#39;"
    with pytest.raises(Exception, match="'hostile' is undefined"):
        template.render()


def test_head_answers_as_get_does_without_a_body(browser: Browser) -> None:
    browser.log_in()
    for path in ("/login/", "/logout/", "/nowhere"):
        head, get = browser.get(path, method="HEAD"), browser.get(path)
        assert head.status_code == get.status_code
        for name in ("content-type", "cache-control", "content-security-policy"):
            assert head.headers[name] == get.headers[name]


# --- errors ------------------------------------------------------------------------------------------------------


def test_an_error_is_a_page_for_browsers_and_text_or_json_for_programs_as_before(
    browser: Browser, app: Application
) -> None:
    browser.log_in()
    page = browser.get("/simple/nothing/")
    assert page.status_code == 404
    sentence = app.get("/simple/nothing/").text.splitlines()[0]
    assert page.headers["x-request-id"] in page.text
    assert sentence.replace("'", "&#39;") in page.text
    text = app.get("/simple/nothing/")
    assert text.text == f"{sentence}\nRequest {text.headers['x-request-id']}\n"
    document = app.get("/simple/nothing/", headers={"Accept": "application/json, text/html;q=0.1"})
    assert document.json() == {
        "code": sentence, "message": sentence, "status": 404, "request_id": document.headers["x-request-id"],
    }  # fmt: skip


def test_an_error_shows_what_somebody_wrote_as_text(browser: Browser) -> None:
    browser.log_in()
    for path in ("/simple/%3Cscript%3Ealert(1)%3C%2Fscript%3E/", "/r/%3Cimg%20src=x%3E/nowhere", '/nowhere?"><script>'):
        answer = browser.get(path)
        assert "<script>alert" not in answer.text
        assert "<img" not in answer.text
        assert '"><script>' not in answer.text


def test_an_error_without_a_configuration_is_a_page_too(tmp_path: Path) -> None:
    with application(tmp_path / "unconfigured", None, ready=False) as app:
        for path, status in (("/nowhere", 404), ("/simple/", 503), ("/r/local/simple/", 503)):
            answer = Browser(app).get(path)
            assert answer.status_code == status
            assert elements(answer, "h1")
        assert "/initialize/" in Browser(app).get("/simple/").text


def test_an_error_names_no_repository_to_whom_it_is_none_of_the_business(browser: Browser) -> None:
    for path in ("/nowhere", "/r/local/nowhere", "/r/nowhere/nowhere"):
        answer = browser.get(path)
        assert answer.status_code == 404
        assert not elements(answer, "input"), "no search field of a repository"
        assert answer.text.count("local") == browser.get(path.replace("local", "never")).text.count("never")


# --- static files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(STATIC.files))
def test_a_static_file_may_be_kept_for_good_where_its_address_says_what_it_is(app: Application, name: str) -> None:
    answer = app.get(STATIC.path(name), None)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"].partition(";")[0] in ("text/css", "text/javascript", "image/svg+xml")
    assert answer.headers["x-content-type-options"] == "nosniff"
    plain = app.get(STATIC.path(name), None, headers={"Accept-Encoding": "identity"})
    assert answer.content == plain.content == gzip.decompress(STATIC.files[name].compressed)
    assert (answer.headers["content-encoding"], plain.headers.get("content-encoding")) == ("gzip", None)
    assert answer.headers["etag"] != plain.headers["etag"]
    again = app.get(STATIC.path(name), None, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = app.get(STATIC.path(name), None, method="HEAD")
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", answer.headers["etag"])


def test_a_page_of_another_version_gets_the_style_of_this_one_for_once(app: Application) -> None:
    answer = app.get("/static/0123456789abcdef/pywharf.css", None)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
    for path in ("/static/x/nothing.css", "/static/x/..%2Fapp.py", "/static/x/", "/static/", "/static/x/y/pywharf.css"):
        assert app.get(path, None).status_code == 404


def test_any_change_of_a_static_file_changes_every_address() -> None:
    first = StaticFiles({"a.css": b"1", "b.js": b"2"})
    for other in ({"a.css": b"1", "b.js": b"3"}, {"a.css": b"1"}, {"a.css": b"12", "b.js": b""}):
        assert StaticFiles(other).digest != first.digest


# --- forms that change something ---------------------------------------------------------------------------------


def notices(answer: Response) -> list[str]:
    return re.findall(r'role="status">\s*<p>(.*?)</p>', answer.text)


def test_a_form_of_a_page_changes_leads_on_and_says_once_what_it_did(
    app: Application, writer: Browser, holygrail: Path
) -> None:
    token = writer.form_token()
    answer = writer.post(YANK, {"token": token, "reason": "Loses <data>"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/r/local/project/holygrail/")
    assert marks(app) == dict.fromkeys((WHEEL, SDIST), "Loses <data>")
    assert notices(writer.get("/login/", method="HEAD")) == []
    assert notices(writer.get("/login/")) == ["holygrail 1.0 is yanked."]
    assert notices(writer.get("/login/")) == []
    answer = writer.post(YANK.replace("yank", "unyank"), {"token": token, "next": "/r/local/search/?q=grail"})
    assert answer.headers["location"] == "/r/local/search/?q=grail"
    assert notices(writer.get("/nowhere")) == ["holygrail 1.0 is no longer yanked."]
    answer = writer.post(
        YANK.replace("1.0/yank", "status"), {"token": token, "status": "archived", "next": "//evil.test/"}
    )
    assert answer.headers["location"] == "/r/local/project/holygrail/"
    assert notices(writer.get("/logout/")) == ["holygrail is archived now."]


def test_after_the_last_file_the_repository_is_what_is_left_to_look_at(
    app: Application, writer: Browser, holygrail: Path
) -> None:
    token = writer.form_token()
    delete = YANK.replace("yank", "delete")
    confirmed = {"token": token, "confirm": "HolyGrail"}
    answer = writer.post(delete, {**confirmed, "filename": WHEEL, "files": WHEEL})
    assert answer.headers["location"] == "/r/local/project/holygrail/"
    assert notices(writer.get("/login/")) == [f"{WHEEL} is deleted."]
    answer = writer.post(delete, {**confirmed, "files": SDIST})
    assert answer.headers["location"] == "/r/local/"
    assert notices(writer.get("/login/")) == ["holygrail 1.0 is deleted."]
    assert app.get("/simple/holygrail/").status_code == 404


@pytest.mark.usefixtures("holygrail")
@pytest.mark.parametrize("action", ["yank", "unyank", "delete"])
def test_without_the_sessions_own_token_nothing_changes(app: Application, writer: Browser, action: str) -> None:
    stranger = Browser(app)
    stranger.log_in("local", "writes")
    path = YANK.replace("yank", action)
    for fields in (
        {},
        {"token": ""},
        {"token": "x"},
        {"token": stranger.form_token()},
        {"token": writer.cookies["pywharf"]},
    ):
        answer = writer.post(path, fields)
        assert answer.status_code == 403, fields
        assert "load the page anew" in answer.text
    assert marks(app) == {WHEEL: False, SDIST: False}
    old = writer.form_token()
    writer.log_in("local", "writes")
    assert writer.post(path, {"token": old}).status_code == 403, "of the login before"
    fields = {"confirm": "holygrail", "files": f"{WHEEL} {SDIST}"} if action == "delete" else {}
    assert writer.post(path, {"token": writer.form_token(), **fields}).status_code == 303


@pytest.mark.usefixtures("holygrail")
def test_a_session_changes_only_what_its_secret_may(app: Application, browser: Browser) -> None:
    browser.log_in("local", "reads")
    browser.log_in("other", "writes-other")
    answer = browser.post(YANK, {"token": browser.form_token()})
    assert answer.status_code == 403
    assert "may read the repository local, not write to it" in answer.text
    assert browser.post("/manage/holygrail/1.0/yank", {"token": browser.form_token()}).status_code == 400, "which one?"
    assert marks(app) == {WHEEL: False, SDIST: False}


@pytest.mark.usefixtures("holygrail")
def test_another_sites_form_changes_nothing_even_with_the_token(app: Application, writer: Browser) -> None:
    fields = {"token": writer.form_token()}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        assert writer.post(YANK, fields, headers).status_code == 403
    assert marks(app) == {WHEEL: False, SDIST: False}


def test_a_session_uploads_nothing_and_configures_nothing(app: Application, writer: Browser, tmp_path: Path) -> None:
    make_sdist(tmp_path, "swallow", "1.0")
    fields = {":action": "file_upload", "name": "swallow", "version": "1.0", "token": writer.form_token()}
    for path in ("/simple/", "/", "/legacy/", "/r/local/simple/"):
        assert writer.post(path, fields).status_code == 401
    assert writer.post("/initialize/", {"config": "", "token": fields["token"]}).status_code == 401
    assert app.projects() == []


@pytest.mark.usefixtures("holygrail")
def test_programs_get_json_and_a_browser_with_credentials_its_page(app: Application, browser: Browser) -> None:
    answer = app.client.post(YANK, headers={**basic(*WRITER), "Accept": "*/*"})
    assert sorted(answer.json()["files"]) == [WHEEL, SDIST]
    answer = browser.post(YANK.replace("yank", "unyank"), {"token": "", "next": "/"}, basic(*WRITER))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert marks(app) == {WHEEL: False, SDIST: False}


@pytest.mark.usefixtures("holygrail")
def test_what_cannot_be_done_is_said_on_a_page(writer: Browser) -> None:
    answer = writer.post(YANK.replace("1.0", "3.0"), {"token": writer.form_token()})
    assert answer.status_code == 404
    assert "There is no release holygrail 3.0 in this repository." in answer.text
    assert notices(writer.get("/login/")) == []


# --- many visitors -----------------------------------------------------------------------------------------------


def view(browser: Browser, path: str, headers: Mapping[str, str] | None = None) -> tuple[Any, str]:
    answer = browser.get(path, {**ACCEPT_JSON, **(headers or {})})
    assert answer.status_code == 200
    return json.loads(answer.text), answer.headers["etag"]


@pytest.mark.usefixtures("holygrail")
def test_no_visitor_is_shown_what_another_may_see(app: Application) -> None:
    one, two, nobody = Browser(app), Browser(app), Browser(app)
    one.log_in("local", "reads")
    two.log_in("other", "reads-other")
    for _ in range(3):
        for path in ("/simple/holygrail/", "/simple/"):
            first, first_tag = view(one, path)
            second, second_tag = view(two, path)
            assert first_tag != second_tag
            if "files" in first:
                assert {file["filename"] for file in first["files"]} == {WHEEL, SDIST}
                assert {file["filename"] for file in second["files"]} == {"holygrail-9.0-py3-none-any.whl"}
            tag = {"If-None-Match": first_tag}
            assert one.get(path, {**ACCEPT_JSON, **tag}).status_code == 304
            assert two.get(path, {**ACCEPT_JSON, **tag}).status_code == 200
            assert nobody.get(path, {**ACCEPT_JSON, **tag}).status_code == 401
            by_credentials = app.get(path, READER, headers=ACCEPT_JSON)
            assert (by_credentials.json(), by_credentials.headers["etag"]) == (first, first_tag)
    assert one.form_token() != two.form_token()


@pytest.mark.usefixtures("holygrail")
def test_whatever_a_cookie_may_change_says_that_it_varies_by_it(app: Application, browser: Browser) -> None:
    browser.log_in()
    for path in (
        "/simple/",
        "/simple/holygrail/",
        f"/simple/holygrail/{WHEEL}",
        f"/simple/holygrail/{WHEEL}.metadata",
        "/login/",
    ):
        assert "Cookie" in browser.get(path, {"Accept": "*/*"}).headers["vary"], path
    assert "Cookie" in Browser(app).get("/simple/").headers["vary"], "the way to the login, too"


def test_what_browsers_accept_is_what_these_tests_send(browser: Browser) -> None:
    """Chromium's, Firefox's and Safari's headers of a page that is loaded."""
    for accept in (
        ACCEPT_PAGES,
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
        "application/signed-exchange;v=b3;q=0.7",
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    ):
        assert browser.get("/simple/", {"Accept": accept}).status_code == 303
