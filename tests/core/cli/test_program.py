"""The console script as a process: status, streams, interruption, and what it does not import."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PROGRAM = [sys.executable, "-c", "from pywharf_core.cli import main; main()"]


def pywharf(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *arguments], env=_environment(environment), input=stdin, capture_output=True, text=True, timeout=60
    )


def _environment(more: dict[str, str]) -> dict[str, str]:
    """This process's, without anything that speaks to pywharf."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYWHARF_")} | more


def test_without_arguments_and_variables_the_help_is_shown() -> None:
    result = pywharf()
    assert result.returncode == 0
    assert result.stdout.startswith("Usage: pywharf [OPTIONS] [COMMAND] [ARGS]...")


def test_the_environment_may_name_the_command(tmp_path: Path) -> None:
    result = pywharf(PYWHARF_COMMAND="hash-secret", stdin="sesame\n")
    assert result.stdout.startswith("scrypt$")


def test_a_variable_that_fits_nothing_is_status_2() -> None:
    result = pywharf(PYWHARF_COMMAND_ROOT="/srv")
    assert result.returncode == 2
    assert "Error: PYWHARF_COMMAND_ROOT is set, but PYWHARF_COMMAND" in result.stderr
    assert "Traceback" not in result.stderr


def test_arguments_win_over_the_environment() -> None:
    assert pywharf("--version", PYWHARF_COMMAND="nonsense").returncode == 0


def test_a_plugin_to_switch_off_that_is_not_there_is_a_warning_on_standard_error() -> None:
    result = pywharf("--version", PYWHARF_DISABLE_PLUGINS="bels")
    assert "Warning: PYWHARF_DISABLE_PLUGINS names the plugin bels, which is not installed; known: " in result.stderr
    assert "Warning" not in result.stdout
    assert result.returncode == 0


def test_wrong_usage_is_status_2() -> None:
    assert pywharf("check", "--rot", "x").returncode == 2


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_and_versions_are_told_without_the_server_or_the_index(arguments: Sequence[str]) -> None:
    script = (
        "import sys; from pywharf_core.cli.program import run; "
        f"run({list(arguments)!r}, {{}}); print(sorted(sys.modules), file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], env=_environment({}), capture_output=True, text=True, timeout=60
    )
    loaded = {name.strip(" '").split(".")[0] for name in result.stderr.strip("[]\n").split(",")}
    assert "pywharf_core" in loaded
    assert not loaded & {"starlette", "hypercorn", "anyio", "sqlite3"}


def test_an_interrupted_command_says_nothing_and_is_status_130() -> None:
    with subprocess.Popen(
        [*PROGRAM, "hash_secret"],
        env=_environment({}), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        _wait_until_it_reads(process)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stdout, stderr.strip()) == (130, "", "")


def _wait_until_it_reads(process: subprocess.Popen[str]) -> None:
    """Until the process sleeps in reading its standard input (a pipe), as the kernel says."""
    place = Path(f"/proc/{process.pid}/wchan")
    while process.poll() is None:
        if "pipe" in place.read_text(encoding="ascii"):
            return
    raise AssertionError("it ended before it was interrupted")


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    with subprocess.Popen(
        [*PROGRAM, "--help"], env=_environment({}), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1


def test_shell_completion_knows_the_commands_even_in_environment_mode() -> None:
    result = pywharf(
        _PYWHARF_COMPLETE="bash_complete", COMP_WORDS="pywharf hash", COMP_CWORD="1", PYWHARF_COMMAND="nonsense"
    )
    assert result.stdout.strip() == "plain,hash_secret"
