"""Lines of the access and error logs, and how the logs are rotated under writers."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pywharf.logs import (
    IN_FILE_ONLY,
    AccessLog,
    configure_logging,
    new_request_id,
    request_id,
    rotate,
)

WRITERS, LINES = 4, 500


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """A logger whose root is put back afterwards."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield logging.getLogger("pywharf.test")
    for handler in root.handlers[:]:
        root.removeHandler(handler)
        handler.close()
    for handler in before:
        root.addHandler(handler)
    root.setLevel(level)
    logging.captureWarnings(False)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write(log: AccessLog, **changes: Any) -> None:
    fields = {"method": "GET", "path": "/simple/", "status": 200, "size": 10, "seconds": 0.0012345678}
    log.write(**{**fields, **changes})


def test_a_request_is_a_line_of_json(tmp_path: Path) -> None:
    async def serve() -> None:
        log = AccessLog(tmp_path)
        request_id.set("abc")
        write(log, repository="local", client="192.0.2.1", path='/a"b\nc/ü')
        log.close()

    asyncio.run(serve())
    (line,) = lines(tmp_path / "access.jsonl")
    assert line.pop("time").endswith("Z")
    assert line == {
        "request": "abc",
        "method": "GET",
        "path": '/a"b\nc/ü',
        "status": 200,
        "bytes": 10,
        "seconds": 0.001235,
        "repository": "local",
        "client": "192.0.2.1",
    }


def test_nobody_else_may_read_the_logs(tmp_path: Path, logger: logging.Logger) -> None:
    configure_logging(tmp_path / "log", debug=False)

    async def serve() -> None:
        log = AccessLog(tmp_path / "log")
        write(log)
        log.close()

    asyncio.run(serve())
    logger.error("something")
    assert {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "log").iterdir()} == {
        "access.jsonl": 0o600,
        "error.jsonl": 0o600,
    }


def test_request_ids_differ() -> None:
    ids = {new_request_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert {len(each) for each in ids} == {16}


def test_records_keep_their_fields_request_and_traceback(
    tmp_path: Path, logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(tmp_path, debug=False)
    token = request_id.set("abc")
    try:
        raise OSError("disk on fire")
    except OSError:
        logger.exception("not synchronised", extra={"repository": "local", "since": 7})
    request_id.reset(token)
    (line,) = lines(tmp_path / "error.jsonl")
    assert {name: line[name] for name in ("level", "logger", "message", "request", "repository", "since")} == {
        "level": "ERROR",
        "logger": "pywharf.test",
        "message": "not synchronised",
        "request": "abc",
        "repository": "local",
        "since": 7,
    }
    assert "Traceback" in line["traceback"]
    said = capsys.readouterr().err
    assert said.endswith("ERROR   not synchronised repository=local since=7 [abc] (OSError: disk on fire)\n")
    assert "Traceback" not in said


def test_some_records_are_not_for_the_terminal(
    tmp_path: Path, logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(tmp_path, debug=False)
    logger.error("said elsewhere", extra=IN_FILE_ONLY)
    assert capsys.readouterr().err == ""
    (line,) = lines(tmp_path / "error.jsonl")
    assert "in_file_only" not in line


def test_a_terminal_is_told_nothing_that_it_would_obey(
    tmp_path: Path, logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(tmp_path, debug=False)
    logger.warning("not readable", extra={"file": "\x1b]0;title\x07\x1b[2J\r\u202ea – b\n\x9b"})
    said = capsys.readouterr().err
    assert said.endswith("file=\\x1b]0;title\\x07\\x1b[2J\\r\\u202ea – b\\n\\x9b\n")


@pytest.mark.parametrize(("debug", "messages"), [(False, ["info"]), (True, ["debug", "info"])])
def test_debug_logs_more(tmp_path: Path, logger: logging.Logger, debug: bool, messages: list[str]) -> None:
    configure_logging(tmp_path, debug=debug)
    logger.debug("debug")
    logger.info("info")
    assert [line["message"] for line in lines(tmp_path / "error.jsonl")] == messages


def test_lines_are_written_a_moment_later_by_themselves(tmp_path: Path) -> None:
    path = tmp_path / "access.jsonl"

    async def serve() -> None:
        log = AccessLog(tmp_path)
        write(log)
        write(log)
        assert not path.exists()
        async with asyncio.timeout(20):
            while not path.exists():  # noqa: ASYNC110 - a file has no event
                await asyncio.sleep(0.01)
        assert len(lines(path)) == 2
        log.close()

    asyncio.run(serve())


def test_a_moved_log_is_noticed_and_no_line_is_lost(tmp_path: Path) -> None:
    async def serve() -> None:
        log = AccessLog(tmp_path)
        for number in range(10):
            write(log, size=number)
            log.flush()
            rotate(tmp_path, at=1, keep=20)
        log.close()

    asyncio.run(serve())
    written = [lines(path)[0]["bytes"] for path in tmp_path.glob("access.jsonl.*")]
    assert sorted(written) == list(range(10))


def test_small_logs_stay_and_only_so_many_old_ones_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "error.jsonl"
    path.write_text("small")
    rotate(tmp_path, at=100)
    assert [each.name for each in tmp_path.iterdir()] == ["error.jsonl"]
    for number in range(5):
        path.write_text(f"{number}")
        rotate(tmp_path, at=1, keep=2)
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {"error.jsonl.1": "4", "error.jsonl.2": "3"}


def test_a_log_that_cannot_be_written_fails_no_request_and_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def serve() -> None:
        log = AccessLog(tmp_path / "absent")
        for _ in range(2):
            write(log)
            log.flush()

    asyncio.run(serve())
    assert [record.message for record in caplog.records] == ["the access log cannot be written"]


WRITE_MANY = """
import asyncio, sys
from pathlib import Path
from pywharf.logs import AccessLog

async def serve():
    log = AccessLog(Path(sys.argv[1]))
    for _ in range(int(sys.argv[3])):
        log.write(method="GET", path=f"/{sys.argv[2]}/" + "x" * 500, status=200, size=10, seconds=0.001)
        if _ % 7 == 0:
            log.flush()
    log.close()

asyncio.run(serve())
"""


@pytest.mark.slow
def test_lines_of_many_processes_do_not_mix(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITE_MANY, str(tmp_path), str(number), str(LINES)])
        for number in range(WRITERS)
    ]
    assert [writer.wait(60) for writer in writers] == [0] * WRITERS
    paths = [line["path"][:3] for line in lines(tmp_path / "access.jsonl")]
    assert {path: paths.count(path) for path in paths} == {f"/{number}/": LINES for number in range(WRITERS)}


def test_a_log_folder_removed_under_a_writer_fails_nobody_and_comes_back(
    tmp_path: Path, logger: logging.Logger
) -> None:
    folder = tmp_path / "root" / "log"
    folder.parent.mkdir()
    configure_logging(folder, debug=False)
    logger.warning("before")
    shutil.rmtree(folder)
    logger.warning("after")
    assert [line["message"] for line in lines(folder / "error.jsonl")] == ["after"]
    shutil.rmtree(folder.parent)
    logger.warning("nowhere to write")
