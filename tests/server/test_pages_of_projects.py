"""A project's page: what its release says, its files and its other releases, as people see them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from httpx2 import Response

from pywharf_core.testing import make_sdist, make_wheel
from server.browser import Browser
from server.in_process import CONFIG, OTHER_WRITER, READER, WRITER, Application, application
from server.read_page import Page, text_of
from support.running_server import wait_until
from support.uploads import basic

ROOT = "/r/local"
PLACEHOLDER = "http://local:<read secret>@testserver/r/local/simple/"
PIP_TRUSTS = "--trusted-host testserver"  # plain HTTP from another machine
UV_TRUSTS = "--allow-insecure-host testserver"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def reader(app: Application) -> Browser:
    browser = Browser(app)
    assert browser.log_in("local", "reads").status_code == 303
    return browser


@pytest.fixture
def writer(app: Application) -> Browser:
    browser = Browser(app)
    assert browser.log_in("local", "writes").status_code == 303
    return browser


def post(app: Application, path: str, **fields: str) -> Response:
    return app.client.post(path, data=fields, headers=basic(*WRITER))


def publish(app: Application, *paths: Path) -> None:
    for path in paths:
        assert app.upload(path).status_code == 200


METADATA = [
    ("Author", "Arthur"),
    ("Author-email", "King Arthur <arthur@camelot.test>, not an address"),
    ("Maintainer-email", "merlin@camelot.test"),
    ("License-Expression", "MIT OR Apache-2.0"),
    ("Keywords", "cup,grail"),
    ("Home-page", "https://grail.camelot.test/"),
    ("Project-URL", "Source, https://git.camelot.test/grail"),
    ("Project-URL", "Evil, javascript:alert(1)"),
    ("Classifier", "Programming Language :: Python :: 3"),
    ("Provides-Extra", "knights"),
    ("Description-Content-Type", "text/markdown"),
]
REQUIRES = [
    'Swallow[fast]>=1.0; python_version > "3"',
    "coconut",
    "lancelot ; extra == 'knights'",
    "galahad<2 ; python_version > '3' and extra == 'knights'",
    "rabbit @ https://cave.test/rabbit.whl",
    "this is no requirement",
]


@pytest.fixture
def grail(app: Application, tmp_path: Path) -> Application:
    """``holygrail`` 0.9, 1.0 and 1.1rc1, and ``swallow``."""
    dist = tmp_path / "dist"
    publish(
        app,
        make_wheel(dist, "HolyGrail", "0.9", summary="Older"),
        make_wheel(
            dist,
            "HolyGrail",
            "1.0",
            summary="A cup, much <b>sought</b>",
            requires_python=">=3.8",
            requires_dist=REQUIRES,
            description="# How to find it\n\nAsk the *French*.\n",
            headers=METADATA,
        ),
        make_sdist(dist, "HolyGrail", "1.0", summary="A cup"),
        make_wheel(dist, "holygrail", "1.1rc1", summary="To come"),
        make_wheel(dist, "swallow", "1.0", summary="Carries coconuts"),
    )
    return app


# --- what a page says ----------------------------------------------------------------------------------------


def test_a_project_is_shown_by_its_latest_release(grail: Application, reader: Browser) -> None:
    page = Page(reader.get(f"{ROOT}/project/holygrail/"))
    assert page.status == 200
    assert page.heading == "HolyGrail 1.0"
    assert text_of(page.the("title")) == "HolyGrail 1.0 · local · pywharf"
    assert "A cup, much <b>sought</b>" in page.text
    assert page.lines()["the pip line"] == f"pip install --index-url '{PLACEHOLDER}' {PIP_TRUSTS} holygrail"
    assert page.lines()["the uv line"] == f"uv pip install --index-url '{PLACEHOLDER}' {UV_TRUSTS} holygrail"
    assert text_of(page.having("div", class_="readme")[0]) == "How to find it Ask the French."
    assert [(row["Version"], row["Files"], row["Marks"]) for row in page.table("Releases")] == [
        ("1.1rc1", "1", "pre-release"),
        ("1.0", "2", "latest"),
        ("0.9", "1", ""),
    ]
    assert page.links()[f"{ROOT}/project/holygrail/0.9/"] == "0.9"
    assert "The index was read from the storage at" in text_of(page.the("footer"))


def test_a_release_is_shown_with_a_line_that_installs_it_and_a_way_to_the_latest(
    grail: Application, reader: Browser
) -> None:
    page = Page(reader.get(f"{ROOT}/project/holygrail/1.1rc1/"))
    assert page.heading == "holygrail 1.1rc1"
    assert "pre-release" in page.text
    assert page.lines()["the pip line"].endswith(" holygrail==1.1rc1")
    assert "The latest release is 1.0." in page.text
    assert "This release has no description." in page.text
    assert Page(reader.get(f"{ROOT}/project/holygrail/1.0/")).lines()["the uv line"].endswith(" holygrail==1.0")


def test_what_the_release_says_of_itself_is_shown(grail: Application, reader: Browser) -> None:
    page = Page(reader.get(f"{ROOT}/project/holygrail/"))
    details = {text_of(term): text_of(value) for term, value in zip(page.all("dt"), page.all("dd"), strict=False)}
    assert details["Requires Python"] == ">=3.8"
    assert details["Licence"] == "MIT OR Apache-2.0"
    links = page.links()
    assert links["mailto:arthur@camelot.test"] == "King Arthur"
    assert links["mailto:merlin@camelot.test"] == "merlin@camelot.test"
    assert links["https://grail.camelot.test/"] == "https://grail.camelot.test/"
    assert links["https://git.camelot.test/grail"] == "https://git.camelot.test/grail"
    assert "javascript:alert(1)" in page.text
    assert not [address for address in page.every_link() if address.startswith("javascript")]
    assert "cup, grail" in page.text
    assert "Programming Language :: Python :: 3" in page.text
    for link in page.all("a"):
        if link.get("href", "").startswith("http"):
            assert link.get("rel") == "nofollow noopener"


def test_dependencies_lead_to_projects_that_are_here(grail: Application, reader: Browser) -> None:
    page = Page(reader.get(f"{ROOT}/project/holygrail/"))
    lists = [[text_of(item) for item in found.iter("li")] for found in page.having("ul", class_="dependencies")]
    assert lists == [
        [
            'Swallow[fast] >=1.0 ; python_version > "3"',
            "coconut",
            "rabbit @ https://cave.test/rabbit.whl",
            "this is no requirement",
        ],
        ["lancelot", 'galahad <2 ; python_version > "3"'],
    ]
    assert page.links()[f"{ROOT}/project/swallow/"] == "Swallow"
    assert f"{ROOT}/project/coconut/" not in page.links()
    assert "With the extra knights" in page.text


def test_files_are_told_with_their_hashes_and_can_be_downloaded(
    grail: Application, reader: Browser, tmp_path: Path
) -> None:
    page = Page(reader.get(f"{ROOT}/project/holygrail/"))
    rows = page.table("Files of 1.0")
    assert [row["File"].split()[0] for row in rows] == ["holygrail-1.0-py3-none-any.whl", "holygrail-1.0.tar.gz"]
    assert rows[0]["Requires Python"] == "Python >=3.8"
    assert rows[0]["Size"].endswith(("kB", "bytes"))
    for filename, sha256 in grail.listed("holygrail").items():
        if "-1.0" in filename:
            assert page.lines()[f"the SHA-256 of {filename}"] == sha256
            address = f"{ROOT}/simple/holygrail/{filename}"
            assert page.links()[address] == filename
            assert reader.get(address).status_code == 200
            if filename.endswith(".whl"):
                assert reader.get(f"{address}.metadata").status_code == 200
                assert f"{address}.metadata" in page.links()


@pytest.mark.parametrize(
    ("description", "content_type", "shown"),
    [
        ("*hello*", "text/markdown", "hello"),
        ("*hello*", "text/x-rst", "hello"),
        ("*hello*", "text/plain", "*hello*"),
        ("*hello*", None, "hello"),
        ("`hello\n===", "text/x-rst", "`hello ==="),
        ("a\u202eb", "text/plain", "a\ufffdb"),
    ],
)
def test_a_description_is_shown_in_its_format(
    app: Application, reader: Browser, tmp_path: Path, description: str, content_type: str | None, shown: str
) -> None:
    headers = [("Description-Content-Type", content_type)] if content_type else []
    publish(app, make_wheel(tmp_path, "holygrail", "1.0", description=description, headers=headers))
    for _ in range(2):  # rendered, and remembered
        page = Page(reader.get(f"{ROOT}/project/holygrail/"))
        assert text_of(page.having("div", class_="readme")[0]) == shown
    assert ("breaks the rules of the format" in page.text) == description.startswith("`")


def test_a_yanked_release_says_so_and_why(grail: Application, reader: Browser) -> None:
    assert post(grail, "/manage/holygrail/1.0/yank", reason="Loses <i>data</i>").status_code == 200
    assert Page(reader.get(f"{ROOT}/project/holygrail/")).heading.endswith("0.9")
    page = Page(reader.get(f"{ROOT}/project/holygrail/1.0/"))
    assert "This release is yanked" in page.text
    assert "Loses <i>data</i>" in page.text
    assert [row["Marks"] for row in page.table("Releases")] == ["pre-release", "yanked", "latest"]
    assert all("yanked" in row["File"] for row in page.table("Files of 1.0"))


def test_where_every_release_is_yanked_the_lines_ask_for_the_one_that_is_shown(
    grail: Application, reader: Browser
) -> None:
    for version in ("0.9", "1.0", "1.1rc1"):
        assert post(grail, f"/manage/holygrail/{version}/yank").status_code == 200
    page = Page(reader.get(f"{ROOT}/project/holygrail/"))
    assert page.heading == "HolyGrail 1.0"
    assert page.lines()["the pip line"].endswith(" holygrail==1.0")
    assert page.lines()["the uv line"].endswith(" holygrail==1.0")
    assert [row["Marks"] for row in page.table("Releases")] == ["pre-release yanked", "yanked", "yanked"]
    assert text_of(page.having("p", class_="marks")[0]) == "yanked"
    for path in ("", "0.9/"):
        shown = Page(reader.get(f"{ROOT}/project/holygrail/{path}"))
        assert "Every other release of this project is yanked, too." in shown.text
        assert "The latest release is" not in shown.text
    assert post(grail, "/manage/holygrail/1.1rc1/unyank").status_code == 200
    page = Page(reader.get(f"{ROOT}/project/holygrail/"))
    assert page.lines()["the pip line"].endswith(" holygrail==1.1rc1"), "pip has it only so while there is a final one"
    shown = Page(reader.get(f"{ROOT}/project/holygrail/0.9/"))
    assert "The latest release is 1.1rc1." in shown.text
    assert "Every other release" not in shown.text


def test_a_release_of_which_some_files_are_yanked_is_not(grail: Application, reader: Browser, tmp_path: Path) -> None:
    assert post(grail, "/manage/holygrail/1.0/yank").status_code == 200
    publish(grail, make_wheel(tmp_path / "late", "HolyGrail", "1.0", python_tag="py2"))
    page = Page(reader.get(f"{ROOT}/project/holygrail/"))
    assert page.lines()["the pip line"].endswith(" holygrail")
    assert [row["Marks"] for row in page.table("Releases")] == ["pre-release", "latest", ""]


@pytest.mark.parametrize("status", ["archived", "deprecated"])
def test_a_project_with_a_status_says_so_and_why(grail: Application, reader: Browser, status: str) -> None:
    assert post(grail, "/manage/holygrail/status", status=status, reason="See <grail>").status_code == 200
    page = Page(reader.get(f"{ROOT}/project/holygrail/"))
    assert f"This project is {status}" in page.text
    assert "See <grail>" in page.text
    assert page.table("Files of 1.0")


def test_a_quarantined_project_shows_why_and_nothing_else(grail: Application, reader: Browser, writer: Browser) -> None:
    assert post(grail, "/manage/holygrail/status", status="quarantined", reason="Odd").status_code == 200
    page = Page(reader.get(f"{ROOT}/project/holygrail/"))
    assert "This project is quarantined" in page.text
    assert "Odd" in page.text
    assert not page.all("table")
    assert not [address for address in page.links() if "/simple/" in address]
    assert reader.get(f"{ROOT}/project/holygrail/1.0/").status_code == 404
    page = Page(writer.get(f"{ROOT}/project/holygrail/"))
    assert page.links()[f"{ROOT}/manage/holygrail/status"] == "Set the project's status"


def test_a_project_with_many_releases_shows_the_highest_and_all_on_demand(
    app: Application, reader: Browser, tmp_path: Path
) -> None:
    publish(app, *(make_sdist(tmp_path, "holygrail", f"1.{number}") for number in range(55)))
    page = Page(reader.get(f"{ROOT}/project/holygrail/"))
    assert len(page.table("Releases")) == 50
    [address] = [address for address, text in page.links().items() if text == "All 55 releases"]
    assert address == "?versions=all#releases"
    for path in (f"{ROOT}/project/holygrail/", f"{ROOT}/project/holygrail/1.3/"):
        every = Page(reader.get(f"{path}{address.partition('#')[0]}"))
        assert [row["Version"] for row in every.table("Releases")] == [f"1.{number}" for number in range(54, -1, -1)]


def test_a_release_with_many_files_shows_the_sdist_and_some_and_all_on_demand(
    app: Application, reader: Browser, tmp_path: Path
) -> None:
    wheels = [make_wheel(tmp_path, "holygrail", "1.0", platform_tag=f"plat_{number:02}") for number in range(54)]
    publish(app, make_sdist(tmp_path, "holygrail", "1.0"), *wheels)
    page = Page(reader.get(f"{ROOT}/project/holygrail/"))
    rows = page.table("Files of 1.0")
    assert len(rows) == 50
    assert rows[0]["File"].startswith("holygrail-1.0.tar.gz")
    assert rows[-1]["File"].startswith("holygrail-1.0-py3-none-plat_48.whl")
    [address] = [address for address, text in page.links().items() if text == "All 55 files"]
    assert address == "?files=all#files"
    every = Page(reader.get(f"{ROOT}/project/holygrail/1.0/?files=all"))
    names = [row["File"].partition(" ")[0] for row in every.table("Files of 1.0")]
    assert names == sorted([*(wheel.name for wheel in wheels), "holygrail-1.0.tar.gz"])
    assert not [text for text in every.links().values() if text.startswith("All ")]


def test_metadata_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    config = CONFIG.replace('read_secret = "reads"', 'read_secret = "reads"\nsync_index_interval = 1')
    with application(tmp_path / "root", config) as app:
        folder = app.store() / "holygrail"
        folder.mkdir(parents=True)
        (folder / "holygrail-1.0.tar.gz").write_bytes(b"no archive")
        wait_until(lambda: "holygrail" in app.projects(), "the dropped file is found")
        browser = Browser(app)
        browser.log_in()
        page = Page(browser.get(f"{ROOT}/project/holygrail/"))
        assert page.heading == "holygrail 1.0"
        assert "was not read yet, or cannot be read" in page.text


# --- addresses -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "location"),
    [
        ("/project/HolyGrail/", "/project/holygrail/"),
        ("/project/holygrail", "/project/holygrail/"),
        ("/project/HOLYGRAIL/1/?x=1", "/project/holygrail/1.0/?x=1"),
        ("/project/holygrail/v1.0.0", "/project/holygrail/1.0/"),
        ("/project/holygrail/1.1c1/", "/project/holygrail/1.1rc1/"),
    ],
)
def test_other_spellings_lead_to_the_one_address(
    grail: Application, reader: Browser, asked: str, location: str
) -> None:
    answer = reader.get(f"{ROOT}{asked}")
    assert (answer.status_code, answer.headers["location"]) == (301, f"{ROOT}{location}")
    assert reader.get(answer.headers["location"]).status_code == 200


def test_versions_with_epochs_and_local_parts_have_addresses_that_work(
    app: Application, reader: Browser, tmp_path: Path
) -> None:
    publish(app, make_wheel(tmp_path, "holygrail", "1!2.0+ni.1"))
    page = Page(reader.get(f"{ROOT}/project/holygrail/"))
    [address] = [address for address, text in page.links().items() if text == "1!2.0+ni.1"]
    page = Page(reader.get(address))
    assert page.lines()["the pip line"].endswith(" 'holygrail==1!2.0+ni.1'")
    for link in page.links():
        if link.startswith("/"):
            assert reader.get(link).status_code == 200, link


@pytest.mark.parametrize("version", ["3.0", "one", "%3Cscript%3E", "1" * 5000, "1.0%00"])
def test_a_release_that_is_not_there_is_not_found(grail: Application, reader: Browser, version: str) -> None:
    page = Page(reader.get(f"{ROOT}/project/holygrail/{version}/"))
    assert page.status == 404


# --- projects that are not here ------------------------------------------------------------------------------


def test_a_project_of_the_extra_index_says_where_it_is_answered(grail: Application, reader: Browser) -> None:
    page = Page(reader.get(f"{ROOT}/project/swallow-tail/"))
    assert page.status == 404
    assert page.heading == "swallow-tail is not here"
    assert page.links()["http://extra.test/simple/swallow-tail/"] == "http://extra.test/simple/swallow-tail/"


def test_credentials_of_the_extra_index_are_not_shown(tmp_path: Path) -> None:
    with application(tmp_path / "root", extra_index_url="http://user:hunter2@extra.test/simple") as app:
        browser = Browser(app)
        browser.log_in()
        answer = browser.get(f"{ROOT}/project/numpy/")
        assert "hunter2" not in answer.text
        assert "http://extra.test/simple/numpy/" in Page(answer).links()


def test_a_private_name_says_which_rule_makes_it_so(grail: Application, reader: Browser) -> None:
    page = Page(reader.get(f"{ROOT}/project/Acme_Secret/"))
    assert page.status == 404
    assert "declared private by acme-*" in page.text
    assert not [address for address in page.every_link() if "extra.test" in address]


def test_a_deleted_project_says_that_its_name_is_kept(grail: Application, reader: Browser) -> None:
    assert post(grail, "/manage/swallow/1.0/delete").status_code == 200
    page = Page(reader.get(f"{ROOT}/project/swallow/"))
    assert page.status == 404
    assert "stays reserved" in page.text
    assert not [address for address in page.every_link() if "extra.test" in address]


def test_without_an_extra_index_nobody_else_answers_and_similar_names_are_told(
    app: Application, tmp_path: Path
) -> None:
    assert app.upload(make_wheel(tmp_path, "holygrail", "1.0"), OTHER_WRITER).status_code == 200
    browser = Browser(app)
    browser.log_in("other", "reads-other")
    page = Page(browser.get("/r/other/project/holy/"))
    assert "there is no extra index" in page.text
    assert page.links()["/r/other/project/holygrail/"] == "holygrail"


# --- who may see it ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/project/holygrail/", "/project/nothing/", "/project/holygrail/1.0/"])
def test_nobody_is_told_of_a_project_without_the_right_to_read(grail: Application, path: str) -> None:
    stranger = Browser(grail)
    answer = stranger.get(f"{ROOT}{path}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/login/?next={ROOT}{path}")
    assert grail.get(f"{ROOT}{path}", None).status_code == 401
    other = Browser(grail)
    other.log_in("other", "reads-other")
    seen = other.get(f"{ROOT}{path}")
    assert seen.status_code == 303
    answer = grail.get(path, ("other", "reads-other"), headers=BROWSER)
    assert answer.status_code == 404
    assert "sought" not in answer.text


def test_programs_that_ask_without_credentials_get_401_and_with_them_the_page(grail: Application) -> None:
    assert grail.get("/project/holygrail/", None).status_code == 401
    assert Page(grail.get("/project/holygrail/", READER)).heading == "HolyGrail 1.0"


def test_a_page_may_be_kept_by_who_has_no_session_as_long_as_nothing_changes(
    grail: Application, reader: Browser, tmp_path: Path
) -> None:
    path = f"{ROOT}/project/holygrail/"
    first = grail.get(path)
    assert first.headers["cache-control"] == "private, no-cache"
    again = grail.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = grail.get(path, method="HEAD")
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", first.headers["etag"])
    assert grail.get(path, WRITER, headers={"If-None-Match": first.headers["etag"]}).status_code == 200
    publish(grail, make_sdist(tmp_path, "holygrail", "2.0"))
    assert grail.get(path, headers={"If-None-Match": first.headers["etag"]}).status_code == 200
    of_session = reader.get(path, {"If-None-Match": first.headers["etag"]})
    assert of_session.status_code == 200
    assert "no-store" in of_session.headers["cache-control"]
    assert "etag" not in of_session.headers


def test_only_who_may_write_is_shown_how(grail: Application, reader: Browser, writer: Browser) -> None:
    path = f"{ROOT}/project/holygrail/"
    assert not [address for address in Page(reader.get(path)).every_link() if "/manage/" in address]
    links = Page(writer.get(path)).links()
    assert links[f"{ROOT}/manage/holygrail/1.0/yank"] == "Yank 1.0"
    assert links[f"{ROOT}/manage/holygrail/1.0/delete"] == "Delete 1.0"
    assert links[f"{ROOT}/manage/holygrail/status"] == "Set the project's status"
    assert [text for address, text in links.items() if "delete?filename=" in address]


@pytest.fixture
def open_app(tmp_path: Path) -> Iterator[Application]:
    """Both repositories can be read by anybody."""
    config = CONFIG.replace('write_secret = "writes"', 'write_secret = "writes"\nanonymous_read = true')
    with application(tmp_path / "open", config) as app:
        yield app


def test_anybody_sees_a_repository_that_anybody_may_read(open_app: Application, tmp_path: Path) -> None:
    publish(open_app, make_wheel(tmp_path, "holygrail", "1.0"))
    page = Page(Browser(open_app).get(f"{ROOT}/project/holygrail/"))
    assert page.lines()["the pip line"] == (
        f"pip install --index-url http://testserver/r/local/simple/ {PIP_TRUSTS} holygrail"
    )
    assert Browser(open_app).get("/r/other/project/holygrail/").status_code == 303


# --- hostile metadata ----------------------------------------------------------------------------------------

SCRIPT = "<script>alert(1)</script>"


def hostile(folder: Path) -> Sequence[Path]:
    headers = [
        *(
            (name, f"\"{SCRIPT}'\u202e")
            for name in ("Author", "Keywords", "License", "Maintainer", "Classifier", "Home-page")
        ),
        ("Author-email", f'{SCRIPT} <a@b.test>, "><img src=x>@evil.test'),
        ("Project-URL", f"{SCRIPT}, javascript:alert(1)"),
        ("Project-URL", 'Quote, https://evil.test/"onmouseover=alert(1)'),
        ("Project-URL", "Spoof, https://evil.test/\u202etset.doog"),
        ("Project-URL", "https://bare.test/"),
        ("Provides-Extra", SCRIPT),
        *(("Classifier", f"Many :: {number}") for number in range(400)),
        ("Description-Content-Type", f"text/markdown; {SCRIPT}"),
    ]
    requires = [f"{SCRIPT}", "a; extra == '<b>'", *(f"dep{number}" for number in range(300)), "x" * 5000]
    return [
        make_wheel(
            folder,
            "hostile",
            "1.0",
            summary=f'"{SCRIPT} \u202egnirts' + "w" * 3000,
            requires_python=f">=3 {SCRIPT}",
            requires_dist=requires,
            description=f"{SCRIPT}\n\n<img src=x onerror=alert(1)>\n\n# {SCRIPT}\n",
            headers=headers,
        )
    ]


def test_hostile_metadata_is_shown_as_text(app: Application, writer: Browser, tmp_path: Path) -> None:
    publish(app, *hostile(tmp_path / "dist"))
    assert post(app, "/manage/hostile/1.0/yank", reason=f"\"{SCRIPT}'").status_code == 200
    assert post(app, "/manage/hostile/status", status="archived", reason=f"\"{SCRIPT}'").status_code == 200
    for path in (
        "/",
        "/search/?q=hostile",
        "/search/?q=%3Cscript%3Ealert(1)%3C/script%3E%22%27",
        "/project/hostile/",
        "/project/hostile/1.0/",
        "/manage/hostile/1.0/yank",
        "/manage/hostile/1.0/unyank",
        "/manage/hostile/1.0/delete",
        "/manage/hostile/status",
    ):
        answer = writer.get(f"{ROOT}{path}")
        page = Page(answer)
        assert page.status == 200
        assert "<script>" not in page.source
        assert all(script.get("src", "").endswith("/copy.js") for script in page.all("script"))
        assert not page.all("img", "svg:script")
        assert "\u202e" not in page.source
        for address in page.every_link():
            assert address.startswith(("/", "#", "?", "https://", "mailto:")), address
        assert len(page.source) < 200_000
    page = Page(writer.get(f"{ROOT}/project/hostile/"))
    assert SCRIPT in page.text
    assert 'https://evil.test/"onmouseover=alert(1)' in page.links()
    assert not [address for address in page.every_link() if "tset.doog" in address]


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Author-email", "(" * 4000),
        ("Maintainer-email", "a@b.test, " + "(" * 2000 + ")" * 2000),
        ("Requires-Dist", "deep ; " + "(" * 1900),
        ("Requires-Dist", "deep ; " + "(" * 900 + "extra == 'x'" + ")" * 900),
        ("Requires-Dist", "long>=" + "1." * 2000 + "1"),
    ],
)
def test_parentheses_within_each_other_are_text(
    app: Application, reader: Browser, tmp_path: Path, header: str, value: str
) -> None:
    publish(app, make_wheel(tmp_path, "deep", "1.0", headers=[(header, value)]))
    page = Page(reader.get(f"{ROOT}/project/deep/"))
    assert (page.status, value[:100] in page.text) == (200, True)


def test_a_description_that_cannot_be_read_now_is_missing_and_the_rest_is_shown(
    grail: Application, reader: Browser
) -> None:
    store = grail.store()
    away = store.rename(store.with_name("away"))
    page = Page(reader.get(f"{ROOT}/project/swallow/"))
    assert "The description cannot be read from the storage now." in page.text
    assert page.table("Files of 1.0")
    away.rename(store)
    assert "This release has no description." in Page(reader.get(f"{ROOT}/project/swallow/")).text
