"""``--json`` of a command that cannot begin: one document on standard output all the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from core.transfer.desk import Desk
from pywharf_core import shared_secrets
from pywharf_core.cli.alike import leaves
from pywharf_core.cli.program import run
from pywharf_core.cli.root import make_root
from pywharf_core.errors import PluginError
from pywharf_core.plugins import Plugins
from pywharf_core.testing import make_wheel
from pywharf_filesystem import plugin as file_system

PLUGINS = Plugins.of(file_system, shared_secrets)

#: Arguments of each command that can answer in JSON and can fail to begin.
COMMANDS = {
    "check": [],
    "copy": ["local", "other"],
    "delete": ["local", "holygrail==1.0"],
    "export": ["local", "DIR"],
    "set_status": ["local", "holygrail", "archived"],
    "import": ["local", "."],
    "verify": ["local"],
    "why": ["local", "holygrail"],
    "yank": ["local", "holygrail==1.0"],
}


def pywharf(*words: object) -> Result:
    return CliRunner(env={"PYWHARF_ROOT": None}).invoke(make_root(PLUGINS), [str(word) for word in words])


def told(result: Result) -> str:
    """The one key of the one document."""
    document = json.loads(result.stdout)
    assert list(document) == ["error"]
    return str(document["error"])


def test_these_are_all_commands_that_answer_in_json() -> None:
    root = make_root(PLUGINS)
    found = {
        name
        for name, command in leaves(click.Context(root), root)
        if any(parameter.name == "as_json" for parameter in command.params)
    }
    assert found == {*COMMANDS, "plugins", "update_index"}, "plugins cannot fail; update_index is below"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_root_without_configuration_is_an_error_in_json_and_in_a_sentence(command: str, tmp_path: Path) -> None:
    words = [command, *COMMANDS[command], "--root", tmp_path / "nothing"]
    people, programs = pywharf(*words), pywharf(*words, "--json")
    assert people.stdout == ""
    assert people.exit_code == programs.exit_code == 2
    assert people.stderr == programs.stderr
    assert told(programs) == people.stderr.rstrip("\n")
    assert "holds no configuration" in people.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_wrong_usage_is_an_error_in_json_too(command: str) -> None:
    result = pywharf(command, *COMMANDS[command], "--json", "--rot", "x")
    assert result.exit_code == 2
    assert told(result).startswith("No such option")
    assert f"Error: {told(result)}" in result.stderr
    assert told(pywharf(command, *COMMANDS[command], "--json")).startswith("Give --root ROOT")


def test_the_index_of_no_known_type_cannot_be_updated() -> None:
    result = pywharf("update_index", "file_sistem", "local", "--json")
    assert (result.exit_code, told(result)) == (
        2,
        "There is no type 'file_sistem'; expected \"file_system\"; did you mean file_system?",
    )


def test_an_unknown_repository_or_release_is_an_error_in_json(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    for words, sentence in (
        (["verify", "locl"], "There is no repository 'locl'; did you mean local? Configured: local, other."),
        (["yank", "local", "holygrail==1.0"], "holygrail"),
        (["delete", "local", "holygrail-1.0.tar.gz"], "holygrail"),
        (["import", "local", tmp_path / "nothing"], "does not exist"),
    ):
        result = desk.run(*words, "--json")
        assert result.exit_code in (1, 2)
        assert sentence in told(result)


def test_all_problems_of_a_configuration_are_lines_of_one_error(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[a]\ntype = "file_system"\nx = 1\n[b]\ntype = "file_system"\ny = 1\n')
    result = pywharf("check", "--root", tmp_path, "--json")
    assert result.exit_code == 2
    assert told(result).splitlines() == result.stderr.splitlines()
    assert len(told(result).splitlines()) >= 2


def test_what_has_an_answer_gets_no_second_document(tmp_path: Path) -> None:
    desk, folder = Desk(tmp_path), tmp_path / "packages"
    (folder / "x").mkdir(parents=True)
    make_wheel(folder, "holygrail", "1.0")
    (folder / "swallow-1.0-py3-none-any.whl").write_bytes(b"no wheel")
    result = desk.run("import", "local", folder, "--json")
    answer = json.loads(result.stdout)
    assert (result.exit_code, answer["imported"], len(answer["refused"])) == (1, 1, 1)


@pytest.mark.parametrize("words", [["yank", "local", "--", "--json"], ["why", "--", "local", "--json"]])
def test_behind_two_hyphens_it_is_no_flag(words: Sequence[str]) -> None:
    assert pywharf(*words).stdout == ""


def test_plugins_that_contradict_each_other_are_an_error_in_json_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:

    def load() -> Plugins:
        raise PluginError("Two plugins bring one type.")

    monkeypatch.setattr("pywharf_core.cli.program.load_plugins", load)
    assert run(["check", "--json"], {}) == 1
    said = capsys.readouterr()
    assert (json.loads(said.out), said.err) == (
        {"error": "Two plugins bring one type."},
        "Error: Two plugins bring one type.\n",
    )
