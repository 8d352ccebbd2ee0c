"""Ctrl-C and SIGTERM while a command works on many files: real processes, stopped in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import portalocker
import pytest

from core.transfer.desk import Desk
from pywharf_core.testing import make_wheel
from support.clean_environment import clean_environment
from support.running_server import PATIENCE, PYWHARF, wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel which files a process has open"),
]

PROJECTS, VERSIONS = 20, 10
FILES = PROJECTS * VERSIONS
GOES_ON = "Stopped; the same command goes on where it was."
ANEW = "Stopped; run it again to look at all files."
SIGNALS = pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wheels of such a size that some are always open while a command works."""
    folder = tmp_path_factory.mktemp("packages")
    for number in range(FILES):
        make_wheel(folder, f"p{number % PROJECTS}", f"{number // PROJECTS}.0", padding=300_000)
    return folder


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    config = "".join(f'[{name}]\ntype = "file_system"\nwrite_secret = "w"\n' for name in ("local", "other"))
    return Desk(tmp_path, config)


@pytest.fixture
def full(desk: Desk, packages: Path) -> Desk:
    assert desk.told("import", "local", packages)["imported"] == FILES
    return desk


@pytest.fixture
def start(desk: Desk, tmp_path: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def run(*words: object) -> subprocess.Popen[str]:
        (tmp_path / "tmp").mkdir(exist_ok=True)
        environment = {
            **clean_environment(tmp_path),
            "PYWHARF_ROOT": str(desk.root),
            "TMPDIR": str(tmp_path / "tmp"),
        }
        command = [PYWHARF, *map(str, words)]
        started.append(
            subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
        return started[-1]

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def stop(process: subprocess.Popen[str], when: Callable[[], bool], number: signal.Signals) -> tuple[str, str]:
    """What the process says that gets ``number`` as soon as ``when`` holds."""
    deadline = time.monotonic() + PATIENCE
    while not when():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.001)
    process.send_signal(number)
    return process.communicate(timeout=PATIENCE)


def has_open(process: subprocess.Popen[str], folder: Path) -> Callable[[], bool]:
    """Whether the process has a wheel open that lies below ``folder``."""
    descriptors = Path(f"/proc/{process.pid}/fd")

    def look() -> bool:
        for descriptor in descriptors.iterdir():
            try:
                target = os.readlink(descriptor)
            except OSError:
                continue
            if target.startswith(str(folder)) and target.endswith(".whl"):
                return True
        return False

    return look


def store(desk: Desk, name: str = "local") -> Path:
    return desk.root / "cache" / name / "storage"


def leftovers(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.name.endswith((".part", ".upload"))]


@SIGNALS
@pytest.mark.parametrize("form", [[], ["--simple"]], ids=["files", "static index"])
def test_an_export_is_stopped_tells_what_it_did_and_goes_on(
    full: Desk, start: Start, tmp_path: Path, number: signal.Signals, status: int, form: list[str]
) -> None:
    folder = tmp_path / "export"
    process = start("export", "local", folder, *form)
    out, err = stop(process, lambda: len(list(folder.glob("*/*.whl"))) >= 5, number)
    assert (process.returncode, err.splitlines()[-1]) == (status, GOES_ON), err
    done = len(list(folder.glob("*/*.whl")))
    assert 5 <= done < FILES
    assert out.startswith(f"{folder}: {done} files copied (")
    assert "Try it" not in out
    assert not leftovers(folder)
    assert not json.loads((folder / "pywharf-export.json").read_bytes())["complete"]
    again = json.loads(start("export", "local", folder, "--json", *form).communicate(timeout=4 * PATIENCE)[0])
    assert (again["there"], again["copied"], again["complete"]) == (done, FILES - done, True)


@SIGNALS
def test_a_verification_is_stopped_and_does_not_say_that_all_is_well(
    full: Desk, start: Start, number: signal.Signals, status: int
) -> None:
    process = start("verify", "local")
    out, err = stop(process, has_open(process, store(full)), number)
    assert (process.returncode, err.splitlines()[-1]) == (status, ANEW), err
    assert out.endswith("nothing is wrong so far.\n")
    assert int(out.split()[0]) < FILES
    again = start("verify", "local")
    assert "all is well" in again.communicate(timeout=4 * PATIENCE)[0]
    assert again.returncode == 0


@SIGNALS
def test_a_copy_is_stopped_tells_what_it_did_and_goes_on(
    full: Desk, start: Start, number: signal.Signals, status: int
) -> None:
    process = start("copy", "local", "other")
    out, err = stop(process, lambda: len(list(store(full, "other").glob("*/*.whl"))) >= 5, number)
    assert (process.returncode, err.splitlines()[-1]) == (status, GOES_ON), err
    done = len(full.listed("other"))
    assert 5 <= done < FILES
    assert out.startswith(f"{done} files (")
    assert not leftovers(full.root)
    again = json.loads(start("copy", "local", "other", "--json").communicate(timeout=4 * PATIENCE)[0])
    assert (again["already_there"], again["copied"], again["complete"]) == (done, FILES - done, True)


def test_programs_get_an_account_that_says_it_is_not_complete(full: Desk, start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    process = start("export", "local", folder, "--json")
    out, err = stop(process, lambda: len(list(folder.glob("*/*.whl"))) >= 5, signal.SIGTERM)
    assert (process.returncode, err) == (143, f"{GOES_ON}\n")
    assert json.loads(out)["copied"] == len(list(folder.glob("*/*.whl")))
    assert not json.loads(out)["complete"]
    process = start("verify", "local", "--json")
    out, err = stop(process, has_open(process, store(full)), signal.SIGTERM)
    assert (process.returncode, err) == (143, f"{ANEW}\n")
    answer = json.loads(out)
    assert (answer["findings"], answer["complete"]) == ([], False)
    assert answer["files"] < FILES


@SIGNALS
@pytest.mark.parametrize("words", [["export", "local", "DIR"], ["verify", "local"], ["copy", "local", "other"]])
@pytest.mark.parametrize("flags", [[], ["--json"]], ids=["people", "programs"])
def test_before_its_work_begins_a_command_ends_at_once(
    full: Desk, start: Start, tmp_path: Path, number: signal.Signals, status: int, words: list[str], flags: list[str]
) -> None:
    """It waits behind another process of the ROOT."""
    with ExitStack() as closing:
        for path in (full.root / "lock").iterdir():
            portalocker.lock(closing.enter_context(path.open("r+")), portalocker.LockFlags.EXCLUSIVE)
        process = start(*(tmp_path / word if word == "DIR" else word for word in words), *flags)
        out, err = stop(process, lambda: waits_for_a_lock(process), number)
    assert (process.returncode, err) == (status, "Stopped before anything was done.\n")
    assert json.loads(out) == {"error": "Stopped before anything was done."} if flags else out == ""
    assert not (tmp_path / "DIR").exists()


def test_a_command_of_a_moment_ends_at_once_and_its_status_tells_of_the_signal(full: Desk, start: Start) -> None:
    with ExitStack() as closing:
        for path in (full.root / "lock").iterdir():
            portalocker.lock(closing.enter_context(path.open("r+")), portalocker.LockFlags.EXCLUSIVE)
        process = start("yank", "local", "p0==0.0")
        out, err = stop(process, lambda: waits_for_a_lock(process), signal.SIGTERM)
    assert (process.returncode, out, err.strip()) == (143, "", "")


def waits_for_a_lock(process: subprocess.Popen[str]) -> bool:
    lines = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    return any("->" in line and str(process.pid) in line.split() for line in lines)


def catches(process: subprocess.Popen[str], number: signal.Signals) -> bool:
    """Whether the process has a handler of its own for the signal; one that has ended has none."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    caught = next((line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")), "0")
    return bool(int(caught, 16) >> (number - 1) & 1)


def test_the_second_signal_ends_the_process_as_it_stands_and_nothing_is_half_there(
    full: Desk, start: Start, tmp_path: Path
) -> None:
    folder = tmp_path / "export"
    process = start("export", "local", folder, "--jobs", "1")
    wait_until(lambda: bool(list(folder.glob("*/*.whl"))), "the first file is there")
    process.send_signal(signal.SIGTERM)
    wait_until(lambda: not catches(process, signal.SIGTERM), "the first one was handled")  # else they become one
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE)
    assert process.returncode in (143, -signal.SIGTERM)
    again = json.loads(start("export", "local", folder, "--json").communicate(timeout=4 * PATIENCE)[0])
    assert again["complete"]
    assert not leftovers(folder)


def test_what_was_written_for_the_command_alone_goes_with_it(
    full: Desk, start: Start, tmp_path: Path, packages: Path
) -> None:
    """Without a ROOT the index lives in a temporary folder."""
    config = tmp_path / "config.toml"
    config.write_text(f'[local]\ntype = "file_system"\npath = "{store(full)}"\nwrite_secret = "w"\n')
    folder = tmp_path / "export"
    process = start("export", "local", folder, "--config", config)
    stop(process, lambda: bool(list(folder.glob("*/*.whl"))), signal.SIGTERM)
    assert process.returncode == 143
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_signal_inside_of_the_clocks_own_lock_ends_the_wait_all_the_same() -> None:
    """In a process of its own: what would go wrong is that it hangs."""
    program = """
import os, signal
from pywharf_core.cli.stopping import stoppable
from pywharf_core.clock import Clock

clock = Clock()
with stoppable(clock) as stopping:
    def work():
        with clock._stopped._cond:  # where a wait is for a moment
            os.kill(os.getpid(), signal.SIGTERM)
            print("handled", flush=True)
        clock.sleep(60)
        print("stopped" if clock.is_stopped else "slept")
    stopping.work(work)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert done.stdout.split() == ["handled", "stopped"]
