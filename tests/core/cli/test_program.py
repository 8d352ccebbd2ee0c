"""The console script as a process: status, streams, interruption, and what it does not import."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from pywharf_core.testing import make_wheel

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


def _in_shell(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """``$PROGRAM`` of the script is pywharf; what lies there is ``$FOLDER``."""
    environment = _environment({"FOLDER": str(folder), "PROGRAM": str(Path(sys.executable).with_name("pywharf"))})
    return subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such streams")
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_streams_that_are_closed_or_full_cost_neither_the_work_nor_a_traceback(tmp_path: Path, closed: str) -> None:
    """And no file of ours gets the number of such a stream, to be written into by mistake."""
    make_wheel(tmp_path / "dist", "holygrail", "1.0")
    assert pywharf("init", str(tmp_path / "root")).returncode == 0
    result = _in_shell(
        f'"$PROGRAM" import local "$FOLDER/dist" --root "$FOLDER/root" {closed} '
        f'&& "$PROGRAM" export local "$FOLDER/out" --root "$FOLDER/root" {closed}',
        tmp_path,
    )
    assert (result.returncode, "Traceback" in result.stderr) == (0, False), result.stderr
    exported = tmp_path / "out" / "holygrail" / "holygrail-1.0-py3-none-any.whl"
    assert exported.read_bytes() == (tmp_path / "dist" / exported.name).read_bytes()
    stored = _in_shell('"$PROGRAM" verify local --root "$FOLDER/root"', tmp_path)
    assert stored.stdout.endswith("all is well.\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
@pytest.mark.parametrize("command", ["--help", "plugins", "plugins --json", "--version"])
def test_an_answer_for_which_there_is_no_room_is_a_sentence_and_a_status(tmp_path: Path, command: str) -> None:
    result = _in_shell(f'"$PROGRAM" {command} > /dev/full', tmp_path)
    assert (result.returncode, result.stderr) == (
        1,
        "Error: The operating system does not do what is needed: No space left on device; make room, and run the same "
        "command again.\n",
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["check", "--root", ""], "it is empty; give a path, or . for the working folder."),
        (["init", ""], "it is empty; give a path, or . for the working folder."),
        (["export", "local", ""], "it is empty; give a path, or . for the working folder."),
        (["import", "local", "", "--root", "ROOT"], "A path is empty; give another one, or . for the working folder."),
        (["check", "--root", "FILE"], "is no folder; name the ROOT of a server, or make one by `pywharf init`."),
        (["export", "local", "/dev/null", "--root", "ROOT"], "/dev/null is no folder; name a new one, or an empty one."),
        (["why", "local", "x" * 5000, "--root", "ROOT"], f"'{'x' * 60}'… is not a project name: it has 5,000 characters,"),
    ],
)  # fmt: skip
def test_what_stands_where_something_else_should_is_a_sentence(
    tmp_path: Path, words: Sequence[str], sentence: str
) -> None:
    (tmp_path / "FILE").touch()
    assert pywharf("init", str(tmp_path / "ROOT")).returncode == 0
    result = pywharf(*(str(tmp_path / word) if word in ("ROOT", "FILE") else word for word in words))
    assert result.returncode in (1, 2)
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stderr) < 1000
    assert result.stdout == ""
