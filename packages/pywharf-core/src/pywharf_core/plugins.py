"""Find, load, check, switch off and blame plugins; after this, plugins are typed values.

Each plugin is registered with a pluggy manager of its own: a broken one leaves nothing behind, and every answer has
an owner who can be named.
"""

from __future__ import annotations

import difflib
import inspect
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import TypeVar

import click
import pluggy
from packaging.utils import canonicalize_name

from pywharf_core import hookspecs
from pywharf_core.auth import AuthType
from pywharf_core.change_hooks import PUBLISHED, REFUSE, REMOVED, ChangeHooks, Implementation
from pywharf_core.errors import PluginError
from pywharf_core.options import keys_of
from pywharf_core.storage import StorageType

DISABLE_VARIABLE = "PYWHARF_DISABLE_PLUGINS"

#: The version of the storage contract that this core speaks.
CONTRACT = 1

#: How to get the plugins that pywharf itself publishes, by plugin name.
INSTALL_LINES: Mapping[str, str] = {
    "file_system": "pip install pywharf-filesystem",
    "github": "pip install 'pywharf[github]'",
    "server": "pip install pywharf",
}

_HOOKS = tuple(name for name in vars(hookspecs) if name.startswith("pywharf_"))

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class InstalledPlugin:
    """A plugin that works.

    :ivar provides: such as ``storage type file_system``, ``command server``, ``hook pywharf_refuse_upload``.
    """

    name: str
    distribution: str
    version: str
    provides: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BrokenPlugin:
    """A plugin that was set aside; ``error`` is the reason in one line."""

    name: str
    distribution: str
    error: str

    def __str__(self) -> str:
        return f"The plugin {self.name} of {self.distribution} is broken: {self.error}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugins:
    """All that plugins bring.

    :ivar command_owners: the plugin's name by the name of its command, ``-`` written as ``_``.
    :ivar change_hooks: what plugins say of changes, and are told.
    :ivar disabled: names of installed plugins that were switched off.
    :ivar warnings: sentences for the operator.
    """

    storage_types: Mapping[str, type[StorageType]] = field(default_factory=dict)
    auth_types: Mapping[str, type[AuthType]] = field(default_factory=dict)
    commands: Sequence[click.Command] = ()
    command_owners: Mapping[str, InstalledPlugin] = field(default_factory=dict)
    change_hooks: ChangeHooks = field(default_factory=ChangeHooks)
    installed: Sequence[InstalledPlugin] = ()
    broken: Mapping[str, BrokenPlugin] = field(default_factory=dict)
    disabled: Sequence[str] = ()
    warnings: Sequence[str] = ()

    @classmethod
    def of(cls, *plugins: object) -> Plugins:
        """Plugins made from modules or objects at hand, without entry points.

        :raises PluginError: they contradict each other, or one has a hook that does not exist.
        """
        return _collect([_Source(_object_name(plugin), "this process", "", _loaded(plugin)) for plugin in plugins])


def load_plugins(*, disabled: Collection[str] | None = None) -> Plugins:
    """Everything that is installed in the entry-point group ``pywharf``.

    :param disabled: names of plugins that are not loaded; None: as ``PYWHARF_DISABLE_PLUGINS=name,...`` says.
    :raises PluginError: two plugins claim one name, or one has a hook that does not exist.
    """
    if disabled is None:
        disabled = [name.strip() for name in os.environ.get(DISABLE_VARIABLE, "").split(",") if name.strip()]
    found = sorted(entry_points(group=hookspecs.GROUP), key=lambda entry_point: entry_point.name)
    known = sorted({entry_point.name for entry_point in found})
    warnings = [
        f"{DISABLE_VARIABLE} names the plugin {name}, which is not installed; known: {', '.join(known)}."
        for name in disabled
        if name not in known
    ]
    distinct = _distinct(entry_point for entry_point in found if entry_point.name not in disabled)
    return _collect(
        [_Source(entry.name, _distribution(entry), _version(entry), entry.load) for entry in distinct],
        disabled=[name for name in known if name in disabled],
        warnings=warnings,
    )


@dataclass(frozen=True, slots=True)
class _Source:
    name: str
    distribution: str
    version: str
    load: Callable[[], object]


@dataclass(frozen=True, slots=True)
class _Answers:
    storage_types: Sequence[type[StorageType]]
    auth_types: Sequence[type[AuthType]]
    commands: Sequence[click.Command]
    change_hooks: Mapping[str, Callable[..., object]]

    def provides(self) -> tuple[str, ...]:
        return (
            *(f"storage type {kind.name}" for kind in self.storage_types),
            *(f"auth type {kind.name}" for kind in self.auth_types),
            *(f"command {command.name}" for command in self.commands),
            *(f"hook {name}" for name in self.change_hooks),
        )


def _distinct(found: Iterable[EntryPoint]) -> Sequence[EntryPoint]:
    """One entry point per name. The same distribution found twice on the path (installed, and as a folder) is one."""
    by_name: dict[str, EntryPoint] = {}
    for entry_point in found:
        first = by_name.setdefault(entry_point.name, entry_point)
        one, other = _distribution(first), _distribution(entry_point)
        if canonicalize_name(one) != canonicalize_name(other):
            raise PluginError(
                f"Both {one} and {other} have a plugin named {entry_point.name}; uninstall one of them, "
                f"or switch both off by {DISABLE_VARIABLE}={entry_point.name}."
            )
    return list(by_name.values())


def _collect(sources: Iterable[_Source], *, disabled: Sequence[str] = (), warnings: Sequence[str] = ()) -> Plugins:
    storage_types: dict[str, type[StorageType]] = {}
    auth_types: dict[str, type[AuthType]] = {}
    commands: dict[str, click.Command] = {}
    command_owners: dict[str, InstalledPlugin] = {}
    change_hooks: dict[str, list[Implementation]] = {}
    installed: list[InstalledPlugin] = []
    broken: dict[str, BrokenPlugin] = {}
    owners: dict[str, str] = {}
    for source in sources:
        try:
            answers = _ask(source)
        except PluginError:
            raise
        except (Exception, SystemExit) as error:  # whatever a stranger's module does; named and set aside
            broken[source.name] = BrokenPlugin(source.name, source.distribution, _one_line(error))
            continue
        plugin = InstalledPlugin(source.name, source.distribution, source.version, answers.provides())
        for hook, call in answers.change_hooks.items():
            change_hooks.setdefault(hook, []).append(Implementation(source.name, source.distribution, call))
        for provided in plugin.provides:
            if provided.startswith("hook "):
                continue  # which many may implement
            _claim(owners, provided.replace("-", "_") if provided.startswith("command ") else provided, plugin)
        installed.append(plugin)
        storage_types.update((kind.name, kind) for kind in answers.storage_types)
        auth_types.update((kind.name, kind) for kind in answers.auth_types)
        for command in answers.commands:
            commands[str(command.name)] = command
            command_owners[str(command.name).replace("-", "_")] = plugin
    return Plugins(
        storage_types=storage_types,
        auth_types=auth_types,
        commands=list(commands.values()),
        command_owners=command_owners,
        change_hooks=ChangeHooks(change_hooks),
        installed=installed,
        broken=broken,
        disabled=disabled,
        warnings=[*warnings, *(str(plugin) for plugin in broken.values())],
    )


def _claim(owners: dict[str, str], what: str, plugin: InstalledPlugin) -> None:
    who = f"the plugin {plugin.name} of {plugin.distribution}"
    if what in owners:
        raise PluginError(f"Both {owners[what]} and {who} bring the {what}; uninstall one, or set {DISABLE_VARIABLE}.")
    owners[what] = who


def _ask(source: _Source) -> _Answers:
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
    return _Answers(storage_types, auth_types, _commands(asked.pywharf_commands()), implemented)


def _check_hook_names(plugin: object, source: _Source) -> None:
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


def _one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _distribution(entry_point: EntryPoint) -> str:
    return entry_point.dist.name if entry_point.dist is not None else "an unknown distribution"


def _version(entry_point: EntryPoint) -> str:
    return entry_point.dist.version if entry_point.dist is not None else ""


def _object_name(plugin: object) -> str:
    return plugin.__name__.rpartition(".")[2] if isinstance(plugin, ModuleType | type) else type(plugin).__name__


def _loaded(plugin: object) -> Callable[[], object]:
    return lambda: plugin
