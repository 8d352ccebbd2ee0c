"""``pywharf update_index``: for a backend's own service, such as a workflow, that has no ROOT and no configuration."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pywharf_core.cli.alike import plain
from pywharf_core.cli.given_secret import given_secret
from pywharf_core.cli.json_flag import print_json
from pywharf_core.cli.stopping import cleaned_up_on_sigterm
from pywharf_core.config import RepositoryConfiguration
from pywharf_core.config.toml_table import TomlTable
from pywharf_core.config.wording import nearest, one_of
from pywharf_core.errors import ConfigurationError
from pywharf_core.options import Key, Kind, keys_of
from pywharf_core.plugins import INSTALL_LINES, Plugins
from pywharf_core.root import Root
from pywharf_core.secret import Secret
from pywharf_core.secret_parameter import SECRET
from pywharf_core.storage import StorageType

if TYPE_CHECKING:
    from pywharf_core.index.remote_rebuild import RebuildReport

_EPILOG = "Example: pywharf update_index github packages --owner acme --repo packages --secret_env TOKEN"


def update_index_command(plugins: Plugins) -> click.Command:
    """The command, whose flags are those of all installed types of storage."""
    return click.Command(
        "update_index",
        callback=click.pass_obj(_update_index),
        params=[
            click.Argument(["type"]),
            click.Argument(["name"]),
            click.Option(["--secret"], type=SECRET, help="The secret to read and write with; - for standard input."),
            click.Option(["--secret_env"], metavar="VARIABLE", help="The environment variable that holds the secret."),
            *_flags(plugins),
            click.Option(["--json", "as_json"], is_flag=True, help="Print JSON."),
        ],
        help="""Bring a remote index in line with what is published.

        It says what changed. The flags below --secret_env are the options of the types of storage; those that TYPE does
        not know are refused. A storage without a remote index: there is nothing to do, and the status is 0.
        """,
        epilog=_EPILOG,
    )


def _flags(plugins: Plugins) -> Iterator[click.Option]:
    known: dict[str, tuple[Key, list[str]]] = {}
    for type_name, storage_type in sorted(plugins.storage_types.items()):
        for key in keys_of(storage_type.options):
            for spelling in key.spellings:
                known.setdefault(spelling, (key, []))[1].append(type_name)
    for spelling, (key, types) in known.items():
        if spelling not in ("type", "name", "secret", "secret_env", "json"):
            yield _flag(spelling, key, types)


def _flag(spelling: str, key: Key, types: Sequence[str]) -> click.Option:
    text = f"{', '.join(types)}: {key.help[:1].lower()}{key.help[1:]}."
    names = [f"--{spelling}", f"option_{spelling}"]
    if key.kind is Kind.BOOLEAN:
        return click.Option([f"--{spelling}/--no_{spelling}", names[1]], default=None, help=text)
    kinds: Mapping[Kind, click.ParamType | type] = {  # type: ignore[type-arg]  # generic in newer versions of click only
        Kind.INTEGER: click.INT,
        Kind.NUMBER: click.FLOAT,
    }
    value = kinds.get(key.kind, click.Choice(key.choices) if key.choices else click.STRING)
    return click.Option(names, type=value, multiple=key.kind is Kind.TEXTS, default=None, help=text)


def _update_index(
    plugins: Plugins,
    type: str,
    name: str,
    secret: Secret | None,
    secret_env: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    # Here for start-up speed: `pywharf --help` needs no storage and no index.
    from pywharf_core.remote_changes import update_index
    from pywharf_core.wharf import Wharf

    storage_type = _storage_type(plugins, type)
    given = {spelling.removeprefix("option_"): value for spelling, value in options.items() if value not in (None, ())}
    configuration = RepositoryConfiguration(
        name=name.lower(),
        storage_type=storage_type(),
        storage_options=_options(storage_type, name, given),
        auth_type=None,
        auth_options=None,
        max_file_bytes=storage_type.max_file_bytes,
        admin_secret=given_secret(secret, secret_env),
    )
    with cleaned_up_on_sigterm(), tempfile.TemporaryDirectory(prefix="pywharf-") as folder:
        root = Root(Path(folder))
        with Wharf.open({configuration.name: configuration}, root) as wharf:
            report = update_index(wharf.repositories[configuration.name])
    _say(report, name, storage_type.name, as_json=as_json)


def _storage_type(plugins: Plugins, written: str) -> type[StorageType]:
    for name, storage_type in plugins.storage_types.items():
        if plain(name) == plain(written):
            return storage_type
    if plain(written) in INSTALL_LINES:
        raise click.UsageError(f"The type {written} is not installed; get it by {INSTALL_LINES[plain(written)]}")
    known = sorted(plugins.storage_types)
    raise click.UsageError(f"There is no type {written!r}; expected {one_of(known)}{nearest(written, known) or '.'}")


def _options(storage_type: type[StorageType], name: str, given: Mapping[str, Any]) -> object:
    problems: list[str] = []
    values = {spelling: list(value) if isinstance(value, tuple) else value for spelling, value in given.items()}
    table = TomlTable("command line", name, values, problems)
    options: object = table.options(storage_type.options)
    table.close()
    if problems:
        raise ConfigurationError(problems)
    return options


def _say(report: RebuildReport | None, name: str, type_name: str, *, as_json: bool) -> None:
    if as_json:
        print_json(None if report is None else dataclasses.asdict(report))
        return
    if report is None:
        click.echo(f"A storage of type {type_name} keeps no remote index; there is nothing to do.")
        return
    for refused in report.refused:
        click.echo(f"{refused.filename}: {refused.reason}", err=True)
    counts = (report.added, report.changed, report.removed)
    if any(counts):
        click.echo("The remote index of {}: {} added, {} changed, {} removed.".format(name, *counts))
    else:
        click.echo(f"The remote index of {name} was in line already.")
