"""Sources that say what no honest one says: a sentence for each, and the repository works as before."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from core.transfer.desk import Desk
from core.transfer.other_index import HTML, JSON, Reply, other_index
from pywharf_core.testing import make_wheel

WHEEL = "acme_hello-1.0-py3-none-any.whl"
HUGE = 10**30


def dump(folder: Path, *entries: object, **index: object) -> Path:
    """What devpi-export would write, with a wheel beside it."""
    make_wheel(folder / "a", "acme-hello", "1.0")
    document = {"dumpversion": "2", "indexes": {"a/b": {"indexconfig": {}, "files": list(entries), **index}}}
    (folder / "dataindex.json").write_text(json.dumps(document))
    return folder


def entry(path: str = f"a/{WHEEL}", **said: object) -> dict[str, object]:
    return {"type": "releasefile", "relpath": path, "projectname": "acme-hello", "version": "1.0", **said}


@pytest.mark.parametrize("reason", ["bad \ud800", "\udcff"])
def test_a_yank_that_no_text_can_hold_does_not_stop_the_repository(desk: Desk, folder: Path, reason: str) -> None:
    dump(folder, entry(), projects={"acme-hello": {"1.0": {"yanked": reason}}})
    assert desk.told("import", "local", folder)["imported"] == 1
    assert desk.listed()[WHEEL].yanked == reason.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert desk.run("verify", "local").exit_code == 0
    assert desk.told("copy", "local", "other")["copied"] == 1


def test_reasons_of_the_command_line_may_be_any_bytes(desk: Desk, folder: Path) -> None:
    make_wheel(folder, "acme-hello", "1.0")
    desk.told("import", "local", folder)
    for command in (
        ["yank", "local", "acme-hello==1.0", "--reason", "\udcff"],
        ["set_status", "local", "acme-hello", "archived", "--reason", "\udcff"],
    ):
        assert desk.run(*command).exit_code == 0
    assert desk.listed()[WHEEL].yanked == "\ufffd"
    assert desk.run("verify", "local").exit_code == 0


@pytest.mark.parametrize("path", [f"a/\0{WHEEL}", f"a\0/{WHEEL}", f"a/\ud800/{WHEEL}", "a/round-1.0-py3-none-any.whl"])
def test_a_path_that_is_none_is_refused(desk: Desk, folder: Path, path: str) -> None:
    dump(folder, entry(path), entry())
    (folder / "a/round-1.0-py3-none-any.whl").symlink_to("round-1.0-py3-none-any.whl")
    told = desk.told("import", "local", folder, status=1)
    assert told["imported"] == 1
    assert "no file" in told["refused"][0]["reason"]


@pytest.mark.parametrize(
    "said",
    [
        {"log": [{"what": "upload", "when": [HUGE, 1, 1, 1, 1, 1]}]},
        {"entrymapping": {"last_modified": "Mon, 01 Jan 2020 00:00:00 +99999999999999999"}},
    ],
)
def test_a_time_that_is_none_is_now(desk: Desk, folder: Path, said: dict[str, Any]) -> None:
    dump(folder, entry(**said))
    assert desk.told("import", "local", folder)["imported"] == 1
    assert desk.listed()[WHEEL].upload_time.year >= 2024


@pytest.mark.parametrize("document", ["[" * 200_000, '{"dumpversion": "2", "indexes": {"a/b": 5}}'])
def test_an_export_of_devpi_that_is_none_is_said_to_be_none(desk: Desk, folder: Path, document: str) -> None:
    (folder / "dataindex.json").write_text(document)
    result = desk.run("import", "local", folder)
    assert result.exit_code == 1
    assert "is not what devpi-export writes" in result.stderr


def test_a_record_of_an_export_that_no_text_can_hold_is_damaged(desk: Desk, folder: Path, tmp_path: Path) -> None:
    make_wheel(folder, "acme-hello", "1.0")
    desk.told("import", "other", folder)
    desk.told("yank", "other", "acme-hello==1.0", "--reason", "Loses data")
    desk.told("export", "other", tmp_path / "export")
    page = tmp_path / "export/acme-hello/index.json"
    page.write_text(page.read_text().replace("Loses data", "\\ud800"))
    told = desk.told("import", "local", tmp_path / "export", status=1)
    assert "damaged" in told["refused"][0]["reason"]


@pytest.mark.parametrize(
    "said",
    [
        {"yanked": {"a": 1}},
        {"comment": 5},
        {"upload_time": "2024-02-29T12:00:00"},
        {"hashes": {}},
        {"version": "2.0"},
        {"packagetype": "sdist"},
        {"filename": "../../acme_hello-1.0-py3-none-any.whl"},
        {"project": "../acme-hello"},
    ],
)
def test_a_record_that_no_page_could_show_is_damaged(
    desk: Desk, folder: Path, tmp_path: Path, said: dict[str, Any]
) -> None:
    make_wheel(folder, "acme-hello", "1.0")
    desk.told("import", "other", folder)
    desk.told("export", "other", tmp_path / "export")
    page = tmp_path / "export/acme-hello/index.json"
    document = json.loads(page.read_bytes())
    document["files"][0]["_pywharf"].update(said)
    page.write_text(json.dumps(document))
    told = desk.told("import", "local", tmp_path / "export", status=1)
    assert (told["imported"], len(told["refused"])) == (0, 1)
    assert desk.listed() == {}


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(status=302, headers={"Location": "http://[::1"}), "no address that can be asked"),
        (Reply(status=302, headers={"Location": "http://x..y/"}), "no address that can be asked"),
        (Reply(status=302, headers={"Location": "file:///etc/passwd"}), "cannot be asked"),
        (Reply(status=503, headers={"Retry-After": "9" * 5000}), "answers with status 503"),
        (Reply(b"[" * 200_000, JSON), "cannot be read"),
        (Reply(b"half a page", HTML, cut=5), "broke off"),
    ],
)
def test_a_page_that_is_none_is_told_in_a_sentence(desk: Desk, reply: Reply, expected: str) -> None:
    with other_index() as index:
        index.answer("/simple/acme-hello/", reply)
        result = desk.run("import", "local", index.url, "--project", "acme-hello", "--max_wait", 0)
    assert result.exit_code == 1
    assert expected in result.stderr


def test_a_page_that_unpacks_without_end_is_given_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pywharf_core.transfer.web._LARGEST_PAGE", 1_000_000)
    packed = gzip.compress(b" " * 1_100_000)
    with other_index() as index:
        index.answer("/simple/acme-hello/", Reply(packed, JSON, headers={"Content-Encoding": "gzip"}))
        result = desk.run("import", "local", index.url, "--project", "acme-hello", "--max_wait", 0)
    assert result.exit_code == 1
    assert "is larger than 1000000 bytes" in result.stderr


@pytest.mark.parametrize(
    "url",
    [
        "ftp://user:SECRET@127.0.0.1:1/simple/",
        "HTTPS://user:SECRET@127.0.0.1:1/simple/",
        "http://user:SEC/RET@127.0.0.1:1/simple/",
        "http://user:SEC#RET@127.0.0.1:1/simple/",
        "http://user:SEC?RET@127.0.0.1:1/simple/",
    ],
)
def test_an_address_that_is_wrong_is_told_without_its_secret(desk: Desk, url: str) -> None:
    result = desk.run("import", "local", url, "--project", "acme-hello", "--max_wait", 0)
    assert result.exit_code in (1, 2)
    assert "127.0.0.1:1/simple/" in result.output
    assert "SEC" not in result.output
    assert "RET" not in result.output
