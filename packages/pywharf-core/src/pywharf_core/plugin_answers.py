"""One plugin is asked for all that it brings, and its answers are checked.

Each plugin is registered with a pluggy manager of its own: a broken one leaves nothing behind, and every answer has
an owner who can be named.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import click
import pluggy

from pywharf_core import hookspecs
from pywharf_core.auth import AuthType
from pywharf_core.change_hooks import PUBLISHED, REFUSE, REMOVED
from pywharf_core.errors import PluginError
from pywharf_core.options import keys_of
from pywharf_core.storage import StorageType

#: The version of the storage contract that this core speaks.
CONTRACT = 1

_HOOKS = tuple(name for name in vars(hookspecs) if name.startswith("pywharf_"))

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class PluginSource:
    """Where a plugin comes from."""

    name: str
    distribution: str
    version: str
    load: Callable[[], object]


@dataclass(frozen=True, slots=True)
class PluginAnswers:
    """All that a plugin brings."""

    storage_types: Sequence[type[StorageType]]
    auth_types: Sequence[type[AuthType]]
    commands: Sequence[click.Command]
    change_hooks: Mapping[str, Callable[..., object]]

    def provides(self) -> tuple[str, ...]:
        """See ``InstalledPlugin``."""
        return (
            *(f"storage type {kind.name}" for kind in self.storage_types),
            *(f"auth type {kind.name}" for kind in self.auth_types),
            *(f"command {command.name}" for command in self.commands),
            *(f"hook {name}" for name in self.change_hooks),
        )


def ask(source: PluginSource) -> PluginAnswers:
    """Load the plugin and ask it. Whatever a stranger's module raises comes through.

    :raises PluginError: it has a hook that does not exist, or one that is not marked.
    :raises TypeError: it answers what cannot be used.
    """
    plugin = source.load()
    _check_hook_names(plugin, source)
    manager = pluggy.PluginManager(hookspecs.GROUP)
    manager.add_hookspecs(hookspecs)
    manager.register(plugin, name=source.name)
    asked = manager.hook
    storage_types = _classes(
        asked.pywharf_storage_types(),
        StorageType,  # type: ignore[type-abstract]  # what is looked for are its subclasses
        "pywharf_storage_types",
    )
    for kind in storage_types:
        if kind.contract != CONTRACT:
            raise TypeError(
                f"the storage type {kind.name} was written for version {kind.contract} of the storage contract; "
                f"this pywharf-core speaks version {CONTRACT}"
            )
    auth_types = _classes(
        asked.pywharf_auth_types(),
        AuthType,  # type: ignore[type-abstract]  # likewise
        "pywharf_auth_types",
    )
    for auth_type in auth_types:
        if auth_type.name == "storage":
            raise TypeError('an auth type cannot be named "storage", which means the storage\'s own access()')
    hooks = {name: getattr(asked, name) for name in (REFUSE, PUBLISHED, REMOVED)}
    implemented = {name: hook for name, hook in hooks.items() if hook.get_hookimpls()}
    return PluginAnswers(storage_types, auth_types, _commands(asked.pywharf_commands()), implemented)


def _check_hook_names(plugin: object, source: PluginSource) -> None:
    who = f"The plugin {source.name} of {source.distribution}"
    for name in dir(plugin):
        value = inspect.getattr_static(plugin, name, None)
        function = value.__func__ if isinstance(value, staticmethod | classmethod) else value
        if not inspect.isroutine(function):
            continue
        options = getattr(function, f"{hookspecs.GROUP}_impl", None)
        hook = (options or {}).get("specname") or name
        if options is not None and hook not in _HOOKS:
            nearest = difflib.get_close_matches(hook, _HOOKS, n=1, cutoff=0)
            raise PluginError(f"{who} implements the hook {hook}, which does not exist; did you mean {nearest[0]}?")
        if options is None and name in _HOOKS:
            raise PluginError(f"{who} has a function {name} that is not marked; put @hookimpl above it.")


def _classes(answers: Iterable[object], base: type[_T], hook: str) -> Sequence[type[_T]]:
    classes: list[type[_T]] = []
    for kind in _members(answers, hook):
        if not (isinstance(kind, type) and issubclass(kind, base)):
            raise TypeError(f"{hook} answered {kind!r}, which is not a subclass of {base.__name__}")
        if inspect.isabstract(kind):
            missing = ", ".join(sorted(getattr(kind, "__abstractmethods__", ())))
            raise TypeError(f"{kind.__qualname__} does not implement {missing}")
        name = getattr(kind, "name", None)
        if not isinstance(name, str) or not name:
            raise TypeError(f"{kind.__qualname__}.name is not a text")
        keys_of(getattr(kind, "options", type(None)))
        classes.append(kind)
    return classes


def _commands(answers: Iterable[object]) -> Sequence[click.Command]:
    commands: list[click.Command] = []
    for command in _members(answers, "pywharf_commands"):
        if not isinstance(command, click.Command) or not command.name:
            raise TypeError(f"pywharf_commands answered {command!r}, which is not a click command with a name")
        commands.append(command)
    return commands


def _members(answers: Iterable[object], hook: str) -> Iterable[object]:
    for answer in answers:
        if isinstance(answer, str) or not isinstance(answer, Iterable):
            raise TypeError(f"{hook} answered {answer!r}, which is not a list")
        yield from answer
