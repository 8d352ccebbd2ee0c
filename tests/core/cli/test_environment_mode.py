from __future__ import annotations

from collections.abc import Sequence

import click
import pytest

from pywharf_core.cli.environment_mode import arguments_from
from pywharf_core.cli.root import make_root
from pywharf_core.hookspecs import hookimpl
from pywharf_core.plugins import Plugins


@click.command("server")
@click.argument("root")
@click.option("--config")
@click.option("--admin_secret")
@click.option("--port", type=int)
@click.option("--debug", is_flag=True)
@click.option("--colour/--no-colour", default=True)
@click.option("-v", "--verbose", count=True)
@click.option("--private", multiple=True)
@click.option("--pair", nargs=2)
def server(**_: object) -> None: ...


@click.command("import_files")
@click.argument("name")
@click.argument("paths", nargs=-1, required=True)
def import_files(**_: object) -> None: ...


@click.command("optional")
@click.argument("first", required=False)
@click.argument("second", required=False)
def optional(**_: object) -> None: ...


@click.group("forge")
def forge() -> None: ...


@forge.command("init-pkg-repo")
@click.option("--index_filename")
def init_pkg_repo(**_: object) -> None: ...


class Commands:
    @hookimpl
    def pywharf_commands(self) -> Sequence[click.Command]:
        return [server, import_files, optional, forge]


def arguments(**environment: str) -> list[str]:
    variables = {f"PYWHARF_{name}": value for name, value in environment.items()} | {"PATH": "/bin"}
    return list(arguments_from(variables, make_root(Plugins.of(Commands()))))


def test_without_variables_there_are_no_arguments() -> None:
    assert arguments() == []
    assert arguments(ROOT="/srv", COMMAND="", DISABLE_PLUGINS="x") == []


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"COMMAND": "server", "COMMAND_ROOT": "/srv"}, ["server", "--", "/srv"]),
        (
            {"COMMAND": "server", "COMMAND_ROOT": "-x", "COMMAND_CONFIG": "-y\n--z"},
            ["server", "--config=-y\n--z", "--", "-x"],
        ),
        ({"COMMAND": "server", "COMMAND_ROOT": "/", "COMMAND_CONFIG": ""}, ["server", "--config=", "--", "/"]),
        ({"COMMAND": "server", "COMMAND_ROOT": "/", "COMMAND_DEBUG": "True"}, ["server", "--debug", "--", "/"]),
        ({"COMMAND": "server", "COMMAND_ROOT": "/", "COMMAND_DEBUG": "0"}, ["server", "--", "/"]),
        ({"COMMAND": "server", "COMMAND_ROOT": "/", "COMMAND_COLOUR": "no"}, ["server", "--no-colour", "--", "/"]),
        ({"COMMAND": "server", "COMMAND_ROOT": "/", "COMMAND_COLOUR": "yes"}, ["server", "--colour", "--", "/"]),
        (
            {"COMMAND": "server", "COMMAND_ROOT": "/", "COMMAND_VERBOSE": "2"},
            ["server", "--verbose", "--verbose", "--", "/"],
        ),
        (
            {"COMMAND": "server", "COMMAND_ROOT": "/", "COMMAND_PRIVATE": "a-*, b"},
            ["server", "--private=a-*", "--private=b", "--", "/"],
        ),
        (
            {"COMMAND": "server", "COMMAND_ROOT": "/", "COMMAND_PRIVATE": "a,b\nc\n"},
            ["server", "--private=a,b", "--private=c", "--", "/"],
        ),
        ({"COMMAND": "server", "COMMAND_ROOT": "/", "COMMAND_PRIVATE": ""}, ["server", "--", "/"]),
        (
            {"COMMAND": "server", "COMMAND_ROOT": "/", "COMMAND_PAIR": "a,b"},
            ["server", "--pair", "a", "b", "--", "/"],
        ),
        (
            {"COMMAND": "import-files", "COMMAND_PATHS": "a b\nc", "COMMAND_NAME": "local"},
            ["import-files", "--", "local", "a b", "c"],
        ),
        (
            {"COMMAND": "forge.init_pkg_repo", "COMMAND_INDEX_FILENAME": "i"},
            ["forge", "init_pkg_repo", "--index_filename=i"],
        ),
        ({"COMMAND": " forge init-pkg-repo "}, ["forge", "init-pkg-repo"]),
        ({"COMMAND": "plugins", "COMMAND_JSON": "1"}, ["plugins", "--json"]),
    ],
)
def test_variables_stand_for_arguments(environment: dict[str, str], expected: list[str]) -> None:
    assert arguments(**environment) == expected


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        (
            {"COMMAND": "server", "COMMAND_ROOT": "/", "COMMAND_PROT": "1"},
            "PYWHARF_COMMAND_PROT fits no flag of `pywharf server`; did you mean PYWHARF_COMMAND_PORT?",
        ),
        (
            {"COMMAND": "hash_secret", "COMMAND_X": "1"},
            "PYWHARF_COMMAND_X fits no flag of `pywharf hash_secret`.",
        ),
        (
            {"COMMAND_ROOT": "/"},
            "PYWHARF_COMMAND_ROOT is set, but PYWHARF_COMMAND, which names the command, is not.",
        ),
        ({"COMMAND": "server"}, "`pywharf server` needs PYWHARF_COMMAND_ROOT, which is not set."),
        (
            {"COMMAND": "import_files", "COMMAND_PATHS": "a"},
            "`pywharf import_files` needs PYWHARF_COMMAND_NAME, which is not set.",
        ),
        (
            {"COMMAND": "optional", "COMMAND_SECOND": "2"},
            "PYWHARF_COMMAND_SECOND needs PYWHARF_COMMAND_FIRST too, which is not set.",
        ),
        (
            {"COMMAND": "servre", "COMMAND_ROOT": "/"},
            "PYWHARF_COMMAND = servre: There is no command servre; did you mean server?",
        ),
        (
            {"COMMAND": "forge"},
            "PYWHARF_COMMAND = forge: is a group of commands; name one of them: forge.init-pkg-repo",
        ),
        (
            {"COMMAND": "server", "COMMAND_ROOT": "/", "COMMAND_DEBUG": "maybe"},
            "PYWHARF_COMMAND_DEBUG = maybe: expected true or false.",
        ),
        (
            {"COMMAND": "server", "COMMAND_ROOT": "/", "COMMAND_VERBOSE": "very"},
            "PYWHARF_COMMAND_VERBOSE = very: expected a number.",
        ),
    ],
)
def test_a_variable_that_fits_nothing_is_wrong_usage(environment: dict[str, str], sentence: str) -> None:
    with pytest.raises(click.UsageError) as caught:
        arguments(**environment)
    assert caught.value.message == sentence
