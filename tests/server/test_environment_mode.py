"""Every flag and argument of every command that is installed can come from the environment."""

from __future__ import annotations

from typing import Any

import click
import pytest

from pywharf_core.cli.alike import leaves
from pywharf_core.cli.environment_mode import arguments_from
from pywharf_core.cli.root import Root, make_root
from pywharf_core.plugins import load_plugins

TEXT = "--a value, of its own"


def root() -> Root:
    return make_root(load_plugins())


def context(group: Root) -> click.Context:
    return click.Context(group, info_name="pywharf", **group.context_settings)


COMMANDS = dict(leaves(context(root()), root()))


def variable(parameter: click.Parameter) -> str:
    flags = [flag.removeprefix("--") for flag in parameter.opts if flag.startswith("--")] or [str(parameter.name)]
    return f"PYWHARF_COMMAND_{flags[0].replace('-', '_').upper()}"


def sample(parameter: click.Parameter) -> tuple[str, Any]:
    """What the variable holds, and what click's parser then has, before types and callbacks look at it."""
    if isinstance(parameter, click.Option) and parameter.is_flag:
        return "true", True
    if parameter.multiple:
        return f"{TEXT}\n{TEXT}\n", [TEXT, TEXT]
    if parameter.nargs == -1:
        return f"{TEXT}\n{TEXT}\n", (TEXT, TEXT)
    return TEXT, TEXT


@pytest.mark.parametrize("name", COMMANDS)
def test_every_flag_and_argument_can_come_from_the_environment(name: str) -> None:
    command = COMMANDS[name]
    samples = {parameter: sample(parameter) for parameter in command.params}
    environment = {variable(parameter): text for parameter, (text, _) in samples.items()}
    words = arguments_from({"PYWHARF_COMMAND": name, **environment}, root())
    parser = command.make_parser(click.Context(command, parent=context(root())))
    parsed, left, _ = parser.parse_args(list(words[name.count(".") + 1 :]))
    assert left == []
    assert parsed == {str(parameter.name): value for parameter, (_, value) in samples.items()}
