"""Find, load, switch off and blame plugins; after this, plugins are typed values."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType

import click
from packaging.utils import canonicalize_name

from pywharf_core import hookspecs
from pywharf_core.auth import AuthType
from pywharf_core.change_hooks import ChangeHooks, Implementation
from pywharf_core.errors import PluginError
from pywharf_core.plugin_answers import PluginSource, ask
from pywharf_core.storage import StorageType

DISABLE_VARIABLE = "PYWHARF_DISABLE_PLUGINS"

#: How to get the plugins that pywharf itself publishes, by plugin name.
INSTALL_LINES: Mapping[str, str] = {
    "file_system": "pip install pywharf-filesystem",
    "github": "pip install 'pywharf[github]'",
    "server": "pip install pywharf",
}


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
    """A plugin that was set aside; ``error`` is the reason in one line.

    :ivar version: of the distribution; "": unknown.
    """

    name: str
    distribution: str
    error: str
    version: str = ""

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
        return _collect([PluginSource(_object_name(plugin), "this process", "", _loaded(plugin)) for plugin in plugins])


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
        [PluginSource(entry.name, _distribution(entry), _version(entry), entry.load) for entry in distinct],
        disabled=[name for name in known if name in disabled],
        warnings=warnings,
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


def _collect(sources: Iterable[PluginSource], *, disabled: Sequence[str] = (), warnings: Sequence[str] = ()) -> Plugins:
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
            answers = ask(source)
        except PluginError:
            raise
        except (Exception, SystemExit) as error:  # whatever a stranger's module does; named and set aside
            broken[source.name] = BrokenPlugin(source.name, source.distribution, _one_line(error), source.version)
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
