"""Environment mode: without any argument, ``PYWHARF_COMMAND`` and ``PYWHARF_COMMAND_<FLAG>`` say what to do."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence

import click

from pywharf_core.cli.alike import AlikeGroup, leaves, plain

_COMMAND = "PYWHARF_COMMAND"
_PREFIX = "PYWHARF_COMMAND_"
_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off", "")


def arguments_from(environment: Mapping[str, str], root: AlikeGroup) -> Sequence[str]:
    """The arguments that the environment stands for; none if it names no command.

    :raises click.UsageError: a variable fits nothing, or no command is named.
    """
    values = {
        plain(name.removeprefix(_PREFIX)).upper(): value
        for name, value in environment.items()
        if name.startswith(_PREFIX)
    }
    written = environment.get(_COMMAND, "").strip()
    if not written:
        if values:
            first = min(values)
            raise click.UsageError(f"{_PREFIX}{first} is set, but {_COMMAND}, which names the command, is not.")
        return []
    given = set(values)
    words, command = _find(written, root)
    arguments = [*words, *_option_arguments(command, values), *_positional_arguments(command, values, words)]
    for name in values:
        fitting = [flag for parameter in command.params for flag in _names(parameter) if flag not in given]
        near = difflib.get_close_matches(name, fitting, n=1, cutoff=0)
        did_you_mean = f"; did you mean {_PREFIX}{near[0]}?" if near else "."
        raise click.UsageError(f"{_PREFIX}{name} fits no flag of `pywharf {' '.join(words)}`{did_you_mean}")
    return arguments


def _find(written: str, root: AlikeGroup) -> tuple[Sequence[str], click.Command]:
    words = [word for word in re.split(r"[.\s]+", written) if word]
    context = click.Context(root, info_name="pywharf", **root.context_settings)
    found: click.Command = root
    for word in words:
        inner = found.get_command(context, word) if isinstance(found, AlikeGroup) else None
        if inner is None:
            raise click.UsageError(f"{_COMMAND} = {written}: {root.why_unknown(context, '.'.join(words))}")
        found = inner
    if isinstance(found, click.Group):
        names = ", ".join(f"{'.'.join(words)}.{name}" for name, _ in leaves(context, found))
        raise click.UsageError(f"{_COMMAND} = {written}: is a group of commands; name one of them: {names}")
    return words, found


def _names(parameter: click.Parameter) -> Sequence[str]:
    """The parts of variables' names that set this parameter."""
    if not isinstance(parameter, click.Option):
        return [plain(parameter.name or "").upper()]
    return [plain(flag.removeprefix("--")).upper() for flag in parameter.opts if flag.startswith("--")]


def _take(parameter: click.Parameter, values: dict[str, str]) -> tuple[str, str] | None:
    """The variable that sets this parameter, taken out of ``values``, and its value."""
    for name in _names(parameter):
        if name in values:
            return f"{_PREFIX}{name}", values.pop(name)
    return None


def _option_arguments(command: click.Command, values: dict[str, str]) -> Sequence[str]:
    arguments: list[str] = []
    for option in command.params:
        taken = _take(option, values) if isinstance(option, click.Option) else None
        if taken is None or not isinstance(option, click.Option):
            continue
        variable, value = taken
        flag = next(flag for flag in option.opts if flag.startswith("--"))
        if option.count:
            arguments += [flag] * _number(variable, value)
        elif option.is_flag:
            arguments += [flag] if _truth(variable, value) else option.secondary_opts[:1]
        elif option.nargs != 1:
            arguments += [flag, *_several(value)]
        else:
            # One word, so that a value that begins with a hyphen is no flag.
            arguments += [f"{flag}={part}" for part in (_several(value) if option.multiple else [value])]
    return arguments


def _positional_arguments(command: click.Command, values: dict[str, str], words: Sequence[str]) -> Sequence[str]:
    arguments: list[str] = []
    absent: click.Parameter | None = None
    for argument in command.params:
        if not isinstance(argument, click.Argument):
            continue
        taken = _take(argument, values)
        if taken is None:
            if argument.required:
                variable = f"{_PREFIX}{_names(argument)[0]}"
                raise click.UsageError(f"`pywharf {' '.join(words)}` needs {variable}, which is not set.")
            absent = argument
            continue
        variable, value = taken
        if absent is not None:  # values find their arguments by position alone
            raise click.UsageError(f"{variable} needs {_PREFIX}{_names(absent)[0]} too, which is not set.")
        arguments += [value] if argument.nargs == 1 else _several(value)
    return ["--", *arguments] if arguments else []


def _several(value: str) -> Sequence[str]:
    parts = value.splitlines() if "\n" in value else value.split(",")
    return [part.strip() for part in parts if part.strip()]


def _truth(variable: str, value: str) -> bool:
    word = value.strip().lower()
    if word not in (*_TRUE, *_FALSE):
        raise click.UsageError(f"{variable} = {value}: expected true or false.")
    return word in _TRUE


def _number(variable: str, value: str) -> int:
    if not value.strip().isdecimal():
        raise click.UsageError(f"{variable} = {value}: expected a number.")
    return int(value)
