"""Commands that work on a configured repository: by the ROOT of a server, or by configuration files alone."""

from __future__ import annotations

import functools
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from pywharf_core.cli.given_path import GivenPath
from pywharf_core.cli.stopping import cleaned_up_on_sigterm
from pywharf_core.config import RepositoryConfiguration, load_configuration
from pywharf_core.config.wording import nearest
from pywharf_core.errors import ConfigurationError, WharfError
from pywharf_core.options import keys_of
from pywharf_core.plugins import Plugins
from pywharf_core.root import Root

if TYPE_CHECKING:
    from pywharf_core.configuration_in_force import NameRules
    from pywharf_core.repository import Repository
    from pywharf_core.wharf import Wharf

_R = TypeVar("_R")


@dataclass(frozen=True, slots=True)
class Source:
    """Where the configuration comes from: ``root``, or else ``config`` with, perhaps, ``admin_secret``."""

    root: Path | None
    config: Path | None
    admin_secret: Path | None

    @contextmanager
    def open(self, plugins: Plugins) -> Iterator[Wharf]:
        """All repositories, open.

        Below a ROOT they share the index of a server that may be running; without one the index lives only as long
        as this context.

        :raises ConfigurationError: nothing is configured, or wrongly.
        :raises WharfError: the ROOT is another user's.
        """
        # Here for start-up speed: SQLite and locks are a third of what `pywharf --help` would import.
        from pywharf_core.wharf import Wharf

        if self.root is not None:
            root = Root(self.root)
            _demand_own(root)
            configurations = _in_force(root, plugins)
            rules = self.name_rules()
            with Wharf.open(
                configurations,
                root,
                extra_index_url="" if rules is None else rules.extra_index_url,
                private=() if rules is None else rules.private,
            ) as wharf:
                yield wharf
            return
        configurations = self._from_files(plugins)
        with (
            tempfile.TemporaryDirectory(prefix="pywharf-") as folder,
            Wharf.open(configurations, Root(Path(folder))) as wharf,
        ):
            yield wharf

    @contextmanager
    def open_one(self, plugins: Plugins, name: str) -> Iterator[Repository]:
        """One repository, whose index knows what its storage has.

        :raises UsageError: none has this name.
        :raises StorageUnavailable: the storage was never read, and cannot be now.
        """
        with self.open_several(plugins, name) as (repository,):
            yield repository

    @contextmanager
    def open_several(self, plugins: Plugins, *names: str) -> Iterator[Sequence[Repository]]:
        """As ``open_one``, in the order of ``names``."""
        with self.open(plugins) as wharf:
            for name in names:
                if name not in wharf.repositories:
                    raise click.UsageError(
                        f"There is no repository {name!r}{nearest(name, wharf.repositories) or '.'} "
                        f"Configured: {', '.join(wharf.repositories)}."
                    )
            repositories = [wharf.repositories[name] for name in names]
            for repository in repositories:
                if repository.status().synchronised_at is None:
                    repository.synchronise()
            yield repositories

    def name_rules(self) -> NameRules | None:
        """What the server's own flags said of names when it last started; None: nobody knows."""
        # Here for start-up speed, as above.
        from pywharf_core.configuration_in_force import ConfigurationInForce

        if self.root is None or not (root := Root(self.root)).server_database.exists():
            return None
        return ConfigurationInForce(root).name_rules()

    def _from_files(self, plugins: Plugins) -> Mapping[str, RepositoryConfiguration]:
        config = self.config
        if config is None:
            raise click.UsageError("Give --root ROOT, or --config FILE.", click.get_current_context(silent=True))
        configurations = load_configuration(
            _read(config),
            None if self.admin_secret is None else _read(self.admin_secret),
            plugins,
            config_source=str(config),
            admin_secret_source=str(self.admin_secret),
        )
        problems = [
            f"{config}: [{name}] {key.name}: missing; without --root there is no default place"
            for name, configuration in configurations.items()
            for key in keys_of(type(configuration.storage_options))
            if key.under_root and getattr(configuration.storage_options, key.name) is None
        ]
        if problems:
            raise ConfigurationError(problems)
        return configurations


def on_configured_repositories(command: Callable[..., _R]) -> Callable[..., _R]:
    """Give a command the options ``--root``, ``--config``, ``--admin_secret``, and the argument ``source``."""
    path = GivenPath()

    @click.option(
        "--root", type=path, envvar="PYWHARF_ROOT", show_envvar=True, help="The ROOT of a server, running or not."
    )
    @click.option("--config", type=path, help="A configuration to use without a ROOT.")
    @click.option("--admin_secret", type=path, help="The admin secrets that belong to --config.")
    @functools.wraps(command)
    def with_source(*args: Any, root: Path | None, config: Path | None, admin_secret: Path | None, **kwargs: Any) -> _R:
        context = click.get_current_context()
        if root is not None and config is not None:
            if context.get_parameter_source("root") is ParameterSource.COMMANDLINE:
                raise click.UsageError("--root and --config exclude each other; give one of them.", context)
            root = None  # what is written on the command line wins over the environment
        if admin_secret is not None and config is None:
            raise click.UsageError("--admin_secret goes with --config.", context)
        if root is None and config is None:
            raise click.UsageError("Give --root ROOT (or set PYWHARF_ROOT), or --config FILE.", context)
        with cleaned_up_on_sigterm():
            return command(*args, source=Source(root, config, admin_secret), **kwargs)

    return with_source


def _demand_own(root: Root) -> None:
    """The superuser may write anywhere, and the server of another user could not use what it wrote there.

    :raises WharfError: this is the superuser, and pywharf's folders are another user's.
    """
    folder = root.index_database("any").parent  # made by pywharf; ROOT itself may be mounted, and anybody's
    if sys.platform == "win32" or os.geteuid() != 0 or not folder.is_dir() or folder.stat().st_uid == 0:
        return
    try:
        owner = folder.owner()
    except KeyError:  # known to another machine, such as a container
        owner = f"#{folder.stat().st_uid}"
    raise WharfError(
        f"{root.path} is of the user {owner}, whose server could not use what root writes there; run this as that user, "
        f"such as by `sudo -u '{owner}' pywharf …`."
    )


def _in_force(root: Root, plugins: Plugins) -> Mapping[str, RepositoryConfiguration]:
    """What a server of this ROOT uses, or would use if it started now."""
    # Here for start-up speed, as above.
    from pywharf_core.configuration_in_force import ConfigurationInForce

    if root.server_database.exists():
        row = ConfigurationInForce(root).read()
        if row is not None:
            return load_configuration(row.config, row.admin_secret, plugins)
    if root.path.exists() and not root.path.is_dir():
        raise ConfigurationError(
            [f"{root.path} is no folder; name the ROOT of a server, or make one by `pywharf init`."]
        )
    if not root.config_file.exists():
        raise ConfigurationError(
            [f"{root.path} holds no configuration; make one by `pywharf init {root.path}`, or name another ROOT."]
        )
    return load_configuration(
        _read(root.config_file),
        _read(root.admin_secret_file) if root.admin_secret_file.exists() else None,
        plugins,
        config_source=str(root.config_file),
        admin_secret_source=str(root.admin_secret_file),
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError([f"{path}: cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError([f"{path}: is not UTF-8 text (byte {error.start})"]) from error
