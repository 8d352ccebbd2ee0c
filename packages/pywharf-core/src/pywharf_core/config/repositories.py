"""The tables of ``--config``: each becomes a ``RepositoryConfiguration`` that nobody needs to check again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal

from pywharf_core.auth import AuthType
from pywharf_core.change_hooks import ChangeHooks
from pywharf_core.config.toml_table import TomlTable, parse_tables
from pywharf_core.config.trusted_publishers import TrustedPublisher, is_trusted_root, read_trusted_publishers
from pywharf_core.config.values import is_plain_url, is_project_glob
from pywharf_core.config.wording import nearest, one_of
from pywharf_core.options import keys_of, option
from pywharf_core.plugins import DISABLE_VARIABLE, INSTALL_LINES, Plugins
from pywharf_core.secret import Secret
from pywharf_core.storage import StorageType

_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?\Z")
_MAX_NAME_CHARACTERS = 100  # it is part of file names under ROOT

#: The value of `auth` that means ``Storage.access``.
STORAGE_AUTH = "storage"


@dataclass(frozen=True, kw_only=True, slots=True)
class RepositoryConfiguration:
    """One package repository as configured.

    :ivar storage_options: an instance of ``storage_type.options``.
    :ivar auth_type: None: the storage's own ``access()`` decides.
    :ivar auth_options: an instance of ``auth_type.options``.
    :ivar sync_index_interval: seconds.
    :ivar private: globs of project names, as written.
    :ivar extra_index_url: None: the server's; "": off.
    :ivar trust_root: None: the public sigstore instance's.
    :ivar change_hooks: what plugins say of changes, and are told.
    """

    name: str
    storage_type: StorageType
    storage_options: object
    auth_type: AuthType | None
    auth_options: object | None
    max_file_bytes: int
    sync_index_interval: float = 60.0
    anonymous_read: bool = False
    private: tuple[str, ...] = ()
    extra_index_url: str | None = None
    namespaces: bool = False
    webhook_secret: Secret | None = None
    index_updates: Literal["server", "service"] = "server"
    trust_root: Path | None = None
    trusted_publishers: tuple[TrustedPublisher, ...] = ()
    required_plugins: tuple[str, ...] = ()
    change_hooks: ChangeHooks = field(default_factory=ChangeHooks, compare=False, repr=False)
    admin_secret: Secret | None = None


def _is_index_url(url: str) -> bool:
    return not url or is_plain_url(url, "http", "https")


@dataclass(frozen=True, kw_only=True, slots=True)
class CommonOptions:
    """The keys that every repository has, beside ``type`` and ``auth``."""

    max_file_bytes: int | None = option(
        "The largest file that is accepted, in bytes; each type has its own default",
        default=None,
        minimum=1,
        expected="a number of bytes",
        example="5368709119",
    )
    sync_index_interval: float = option(
        "Seconds between two synchronisations with the storage",
        default=60.0,
        expected="a number of seconds above 0",
        example="60",
        check=lambda seconds: seconds > 0,
    )
    anonymous_read: bool = option("Whether reading needs no secret", default=False)
    private: tuple[str, ...] = option(
        "Names of projects, or globs of them, that never fall through to the extra index",
        default=(),
        expected="a list of project names or globs of them",
        example='["acme-*"]',
        check=lambda globs: all(map(is_project_glob, globs)),
    )
    extra_index_url: str | None = option(
        "Where a project that is not here is looked for; empty: nowhere; absent: as the server says",
        default=None,
        expected='the http or https URL of a simple index, without credentials, or "" for none',
        check=_is_index_url,
    )
    namespaces: bool = option("Whether pages tell of namespaces", default=False)
    webhook_secret: Secret | None = option(
        "The secret that signs the storage's notices; without it none are taken", default=None, must_be_readable=True
    )
    index_updates: Literal["server", "service"] = option(
        "Who writes the remote index, where the storage keeps one: this server, with the admin secret, or the backend's "
        "own service, such as a workflow",
        default="server",
    )
    trust_root: Path | None = option(
        "A sigstore trusted root, as a JSON file, by which attestations are verified; absent: the public instance's",
        default=None,
        expected="the path of a sigstore trusted root in JSON",
        example='"/etc/pywharf/trusted_root.json"',
        check=is_trusted_root,
    )
    required_plugins: tuple[str, ...] = option(
        "Plugins without which the repository is not served, such as one that refuses uploads",
        default=(),
        expected="a list of names of plugins",
        example='["policy"]',
    )


def read_repositories(text: str, source: str, plugins: Plugins, problems: list[str]) -> Mapping[str, ReadTable]:
    """All tables by lower-case name; what is wrong is appended to ``problems``."""
    tables = parse_tables(text, source, problems)
    if not tables and not problems:
        problems.append(f'{source}: no repository; expected a table for each, such as [local] and type = "file_system"')
    repositories: dict[str, ReadTable] = {}
    for table in tables.values():
        name = table.name.lower()
        if not _NAME.match(name) or len(name) > _MAX_NAME_CHARACTERS:
            table.problem(
                "is no name for a repository: it starts and ends with a letter or digit, and holds only letters, "
                f"digits and . _ - between, at most {_MAX_NAME_CHARACTERS} in all"
            )
        elif name in repositories:
            table.problem(f"is the same repository as [{repositories[name].written}]: names are kept lower-case")
            continue
        repositories[name] = _repository(name, table, plugins)
    return repositories


@dataclass(frozen=True, slots=True)
class ReadTable:
    """What could be read of one table.

    :ivar written: the table's name as written.
    :ivar type: the value of ``type``, if it is a text.
    :ivar configuration: None after a problem.
    """

    written: str
    type: str | None
    configuration: RepositoryConfiguration | None


def _repository(name: str, table: TomlTable, plugins: Plugins) -> ReadTable:
    trusted_publishers = read_trusted_publishers(table)
    if table.refuse_tables_inside():
        return ReadTable(table.name, None, None)
    storage_type = _storage_type(table, plugins)
    common: CommonOptions | None = table.options(CommonOptions)
    for name_of_plugin in common.required_plugins if common is not None else ():
        if reason := _why_not_working(name_of_plugin, plugins):
            table.problem(f"required_plugins: {reason}")
    type_name = table.raw("type")
    type_name = type_name if isinstance(type_name, str) else None
    if storage_type is None:
        return ReadTable(table.name, type_name, None)  # its keys cannot be judged
    auth_name = table.raw("auth")
    auth_name = storage_type.auth if auth_name is None else auth_name
    auth_type = _auth_type(auth_name, table, plugins)
    storage_options = table.options(storage_type.options)
    auth_options = table.options(auth_type.options) if auth_type is not None else None
    if auth_type is not None or auth_name == STORAGE_AUTH:
        table.close(_keys_of_other_auth_types(plugins))
    if common is None or storage_options is None or (auth_type is not None and auth_options is None):
        return ReadTable(table.name, type_name, None)
    values = {field.name: getattr(common, field.name) for field in fields(CommonOptions)}
    if common.max_file_bytes is None:
        values["max_file_bytes"] = storage_type.max_file_bytes
    configuration = RepositoryConfiguration(
        name=name,
        storage_type=storage_type(),
        storage_options=storage_options,
        auth_type=auth_type() if auth_type is not None else None,
        auth_options=auth_options,
        trusted_publishers=trusted_publishers,
        change_hooks=plugins.change_hooks,
        **values,
    )
    return ReadTable(table.name, type_name, configuration)


def _storage_type(table: TomlTable, plugins: Plugins) -> type[StorageType] | None:
    name = table.raw("type")
    known = sorted(plugins.storage_types)
    if name is None:
        table.problem(f"type: missing; expected {_known_types(known)}")
        return None
    if isinstance(name, str) and name in plugins.storage_types:
        return plugins.storage_types[name]
    if isinstance(name, str) and (reason := _why_absent(name, plugins)):
        table.problem(f'type = "{name}": {reason}')
    else:
        near = nearest(name, [*known, *_INSTALLABLE_TYPES]) if isinstance(name, str) else ""
        table.wrong("type", f"{_known_types(known)}{near}")
    return None


_INSTALLABLE_TYPES = ("file_system", "github")


def _known_types(known: Sequence[str]) -> str:
    return one_of(known) if known else "a type of storage, but none is installed"


def _why_absent(plugin: str, plugins: Plugins) -> str | None:
    """Why something of the plugin ``plugin`` is not there, where that is known."""
    if plugin in plugins.broken:
        broken = plugins.broken[plugin]
        return f"the plugin {plugin} of {broken.distribution} is broken: {broken.error}"
    if plugin in plugins.disabled:
        return f"the plugin {plugin} is switched off by {DISABLE_VARIABLE}"
    if plugin in _INSTALLABLE_TYPES:
        return f"not installed; get it by {INSTALL_LINES[plugin]}"
    return None


def _why_not_working(plugin: str, plugins: Plugins) -> str | None:
    """Why a plugin that the configuration needs does not work; None: it does."""
    installed = [working.name for working in plugins.installed]
    if plugin in installed:
        return None
    if plugin not in plugins.broken and plugin not in plugins.disabled:
        line = f"; get it by {INSTALL_LINES[plugin]}" if plugin in INSTALL_LINES else nearest(plugin, installed)
        return f"the plugin {plugin} is not installed{line}"
    return _why_absent(plugin, plugins)


def _auth_type(name: object, table: TomlTable, plugins: Plugins) -> type[AuthType] | None:
    if name == STORAGE_AUTH:
        return None
    if isinstance(name, str) and name in plugins.auth_types:
        return plugins.auth_types[name]
    known = [STORAGE_AUTH, *sorted(plugins.auth_types)]
    if isinstance(name, str) and (reason := _why_absent(name, plugins)):
        table.problem(f'auth = "{name}": {reason}')
    elif "auth" in table:
        table.wrong("auth", one_of(known) + (nearest(name, known) if isinstance(name, str) else ""))
    else:
        table.problem(f'auth: this type of storage wants "{name}", which is not there; expected {one_of(known)}')
    return None


def _keys_of_other_auth_types(plugins: Plugins) -> Mapping[str, str]:
    return {
        spelling: f'means something only with auth = "{name}"; set that, or leave the key out'
        for name, auth_type in plugins.auth_types.items()
        for key in keys_of(auth_type.options)
        for spelling in key.spellings
    }
