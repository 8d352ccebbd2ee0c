"""Every command of the README is run, on a clean copy of this repository and in a clean environment."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from pywharf_core.testing import make_wheel
from support.clean_shell import clean_shell, run
from support.repository_copy import REPOSITORY, copy_repository

README = REPOSITORY / "README.md"

_PORT = "8888"
_READY_WITHIN = 240.0  # seconds, the installation included
_GONE_WITHIN = 30.0  # seconds
_TINY = "pywharf-readme-example"


def commands(heading: str) -> Sequence[str]:
    """The lines of the shell block below a heading of the README."""
    section = README.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 1, f"one block of commands is expected below {heading!r}"
    return str(blocks[0]).splitlines()


@dataclass(frozen=True)
class Serving:
    """The README's server, running.

    :ivar port: on this machine.
    :ivar secrets: of the repository ``local``: ``read_secret`` and ``write_secret``.
    :ivar output: where what it prints goes.
    """

    process: subprocess.Popen[bytes]
    folder: Path
    port: int
    secrets: Mapping[str, str]
    output: Path

    def stop(self, number: signal.Signals, *, everybody: bool = False) -> int:
        """The exit status after a signal to nox, or to ``everybody``, as a terminal sends Ctrl-C."""
        if everybody:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)
        return self.process.wait(_GONE_WITHIN)


def start(line: str, folder: Path, output: Path) -> Serving:
    """Run ``line`` as somebody in a terminal would, and wait until the server is ready."""
    port = free_port()
    # So that the process here is nox, and no shell before it that signals would have to pass.
    line = line.replace("&& .venv/bin/nox", "&& exec .venv/bin/nox")
    with output.open("wb") as stream:
        process = subprocess.Popen(
            ["bash", "-c", line],
            cwd=folder, env=clean_shell(PYWHARF_PORT=str(port)), stdin=subprocess.DEVNULL, stdout=stream,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        wait_until_ready(process, port, output)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    secrets = tomllib.loads((folder / "pywharf-root/config.toml").read_text(encoding="utf-8"))["local"]
    return Serving(process, folder, port, secrets, output)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(process: subprocess.Popen[bytes], port: int, output: Path) -> None:
    deadline = time.monotonic() + _READY_WITHIN
    while time.monotonic() < deadline:
        assert process.poll() is None, output.read_text(encoding="utf-8", errors="replace")
        try:
            with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"not ready within {_READY_WITHIN} s:\n{output.read_text(encoding='utf-8', errors='replace')}")


def processes_of(group: int) -> Sequence[int]:
    """Live processes of a session; those that ended and were not waited for are left out."""
    listing = subprocess.run(["ps", "-eo", "pid=,sid=,stat="], capture_output=True, text=True, check=True).stdout
    rows = (line.split() for line in listing.splitlines())
    return [int(pid) for pid, session, state in rows if int(session) == group and not state.startswith("Z")]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_repository(tmp_path_factory.mktemp("clone"))


@pytest.fixture(scope="module")
def serving(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    [line] = commands("Try it")
    serving = start(line, clone, tmp_path_factory.mktemp("output") / "serve.txt")
    try:
        yield serving
    finally:
        if serving.process.poll() is None:
            serving.stop(signal.SIGTERM)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with one wheel in ``dist``."""
    (tmp_path / "dist").mkdir()
    make_wheel(tmp_path / "dist", _TINY, "1.0")
    return tmp_path


@pytest.fixture
def client(project: Path) -> Mapping[str, str]:
    """The environment of somebody with twine, uv and a fresh virtual environment."""
    fresh = project / "fresh"
    subprocess.run([sys.executable, "-m", "venv", str(fresh)], check=True)
    clean = clean_shell()
    tools = project / "tools"  # without this environment's own pip
    tools.mkdir()
    for name in ("twine", "uv"):
        (tools / name).symlink_to(Path(sys.executable).parent / name)
    return {**clean, "PATH": f"{fresh}/bin:{tools}:{clean['PATH']}", "VIRTUAL_ENV": str(fresh)}


def is_installed(client: Mapping[str, str]) -> bool:
    """Whether the example was in the fresh environment; it is not after this."""
    python = Path(client["VIRTUAL_ENV"]) / "bin/python"
    done = subprocess.run([python, "-m", "pip", "uninstall", "-y", _TINY], capture_output=True, text=True, check=True)
    return "Successfully uninstalled" in done.stdout


@pytest.mark.slow
def test_the_lines_of_the_readme_upload_and_install(serving: Serving, project: Path, client: Mapping[str, str]) -> None:
    secrets = {
        "READ_SECRET": serving.secrets["read_secret"],
        "WRITE_SECRET": serving.secrets["write_secret"],
    }
    for line in commands("Use it"):
        filled = line.replace(_PORT, str(serving.port)).replace("PACKAGE", _TINY)
        run("bash", "-c", filled, cwd=project, env={**client, **secrets})
        assert "install" not in line or is_installed(client)


@pytest.mark.slow
def test_the_lines_that_the_server_prints_upload_and_install(
    serving: Serving, project: Path, client: Mapping[str, str]
) -> None:
    printed = serving.output.read_text(encoding="utf-8").partition("listening on")[2].splitlines()
    lines = [line.strip() for line in printed if line.startswith("    ")]
    assert sorted(line.split()[0] for line in lines) == ["pip", "twine", "uv", "uv"]
    lines.sort(key=lambda line: "install" in line)  # first publish, then use
    for line in lines:
        assert str(serving.port) in line
        filled = (
            line.replace("'<write secret>'", shlex.quote(serving.secrets["write_secret"]))
            .replace("<read secret>", serving.secrets["read_secret"])
            .replace("PACKAGE", _TINY)
        )
        run("bash", "-c", filled, cwd=project, env=client)
        assert "install" not in line or is_installed(client)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "everybody"),
    [
        pytest.param(signal.SIGTERM, False, id="SIGTERM to nox"),
        pytest.param(signal.SIGINT, False, id="SIGINT to nox"),
        pytest.param(signal.SIGINT, True, id="Ctrl-C"),
    ],
)
def test_a_signal_stops_the_served_index_and_leaves_no_process(
    serving: Serving, number: signal.Signals, everybody: bool, tmp_path: Path
) -> None:
    # The module's own server goes on; this is a second start of what is installed and configured already.
    second = start(".venv/bin/nox -s serve --no-install", serving.folder, tmp_path / "second.txt")
    assert len(processes_of(second.process.pid)) >= 3, "nox, the server, its worker"
    assert second.stop(number, everybody=everybody) == 0, second.output.read_text(encoding="utf-8")
    assert processes_of(second.process.pid) == []


@pytest.mark.slow
def test_the_readme_s_test_command_finds_every_test(clone: Path) -> None:
    [line] = commands("Work on it")
    output = run("bash", "-c", line, cwd=clone, env=clean_shell(PYTEST_ADDOPTS="--collect-only -q"))
    assert re.search(r"^\d+ tests collected", output, re.MULTILINE), output
    assert "tests/test_readme.py::" in output


def test_ci_runs_the_readme_s_test_command() -> None:
    [line] = commands("Work on it")
    assert line in (REPOSITORY / ".ci/run").read_text(encoding="utf-8").splitlines()
