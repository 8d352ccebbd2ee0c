"""The pages around projects: home, lists, search, and how to set up package tools."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from pywharf_core.testing import make_sdist, make_wheel
from server.browser import Browser
from server.in_process import (
    CONFIG,
    OTHER_READER,
    OTHER_WRITER,
    READER,
    WRITER,
    Application,
    application,
)
from server.read_page import Page, text_of
from support.running_server import wait_until
from support.uploads import basic

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
PIP = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"


@pytest.fixture
def reader(app: Application) -> Browser:
    browser = Browser(app)
    assert browser.log_in("local", "reads").status_code == 303
    return browser


@pytest.fixture
def projects(app: Application, tmp_path: Path) -> Application:
    """Three projects in ``local``."""
    for number, (name, summary) in enumerate(
        [("HolyGrail", "A cup, much sought"), ("swallow", "Carries coconuts"), ("holy-hand-grenade", "Count to three")]
    ):
        assert app.upload(make_wheel(tmp_path, name, f"1.{number}", summary=summary)).status_code == 200
    return app


# --- home ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Accept": "*/*"},
        {"Accept": "application/json"},
        {"Accept": PIP},
        {"Accept": "text/html", "Sec-Fetch-Mode": "cors"},
    ],
)
def test_programs_are_led_from_the_root_to_the_simple_index(app: Application, headers: dict[str, str]) -> None:
    for credentials in (READER, None):
        answer = app.get("/", credentials, headers=headers)
        assert (answer.status_code, answer.headers["location"]) == (307, "/simple/")
    assert app.get("/r/local/", headers=headers).headers["location"] == "/r/local/simple/"


def test_the_home_page_lists_what_the_visitor_may_read_and_nothing_else(projects: Application) -> None:
    browser = Browser(projects)
    page = Page(browser.get("/"))
    assert page.status == 200
    assert "Log in to see those that you may read." in page.text
    assert "local" not in page.source
    browser.log_in("local", "reads")
    page = Page(browser.get("/"))
    assert page.links()["/r/local/"] == "Projects of local"
    assert "3 projects, 3 files; the index was read from the storage" in page.text
    assert "other" not in [text_of(heading) for heading in page.all("h2")]
    assert "You may publish to it." not in page.text
    browser.log_in("other", "writes-other")
    page = Page(browser.get("/"))
    assert [text_of(heading) for heading in page.all("h2")] == ["local", "other"]
    assert page.text.count("You may publish to it.") == 1
    assert [text_of(heading) for heading in Page(projects.get("/", OTHER_READER, headers=BROWSER)).all("h2")] == [
        "other"
    ]


def test_the_lines_to_paste_have_the_servers_own_address_and_no_secret(projects: Application, reader: Browser) -> None:
    page = Page(reader.get("/"))
    lines = page.lines()
    index = "http://local:<read secret>@testserver/r/local/simple/"
    assert lines["the pip line for local"] == f"pip install --index-url '{index}' --trusted-host testserver PACKAGE"
    assert (
        lines["the uv line for local"]
        == f"uv pip install --index-url '{index}' --allow-insecure-host testserver PACKAGE"
    )
    assert lines["the twine line for local"] == (
        "twine upload --repository-url http://testserver/r/local/simple/ --username local --password '<write secret>' dist/*"
    )
    assert "'reads'" not in page.source


def test_a_prefix_and_a_proxy_are_in_every_address(tmp_path: Path) -> None:
    with application(tmp_path / "root", path_prefix="/wharf", trusted_proxies=("192.0.2.1",)) as app:
        assert app.upload(make_wheel(tmp_path, "holygrail", "1.0"), to="/wharf/simple/").status_code == 200
        headers = {**BROWSER, "X-Forwarded-Proto": "https", "X-Forwarded-Host": "wharf.test"}
        page = Page(app.get("/wharf/", headers=headers))
        line = page.lines()["the pip line for local"]
        assert line == "pip install --index-url 'https://local:<read secret>@wharf.test/wharf/r/local/simple/' PACKAGE"
        page = Page(app.get("/wharf/project/holygrail/", headers=headers))
        assert all(address.startswith(("/wharf/", "#")) for address in page.every_link())
        assert "wharf.test/wharf/r/local/simple/" in page.lines()["the uv line"]


def test_a_host_that_is_none_is_not_repeated(projects: Application) -> None:
    headers = {**BROWSER, "Host": 'evil.test/"><script>'}
    page = Page(projects.get("/", headers=headers))
    assert "evil.test" not in page.source


def test_a_server_without_a_configuration_says_how_to_begin(tmp_path: Path) -> None:
    with application(tmp_path / "unconfigured", None, ready=False) as app:
        page = Page(Browser(app).get("/"))
        assert page.status == 200
        assert page.lines()["the curl line"] == "curl -F config=@config.toml http://testserver/initialize/"
        assert "pywharf init ROOT" in page.lines()["the commands init and server"]
        assert app.get("/", None).status_code == 307


def test_a_secret_that_is_no_longer_good_opens_nothing_and_says_so(tmp_path: Path) -> None:
    with application(tmp_path / "root", auth_read_expires=0) as app:
        browser = Browser(app)
        browser.log_in("local", "reads")
        assert "/r/local/" in Page(browser.get("/")).links()
        answer = app.client.post(
            "/initialize/",
            data={"config": CONFIG.replace('"reads"', '"reads-anew"')},
            headers=basic("local", "administers"),
        )
        assert answer.status_code == 200
        page = Page(browser.get("/"))
        assert "Your login opens none of this server's repositories any more." in page.text


def test_a_storage_that_is_away_is_told_and_why_only_to_writers(tmp_path: Path) -> None:
    config = CONFIG.replace('read_secret = "reads"', 'read_secret = "reads"\nsync_index_interval = 1')
    with application(tmp_path / "root", config) as app:
        away = app.store().rename(app.store().with_name("away"))
        wait_until(lambda: "cannot be read now" in app.get("/", headers=BROWSER).text, "it is noticed")
        assert "It says:" not in Page(app.get("/", headers=BROWSER)).text
        assert "It says:" in Page(app.get("/", WRITER, headers=BROWSER)).text
        away.rename(app.store())


# --- projects ------------------------------------------------------------------------------------------------


def test_a_repositorys_page_lists_its_projects(projects: Application, reader: Browser) -> None:
    page = Page(reader.get("/r/local/"))
    assert page.heading == "Projects of local"
    rows = page.table("Projects")
    assert [row["Project"] for row in rows] == [
        "holy-hand-grenade Count to three",
        "HolyGrail A cup, much sought",
        "swallow Carries coconuts",
    ]
    assert [row["Latest"] for row in rows] == ["1.2", "1.0", "1.1"]
    assert [row["Releases"] for row in rows] == ["1 release"] * 3
    assert page.links()["/r/local/project/holygrail/"] == "HolyGrail"
    page = Page(reader.get("/r/local/?sort=uploaded"))
    assert [row["Latest"] for row in page.table("Projects")] == ["1.2", "1.1", "1.0"]
    assert Page(reader.get("/search/")).heading == "Projects of local"


def test_marks_of_projects_show_in_the_list(projects: Application, reader: Browser) -> None:
    for path, fields in (
        ("/manage/swallow/1.1/yank", {}),
        ("/manage/holygrail/status", {"status": "deprecated"}),
        ("/manage/holy-hand-grenade/status", {"status": "quarantined"}),
    ):
        assert projects.client.post(path, data=fields, headers=basic(*WRITER)).status_code == 200
    rows = Page(reader.get("/r/local/")).table("Projects")
    assert "quarantined" in rows[0]["Project"]
    assert "deprecated" in rows[1]["Project"]
    assert rows[2]["Latest"] == "1.1 yanked"


def test_an_empty_repository_says_so_and_how_to_begin_to_who_may(app: Application, reader: Browser) -> None:
    page = Page(reader.get("/r/local/"))
    assert "Nothing is published here yet." in page.text
    assert "How to publish" not in page.links().values()
    writer = Browser(app)
    writer.log_in("local", "writes")
    assert Page(writer.get("/r/local/")).links()["/r/local/upload/"] == "How to publish"


@pytest.fixture
def many(app: Application, tmp_path: Path) -> Application:
    """120 projects."""
    for number in range(120):
        assert app.upload(make_sdist(tmp_path, f"p{number:03}", "1.0", summary="One of many")).status_code == 200
    return app


@pytest.mark.slow
def test_a_long_list_comes_in_pages_that_lead_to_each_other(many: Application, reader: Browser) -> None:
    for first, address in (("/r/local/", "?page="), ("/r/local/search/?q=many", "?q=many&page=")):
        page = Page(reader.get(first))
        assert page.links()[f"{address}2"] in ("2", "Next")
        seen = []
        for number in (1, 2, 3):
            path = first.partition("?")[0] + f"{address}{number}"
            page = Page(reader.get(path))
            table = page.table("Projects" if "q=" not in first else "Projects that were found")
            seen += [row["Project"].split()[0] for row in table]
            assert [text_of(found) for found in page.having("a", aria_current="page")] in ([], [str(number)])
        assert seen == [f"p{number:03}" for number in range(120)]
        for odd in ("0", "-1", "99", "x", "1" * 30, "1.5", "%FF", "²"):
            assert Page(reader.get(first.partition("?")[0] + f"{address}{odd}")).status == 200
    assert Page(reader.get("/r/local/?" + "a=1&" * 500)).status == 200


# --- search --------------------------------------------------------------------------------------------------


def test_a_search_finds_by_name_and_summary(projects: Application, reader: Browser) -> None:
    for asked, found in (
        ("holygr", ["HolyGrail"]),
        ("Holy_Grail", ["HolyGrail"]),
        ("COCO", ["swallow"]),
        ("holy", ["HolyGrail", "holy-hand-grenade"]),
        ("count three", ["holy-hand-grenade"]),
    ):
        page = Page(reader.get(f"/r/local/search/?q={quote(asked)}"))
        assert page.heading == f"Search for {asked}"
        rows = page.table("Projects that were found")
        assert sorted(row["Project"].split()[0] for row in rows) == sorted(found)
        assert page.the("input", type="search").get("value") == asked
    assert "1 project found." in Page(reader.get("/search/?q=coconuts")).text


def test_a_search_that_finds_nothing_says_what_else_to_do(projects: Application, reader: Browser) -> None:
    page = Page(reader.get("/r/local/search/?q=excalibur"))
    assert page.status == 200
    assert "No project of local has this in its name or its summary." in page.text
    assert page.links()["/r/local/"] == "All projects"


@pytest.mark.parametrize(
    "asked",
    [
        '"',
        "' OR 1=1 --",
        "a AND",
        "NEAR(",
        "*",
        "name:x",
        "\0",
        "\u202ex",
        "<script>alert(1)</script>",
        "x" * 5000,
        "🏺",
        "%",
    ],
)
def test_whatever_is_searched_for_is_text(projects: Application, reader: Browser, asked: str) -> None:
    page = Page(reader.get(f"/r/local/search/?q={quote(asked)}"))
    assert page.status == 200
    assert "<script>" not in page.source
    assert reader.get("/r/local/search/?q=%FF%00&q=%").status_code == 200


def test_nobody_searches_or_lists_without_the_right_to_read(projects: Application) -> None:
    for path in ("/r/local/search/?q=holy", "/r/local/", "/r/local/upload/"):
        answer = Browser(projects).get(path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login/?next=/r/local/")
        assert projects.get(path, None, headers={"Accept": "text/html", "Sec-Fetch-Mode": "cors"}).status_code in (
            307,
            401,
        )
    page = Page(projects.get("/search/?q=holy", OTHER_READER, headers=BROWSER))
    assert "No project of other" in page.text


def test_with_two_logins_an_address_without_a_repository_leads_to_the_choice(projects: Application) -> None:
    browser = Browser(projects)
    browser.log_in("local", "reads")
    browser.log_in("other", "reads-other")
    for path in ("/search/?q=holy", "/project/holygrail/", "/upload/"):
        answer = browser.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert Page(browser.get("/r/local/search/?q=holygr")).table("Projects that were found")


# --- setting up ----------------------------------------------------------------------------------------------


def test_the_setup_page_has_all_tools_and_no_secret(projects: Application, reader: Browser) -> None:
    page = Page(reader.get("/upload/"))
    tools = [text_of(heading) for heading in page.all("h3")]
    assert tools == ["pip", "uv", "poetry", "twine", "uv", "hatch", "flit", "poetry", "GitHub Actions"]
    lines = page.lines()
    url = "http://testserver/r/local/simple/"
    assert lines["the address"] == url
    assert lines["Publish with twine, for .pypirc"].splitlines()[-3:] == [
        f"repository = {url}",
        "username = local",
        "password = <write secret>",
    ]
    assert lines["Install with pip, for pip.conf"].splitlines() == [
        "[global]",
        "index-url = http://local:<read secret>@testserver/r/local/simple/",
        "trusted-host = testserver",
    ]
    assert "Without TLS" in page.text
    assert "reads" not in page.source.replace("reads it", "")
    assert page.heading == "Set up local"


def test_the_setup_page_under_tls_needs_nobodys_trust(projects: Application) -> None:
    browser = Browser(projects, "https://testserver")
    browser.log_in("local", "reads")
    page = Page(browser.get("/r/local/upload/"))
    assert "Without TLS" not in page.text
    assert "trusted-host" not in page.source
    assert "allow-insecure-host" not in page.source


def test_the_workflow_of_the_setup_page_is_a_good_one(projects: Application, reader: Browser, tmp_path: Path) -> None:
    lines = Page(reader.get("/r/local/upload/")).lines()
    workflow = tmp_path / "publish.yml"
    workflow.write_text(
        lines["Publish with GitHub Actions, for .github/workflows/publish.yml"] + "\n", encoding="utf-8"
    )
    program = Path(sys.executable).with_name("actionlint")
    done = subprocess.run([program, workflow], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def anybody(tmp_path: Path) -> Iterator[Application]:
    """``local`` can be read by anybody, ``other`` not."""
    config = CONFIG.replace('write_secret = "writes"', 'write_secret = "writes"\nanonymous_read = true')
    with application(tmp_path / "anybody", config) as app:
        yield app


def test_anybody_reads_what_anybody_may_and_is_told_of_nothing_else(anybody: Application) -> None:
    browser = Browser(anybody)
    page = Page(browser.get("/"))
    assert [text_of(heading) for heading in page.all("h2")] == ["local"]
    assert "Anybody may read it." in page.text
    assert page.lines()["the pip line for local"] == (
        "pip install --index-url http://testserver/r/local/simple/ --trusted-host testserver PACKAGE"
    )
    for path in ("/r/local/", "/r/local/search/?q=x", "/r/local/upload/"):
        assert Page(browser.get(path)).status == 200
    assert "Reading needs no secret" in Page(browser.get("/r/local/upload/")).text
    assert browser.get("/r/other/").status_code == 303
    assert "other" not in [text_of(heading) for heading in Page(browser.get("/")).all("h2")]


def test_a_list_is_kept_by_anybody_until_it_changes(anybody: Application, tmp_path: Path) -> None:
    browser = Browser(anybody)
    first = browser.get("/r/local/")
    assert browser.get("/r/local/", {"If-None-Match": first.headers["etag"]}).status_code == 304
    assert anybody.upload(make_wheel(tmp_path, "holygrail", "1.0")).status_code == 200
    assert browser.get("/r/local/", {"If-None-Match": first.headers["etag"]}).status_code == 200


def test_another_repositorys_writer_is_no_reader_here(projects: Application) -> None:
    answer = projects.get("/r/local/", OTHER_WRITER, headers=BROWSER)
    assert answer.status_code == 401
