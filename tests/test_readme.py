"""Every command of the README is run, on a clean copy of this repository and in a clean environment."""

from __future__ import annotations

import re
import signal
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from support.clean_shell import clean_shell, run
from support.packager import Packager
from support.repository_copy import REPOSITORY, copy_repository
from support.served import Served, free_port, serving
from support.shell_blocks import commands

README = REPOSITORY / "README.md"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_repository(tmp_path_factory.mktemp("clone"))


def serve(line: str, clone: Path, output: Path) -> AbstractContextManager[Served]:
    port = free_port()
    return serving(line, cwd=clone, env=clean_shell(PYWHARF_PORT=str(port)), port=port, output=output)


@pytest.fixture(scope="module")
def served(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    [line] = commands(README, "Try it")
    with serve(line, clone, tmp_path_factory.mktemp("output") / "serve.txt") as served:
        yield served
        assert served.stop() == 0, served.said()
        assert served.processes() == []


@pytest.fixture
def secrets(served: Served, clone: Path) -> Mapping[str, str]:
    table: Mapping[str, str] = tomllib.loads((clone / "pywharf-root/config.toml").read_text(encoding="utf-8"))["local"]
    return table


@pytest.mark.slow
@pytest.mark.follows("README.md", "Try it", "Use it")
def test_the_lines_of_the_readme_upload_and_install(served: Served, secrets: Mapping[str, str], tmp_path: Path) -> None:
    packager = Packager(tmp_path)
    for line in commands(README, "Use it"):
        packager.follow(line, port=served.port, secrets=secrets)


@pytest.mark.slow
def test_the_lines_that_the_server_prints_upload_and_install(
    served: Served, secrets: Mapping[str, str], tmp_path: Path
) -> None:
    printed = served.said().partition("listening on")[2].splitlines()
    lines = [line.strip() for line in printed if line.startswith("    ")]
    assert sorted(line.split()[0] for line in lines) == ["pip", "twine", "uv", "uv"]
    packager = Packager(tmp_path)
    for line in sorted(lines, key=lambda line: "install" in line):  # first publish, then use
        assert str(served.port) in line
        packager.follow(line, port=served.port, secrets=secrets)


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
    served: Served, clone: Path, number: signal.Signals, everybody: bool, tmp_path: Path
) -> None:
    # The module's own server goes on; this is another start of what is installed and configured already.
    with serve(".venv/bin/nox -s serve --no-install", clone, tmp_path / "second.txt") as second:
        assert len(second.processes()) >= 3, "nox, the server, its worker"
        assert second.stop(number, everybody=everybody) == 0, second.said()
        assert second.processes() == []


@pytest.mark.slow
@pytest.mark.follows("README.md", "Work on it")
def test_the_readme_s_test_command_finds_every_test(clone: Path) -> None:
    [line] = commands(README, "Work on it")
    output = run("bash", "-c", line, cwd=clone, env=clean_shell(PYTEST_ADDOPTS="--collect-only -q"))
    assert re.search(r"^\d+ tests collected", output, re.MULTILINE), output
    assert "tests/test_readme.py::" in output


def test_ci_runs_the_readme_s_test_command() -> None:
    [line] = commands(README, "Work on it")
    assert line in (REPOSITORY / ".ci/run").read_text(encoding="utf-8").splitlines()
