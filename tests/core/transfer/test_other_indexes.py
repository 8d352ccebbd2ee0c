"""Importing from another index by its URL."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.transfer.desk import Desk, named
from core.transfer.other_index import HTML, OtherIndex, Reply, other_index
from pywharf_core.model import ProjectStatus
from pywharf_core.testing import make_sdist, make_wheel
from support.static_index import static_index

LONG_AGO = datetime(2024, 2, 29, 12, 30, 45, 678901, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where netrc is looked for: there is none, and no proxy."""
    path = tmp_path / "netrc"
    monkeypatch.setenv("NETRC", str(path))
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    return path


@pytest.fixture
def index() -> Iterator[OtherIndex]:
    with other_index() as running:
        yield running


def test_files_come_with_what_the_index_knows_of_them(desk: Desk, index: OtherIndex, folder: Path) -> None:
    wheel, sdist = make_wheel(folder, "holygrail", "1.0", summary="A cup"), make_sdist(folder, "holygrail", "2.0")
    index.file("holygrail", wheel, yanked="Loses data", **{"requires-python": ">=2.7, as the index says"})
    index.file("holygrail", sdist, yanked=True, **{"upload-time": None, "size": None})
    before = datetime.now(UTC)
    answer = desk.told("import", "local", index.url, "--project", "HolyGrail")
    assert (answer["imported"], answer["refused"], answer["warnings"]) == (2, [], [])
    first, second = desk.listed()[wheel.name], desk.listed()[sdist.name]
    assert (first.upload_time, first.yanked, first.requires_python) == (LONG_AGO, "Loses data", None)
    assert (second.upload_time >= before, second.yanked) == (True, "")
    assert first.core_metadata is not None
    assert first.core_metadata["summary"] == "A cup"
    assert [asked.path for asked in index.asked].count("/simple/") == 0, "a project that is named needs no list"


def test_what_is_there_already_is_not_fetched_again(desk: Desk, index: OtherIndex, folder: Path) -> None:
    first = make_wheel(folder, "holygrail", "1.0")
    index.file("holygrail", first)
    desk.told("import", "local", index.url, "--project", "*")
    second, third = make_wheel(folder, "holygrail", "2.0"), make_wheel(folder, "swallow", "1.0")
    index.file("holygrail", second)
    index.file("swallow", third, hashes={"md5": hashlib.md5(third.read_bytes()).hexdigest()})
    index.asked.clear()
    answer = desk.told("import", "local", index.url, "--project", "*")
    assert (answer["imported"], answer["already_there"]) == (2, 1)
    assert sorted(index.fetched()) == [second.name, third.name]
    index.asked.clear()
    assert desk.told("import", "local", index.url, "--project", "*")["already_there"] == 3
    assert index.fetched() == [third.name], "an MD5 does not prove that it is the same file"


def test_globs_choose_from_the_list(desk: Desk, index: OtherIndex, folder: Path) -> None:
    for project in ("acme-cup", "acme-plate", "holygrail"):
        index.file(project, make_wheel(folder, project, "1.0"))
    assert desk.told("import", "local", index.url, "--project", "acme-*")["imported"] == 2
    assert "/simple/holygrail/" not in {asked.path for asked in index.asked}


def test_an_index_of_plain_html_is_enough(desk: Desk, folder: Path) -> None:
    wheel = make_wheel(folder / "Holy_Grail", "holy-grail", "1.0")
    (folder / "Holy_Grail" / "README.txt").write_text("x")
    with static_index(folder) as index:
        answer = desk.told("import", "local", index.url, "--project", "Holy_Grail")
    assert (answer["imported"], answer["refused"]) == (1, [])
    assert list(named(answer, "passed_over")) == ["README.txt"]
    assert set(desk.listed()) == {wheel.name}


def test_html_tells_of_yanks_and_lists_projects_by_their_own_spelling(
    desk: Desk, index: OtherIndex, folder: Path
) -> None:
    wheel = make_wheel(folder, "holy-grail", "1.0")
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    index.answer("/files/x", Reply(wheel.read_bytes()))
    index.answer("/simple/", Reply(b'<!DOCTYPE html><a href="Holy.Grail/">Holy.Grail</a>', HTML))
    link = f'<a href="{index.host}/files/x#sha256={sha256}" data-yanked="&lt;bad&gt;">{wheel.name}</a>'
    index.answer("/simple/Holy.Grail/", Reply(f"<!DOCTYPE html><body>{link}</body>".encode(), HTML))
    assert desk.told("import", "local", index.url, "--project", "*")["imported"] == 1
    assert desk.listed()[wheel.name].yanked == "<bad>"


@pytest.mark.parametrize("way", ["in the URL", "by flags", "on standard input", "from the environment", "in netrc"])
def test_credentials_are_given_in_several_ways_and_shown_in_none(
    desk: Desk, index: OtherIndex, folder: Path, no_netrc: Path, way: str
) -> None:
    index.file("holygrail", make_wheel(folder, "holygrail", "1.0"))
    index.secret = "alice:pässword"
    url, flags, stdin, environment = index.url, ["--username", "alice"], None, {}
    match way:
        case "in the URL":
            url, flags = url.replace("http://", "http://alice:p%C3%A4ssword@"), []
        case "by flags":
            flags += ["--secret", "pässword"]
        case "on standard input":
            flags, stdin = [*flags, "--secret", "-"], "pässword\n"
        case "from the environment":
            flags, environment = [*flags, "--secret_env", "OLD_INDEX"], {"OLD_INDEX": "pässword"}
        case _:
            index.secret = "alice:password"
            no_netrc.write_text("machine 127.0.0.1 login alice password password\n")
            flags = []
    result = desk.run("import", "local", url, "--project", "*", *flags, stdin=stdin, **environment)
    assert result.exit_code == 0, result.output
    assert "ssword" not in result.output
    assert len(desk.listed()) == 1


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ([], "wants a name and a secret (status 401); give them by --username and --secret, or in netrc."),
        (["--username", "alice", "--secret", "wrong"], "does not let this name and secret in (status 401)."),
    ],
)
def test_an_index_that_lets_nobody_in_is_one_sentence(
    desk: Desk, index: OtherIndex, flags: list[str], sentence: str
) -> None:
    index.secret = "alice:right"
    for project in ("*", "holygrail"):
        result = desk.run("import", "local", index.url, "--project", project, *flags)
        assert (result.exit_code, result.stdout) == (1, "")
        assert sentence in result.stderr


def test_credentials_go_to_the_index_and_to_nobody_else(desk: Desk, index: OtherIndex, folder: Path) -> None:
    wheel, moved = make_wheel(folder, "holygrail", "1.0"), make_wheel(folder, "holygrail", "2.0")
    with other_index() as elsewhere:
        elsewhere.file("x", wheel)
        elsewhere.file("x", moved)
        index.file("holygrail", wheel, url=f"{elsewhere.host}/files/{wheel.name}")
        index.file("holygrail", moved)
        index.answer(
            f"/files/{moved.name}",
            Reply(status=302, headers={"Location": f"{elsewhere.host}/files/{moved.name}?signature=x"}),
        )
        elsewhere.answer(f"/files/{moved.name}?signature=x", Reply(moved.read_bytes()))
        index.secret = "alice:right"
        url = index.url.replace("http://", "http://alice:right@")
        answer = desk.told("import", "local", url, "--project", "*")
        assert (answer["imported"], answer["refused"]) == (2, [])
        assert {asked.credentials for asked in elsewhere.asked} == {None}


def test_a_file_that_is_not_what_the_index_says_is_refused(desk: Desk, index: OtherIndex, folder: Path) -> None:
    good = make_wheel(folder, "holygrail", "1.0")
    other = make_wheel(folder, "holygrail", "2.0")
    index.file("holygrail", good, hashes={"sha512": hashlib.sha512(good.read_bytes()).hexdigest()})
    for number, hashes in enumerate(({"sha256": "0" * 64}, {"md5": "0" * 32}, {"blake2b": "0" * 128})):
        wheel = make_wheel(folder, "swallow", f"{number}.0")
        index.file("swallow", wheel, hashes=hashes)
    index.file("holygrail", other, size=5)
    index.file("swallow", make_wheel(folder, "coconut", "1.0"))
    (folder / "noise-1.0-py3-none-any.whl").write_bytes(b"noise")
    index.file("noise", folder / "noise-1.0-py3-none-any.whl", hashes={})
    answer = desk.told("import", "local", index.url, "--project", "*", status=1)
    assert set(desk.listed()) == {good.name}
    refused = named(answer, "refused")
    assert len(refused) == 6
    assert "The source says that the sha256" in refused["swallow-0.0-py3-none-any.whl"]
    assert refused[other.name].startswith(f"The source says that {other.name} has 5 bytes, but ")
    assert refused["coconut-1.0-py3-none-any.whl"] == (
        "coconut-1.0-py3-none-any.whl is a file of coconut, but is said to be of swallow."
    )


def test_what_breaks_off_is_tried_again(desk: Desk, index: OtherIndex, folder: Path) -> None:
    wheel = make_wheel(folder, "holygrail", "1.0", padding=100_000)
    path = index.file("holygrail", wheel)
    index.next("/simple/holygrail/", Reply(status=503, headers={"Retry-After": "0"}))
    index.next(path, Reply(wheel.read_bytes(), cut=50_000), Reply(status=502))
    result = desk.run("import", "local", index.url, "--project", "holygrail")
    assert result.exit_code == 0, result.output
    assert set(desk.listed()) == {wheel.name}
    assert "waiting 1 second: " in result.stderr
    assert "answers with status 503" in result.stderr


def test_a_file_that_is_gone_is_refused_and_the_rest_comes(desk: Desk, index: OtherIndex, folder: Path) -> None:
    gone, good = make_wheel(folder, "holygrail", "1.0"), make_wheel(folder, "holygrail", "2.0")
    index.answer(index.file("holygrail", gone), Reply(status=404))
    index.file("holygrail", good)
    index.file("holygrail", make_wheel(folder, "holygrail", "3.0"), url="ftp://127.0.0.1/x")
    answer = desk.told("import", "local", index.url, "--project", "holygrail", status=1)
    assert set(desk.listed()) == {good.name}
    assert {reason.partition(" answers ")[2] for reason in named(answer, "refused").values()} == {
        "with status 404.",
        "",
    }


def test_a_project_that_the_index_has_from_elsewhere_is_not_imported(
    desk: Desk, index: OtherIndex, folder: Path
) -> None:
    with other_index() as public:
        public.file("holygrail", make_wheel(folder, "holygrail", "1.0"))
        index.answer("/simple/holygrail/", Reply(status=307, headers={"Location": f"{public.url}holygrail/"}))
        answer = desk.told("import", "local", index.url, "--project", "holygrail", "--project", "nothing", status=1)
        assert sorted(entry["reason"] for entry in answer["refused"]) == [
            f"The index does not have it and points to {public.url}holygrail/ instead.",
            "The index has no such project.",
        ]
    assert desk.listed() == {}


def test_status_is_taken_over_where_there_is_none(desk: Desk, index: OtherIndex, folder: Path) -> None:
    index.file("holygrail", make_wheel(folder, "holygrail", "1.0"))
    index.project("holygrail", **{"project-status": {"status": "archived", "reason": "See swallow"}})
    index.file("swallow", make_wheel(folder, "swallow", "1.0"))
    index.project("swallow", **{"project-status": {"status": "quarantined"}})
    answer = desk.told("import", "local", index.url, "--project", "*", status=1)
    assert list(named(answer, "refused").values()) == [
        "The project is quarantined there, so none of its files are taken."
    ]
    state = desk.state("holygrail")
    assert state is not None
    assert (state.status, state.reason) == (ProjectStatus.ARCHIVED, "See swallow")
    assert desk.state("swallow") is None
    assert desk.run("set_status", "local", "holygrail", "deprecated").exit_code == 0
    desk.told("import", "local", index.url, "--project", "holygrail")
    state = desk.state("holygrail")
    assert state is not None
    assert state.status is ProjectStatus.DEPRECATED, "what was decided here stays"


def test_provenance_that_nobody_verified_here_is_left_behind_and_says_so(
    desk: Desk, index: OtherIndex, folder: Path
) -> None:
    wheel = make_wheel(folder, "holygrail", "1.0")
    index.file("holygrail", wheel, provenance=f"{index.host}/provenance")
    answer = desk.told("import", "local", index.url, "--project", "holygrail")
    assert desk.listed()[wheel.name].provenance_sha256 is None
    assert answer["warnings"] == [
        "The provenance of 1 files is left behind: attestations are verified when they are uploaded, which an import cannot "
        "do."
    ]


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (Reply(b"hello", "text/plain"), "is no simple index that can be read"),
        (Reply(b"{}", "application/vnd.pypi.simple.v1+json"), "is no simple index that can be read"),
        (Reply(b'{"meta": {"api-version": "2.0"}, "projects": []}', "application/vnd.pypi.simple.v1+json"), "2.0"),
        (Reply(status=404), "There is nothing at http://127.0.0.1:"),
        (Reply(status=418), "answers with status 418; is it a simple index?"),
        (Reply(status=302, headers={"Location": "/simple/"}), "cannot be asked"),
    ],
)
def test_what_is_no_index_is_one_sentence(desk: Desk, index: OtherIndex, reply: Reply, sentence: str) -> None:
    index.answer("/simple/", reply)
    result = desk.run("import", "local", index.url, "--project", "*")
    assert (result.exit_code, result.stdout) == (1, "")
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("status", [404, 200])
@pytest.mark.parametrize("devpi", [True, False])
def test_an_address_that_only_looks_like_an_index_is_a_failure(
    desk: Desk, index: OtherIndex, status: int, devpi: bool
) -> None:
    """As devpi's own pages do, which name projects; their pages are not there, or have no files."""
    headers = {"X-DEVPI-API-VERSION": "2"} if devpi else {}
    links = b'<!DOCTYPE html><a href="acme-cup/">acme-cup</a><a href="acme-plate/">acme-plate</a><a href="x">x</a>'
    index.answer("/acme/prod/", Reply(links, HTML, headers=headers))
    for project in ("acme-cup", "acme-plate"):
        page = Reply(b'<!DOCTYPE html><a href="1.0">1.0</a>', HTML, status=status, headers=headers)
        index.answer(f"/acme/prod/{project}/", page)
    url = f"{index.host}/acme/prod"
    answer = desk.told("import", "local", url, "--project", "acme-*", status=1)
    right = (
        f"this is devpi, whose address to install from is {url}/+simple/."
        if devpi
        else "is it a simple index? The address of most ends with /simple/."
    )
    assert answer["error"] == f"{url}/ offers no wheel or sdist of what was chosen; {right}"
    assert (answer["imported"], answer["complete"], len(answer["passed_over"])) == (0, False, 2)
    result = desk.run("import", "local", url, "--project", "acme-*")
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (1, f"Error: {answer['error']}")


def test_devpis_own_json_is_no_index_and_it_is_said_where_that_is(desk: Desk, index: OtherIndex) -> None:
    own = Reply(b'{"type": "x", "result": {}}', "application/json", headers={"X-DEVPI-API-VERSION": "2"})
    for path in ("/", "/holygrail/", "/acme/prod/", "/acme/prod/holygrail/"):
        index.answer(path, own)
    for url, project, right in (
        (index.host, "*", "that of an index followed by +simple/"),
        (f"{index.host}/acme/prod", "*", f"{index.host}/acme/prod/+simple/"),
        (f"{index.host}/acme/prod", "holygrail", f"{index.host}/acme/prod/+simple/"),
    ):
        result = desk.run("import", "local", url, "--project", project)
        assert result.exit_code == 1
        assert f"this is devpi, whose address to install from is {right}.\n" in result.stderr


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (Reply(status=302, headers={"Location": "/simple/swallow/"}), "cannot be asked: Exceeded 30 redirects."),
        (Reply(status=302, headers={"Location": "ftp://127.0.0.1/"}), "cannot be asked: "),
        (Reply(status=403), "wants a name and a secret (status 403)"),
        (Reply(status=418), "answers with status 418; is it a simple index?"),
        (Reply(b"{", "application/vnd.pypi.simple.v1+json"), "Its page cannot be read: "),
    ],
)
def test_a_project_whose_page_cannot_be_had_is_refused_and_the_others_come(
    desk: Desk, index: OtherIndex, folder: Path, reply: Reply, sentence: str
) -> None:
    for project in ("holygrail", "swallow", "witch"):
        index.file(project, make_wheel(folder, project, "1.0"))
    index.answer("/simple/swallow/", reply)
    for projects in (["--project", "*"], ["--project", "swallow", "--project", "witch"]):
        answer = desk.told("import", "local", index.url, *projects, status=1)
        assert sentence in named(answer, "refused")["swallow"]
        assert (len(answer["refused"]), answer["complete"]) == (1, True)
    assert {file.project for file in desk.listed().values()} == {"holygrail", "witch"}


def test_a_page_that_is_not_answered_in_the_end_is_refused_too(desk: Desk, index: OtherIndex, folder: Path) -> None:
    for project in ("holygrail", "swallow"):
        index.file(project, make_wheel(folder, project, "1.0"))
    index.answer("/simple/swallow/", Reply(status=500))
    answer = desk.told("import", "local", index.url, "--project", "*", "--max_wait", "0", status=1)
    assert "answers with status 500" in named(answer, "refused")["swallow"]
    assert answer["imported"] == 1


def test_an_index_that_is_gone_in_the_middle_ends_the_import_before_it_begins(
    desk: Desk, index: OtherIndex, folder: Path
) -> None:
    for number in range(30):
        index.file(f"holygrail-{number:02}", make_wheel(folder, f"holygrail-{number:02}", "1.0"))
        if number:
            index.answer(f"/simple/holygrail-{number:02}/", Reply(status=500))
    result = desk.run("import", "local", index.url, "--project", "*", "--max_wait", "0")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert "answers with status 500" in result.stderr
    assert len(index.asked) < 30, "the others are not asked any more"
    assert desk.listed() == {}


def test_a_later_version_of_the_api_is_read(desk: Desk, index: OtherIndex, folder: Path) -> None:
    index.file("holygrail", make_wheel(folder, "holygrail", "1.0"))
    index.project("holygrail", meta={"api-version": "1.99"})
    assert desk.told("import", "local", index.url, "--project", "holygrail")["imported"] == 1


def test_without_the_library_for_pages_it_is_said_how_to_get_it(
    desk: Desk, index: OtherIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pypi_simple", None)
    monkeypatch.delitem(sys.modules, "pywharf_core.transfer.web_index", raising=False)
    result = desk.run("import", "local", index.url, "--project", "*")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "get it by `pip install 'pywharf-core[import]'`." in result.stderr


def test_nobody_there_is_one_sentence_after_a_few_tries(desk: Desk) -> None:
    result = desk.run("import", "local", "http://127.0.0.1:9/simple/", "--project", "x", "--max_wait", "1")
    assert result.exit_code == 1
    assert "http://127.0.0.1:9/simple/x/ does not answer: " in result.stderr
    assert result.stderr.splitlines()[-1].startswith("Error: ")
