"""Imports that are killed, stopped, and run beside each other, as processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from core.transfer.desk import Desk
from pywharf_core.testing import make_wheel
from support.clean_environment import clean_environment
from support.running_server import PATIENCE, PYWHARF, wait_until

pytestmark = pytest.mark.slow

PROJECTS, VERSIONS = 60, 5


@pytest.fixture
def environment(tmp_path: Path, desk: Desk) -> Mapping[str, str]:
    return {**clean_environment(tmp_path), "PYWHARF_ROOT": str(desk.root)}


@pytest.fixture
def wheels(folder: Path) -> Mapping[str, Path]:
    """By filename."""
    made = [
        make_wheel(folder, f"p{number}", f"{version}.0") for number in range(PROJECTS) for version in range(VERSIONS)
    ]
    return {path.name: path for path in made}


@pytest.fixture
def start(folder: Path, environment: Mapping[str, str]) -> Iterator[object]:
    """Starts an import of ``folder``."""
    started: list[subprocess.Popen[str]] = []

    def start_import(*flags: str) -> subprocess.Popen[str]:
        command = [PYWHARF, "import", "local", str(folder), *flags]
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        started.append(process)
        return process

    yield start_import
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def wait_for_files(desk: Desk, count: int) -> None:
    store = desk.root / "cache" / "local" / "storage"
    wait_until(lambda: sum(1 for _ in store.rglob("p*.whl")) >= count, f"{count} files are in the store")


@pytest.mark.parametrize("after", [1, 20, 150])
def test_what_was_killed_is_gone_on_with_and_nothing_is_half_there(
    desk: Desk, wheels: Mapping[str, Path], start: object, after: int
) -> None:
    assert callable(start)
    process = start()
    wait_for_files(desk, after)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(PATIENCE)
    with desk.open() as repositories:
        repositories["local"].synchronise()  # as the next start of a server does
        assert repositories["local"].status().refused == 0
    before = desk.listed()
    assert after <= len(before) < len(wheels)
    answer = json.loads(start("--json").communicate(timeout=PATIENCE)[0])
    assert (answer["imported"], answer["already_there"]) == (len(wheels) - len(before), len(before))
    after_all = desk.listed()
    assert set(after_all) == set(wheels)
    assert {name: after_all[name] for name in before} == before


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stop_ends_well_and_tells_what_was_done(
    desk: Desk, wheels: Mapping[str, Path], start: object, number: signal.Signals, status: int
) -> None:
    assert callable(start)
    process = start()
    wait_for_files(desk, 10)
    process.send_signal(number)
    output, complaints = process.communicate(timeout=PATIENCE)
    assert process.returncode == status, complaints
    done = len(desk.listed())
    assert 10 <= done < len(wheels)
    assert output.startswith(f"{done} files (")
    assert "Stopped; the same command goes on where it was." in complaints
    assert "Traceback" not in complaints
    assert not list(desk.root.rglob("*.upload"))
    answer = json.loads(start("--json").communicate(timeout=PATIENCE)[0])
    assert (answer["imported"], answer["already_there"]) == (len(wheels) - done, done)


def test_two_imports_at_once_take_each_file_once(desk: Desk, wheels: Mapping[str, Path], start: object) -> None:
    assert callable(start)
    processes = [start("--json"), start("--json")]
    answers = [json.loads(process.communicate(timeout=2 * PATIENCE)[0]) for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sum(answer["imported"] for answer in answers) == len(wheels)
    assert sum(answer["already_there"] for answer in answers) == len(wheels)
    assert set(desk.listed()) == set(wheels)
