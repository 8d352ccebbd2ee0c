"""``pywharf import``: packages from folders, files, other servers' stores and other indexes into a repository."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from pywharf_core.cli.given_secret import given_secret
from pywharf_core.cli.json_flag import JSON_FLAG
from pywharf_core.cli.repositories import Source as Configured
from pywharf_core.cli.repositories import on_configured_repositories
from pywharf_core.cli.stopping import stoppable
from pywharf_core.cli.transferring import carry_out, transfer_flags
from pywharf_core.clock import Clock
from pywharf_core.errors import SourceUnusable
from pywharf_core.plugins import Plugins
from pywharf_core.secret import Secret
from pywharf_core.secret_parameter import SECRET

if TYPE_CHECKING:
    from pywharf_core.transfer.offers import Source

_KINDS = ("auto", "folder", "pypiserver", "devpi", "export", "index")

_EPILOG = """Examples:

\b
pywharf import local dist/ --root ROOT
pywharf import local --from_file wheels.txt --root ROOT
pywharf import local /srv/pypiserver --kind pypiserver --root ROOT
pywharf import local devpi-export/ --index alice/prod --root ROOT
pywharf import local BACKUP --root ROOT
pywharf import local https://old.example.com/simple/ --project 'acme-*' --root ROOT
"""


@click.command("import", epilog=_EPILOG)
@click.argument("name")
@click.argument("paths", metavar="PATH|URL...", nargs=-1)
@click.option(
    "--from_file",
    "lists",
    type=click.File(encoding="utf-8"),
    multiple=True,
    help="A list of paths, one per line; - for standard input.",
)
@click.option(
    "--kind", type=click.Choice(_KINDS), default="auto", help="What the paths are; without it, what they look like."
)
@click.option("--index", "indexes", metavar="USER/INDEX", multiple=True, help="devpi: the index to import.")
@click.option("--username", help="index: the name to log in with, such as __token__.")
@click.option("--secret", type=SECRET, help="index: the secret to read with; - for standard input.")
@click.option("--secret_env", metavar="VARIABLE", help="index: the environment variable that holds the secret.")
@transfer_flags
@on_configured_repositories
@JSON_FLAG
@click.pass_obj
def import_packages(
    plugins: Plugins,
    source: Configured,
    name: str,
    paths: Sequence[str],
    lists: Sequence[IO[str]],
    kind: str,
    indexes: Sequence[str],
    username: str | None,
    secret: Secret | None,
    secret_env: str | None,
    projects: Sequence[str],
    jobs: int | None,
    max_wait: float,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Publish packages that lie elsewhere.

    They are taken from folders and files, from the store of a pypiserver, from an export of devpi or pywharf, or from
    another index.

    Each file is checked and published as an upload is, except those of an export of pywharf, which come back as they
    were. What is there already is left alone, so the same command goes on after an interruption. Exit status 1 if a file
    was refused, or none was found.
    """
    # Here for start-up speed: `pywharf --help` needs no storage and no index.
    from pywharf_core.transfer.whole import Order

    places = [*paths, *(line for file in lists for line in _lines(file))]
    if "" in places:
        raise click.UsageError("A path is empty; give another one, or . for the working folder.")
    if not places:
        raise click.UsageError("Name what to import: folders, files, or the URL of an index.")
    kind = _kind_of(places, kind)
    _check_flags(kind, indexes=indexes, has_login=any((username, secret, secret_env)), projects=projects)
    opening = {
        "index": lambda: _index(places, projects, max_wait, username, given_secret(secret, secret_env)),
        "devpi": lambda: _devpi(places, projects, indexes),
        "export": lambda: _export(places, projects),
    }.get(kind, lambda: _files(places, projects, of_pypiserver=kind == "pypiserver"))()
    with stoppable(Clock()) as stopping, source.open_one(plugins, name) as target:
        if target.storage.keeps_index:
            target.synchronise()  # what others published meanwhile need not be sent again
        carry_out(
            opening,
            target,
            Order(jobs=jobs, dry_run=dry_run),
            source,
            stopping,
            max_wait=max_wait,
            label="Importing",
            verb="imported",
            as_json=as_json,
        )


def _lines(file: IO[str]) -> Sequence[str]:
    try:
        lines = [line.strip() for line in file]
    except UnicodeDecodeError as error:
        raise click.UsageError(f"The list {file.name} is not UTF-8 text (byte {error.start}).") from error
    return [line for line in lines if line and not line.startswith("#")]


def _kind_of(places: Sequence[str], kind: str) -> str:
    """:raises UsageError: the places are not all of the one kind."""
    # Here for start-up speed, as above.
    from pywharf_core.transfer.offers import without_credentials

    urls = [place for place in places if place.lower().startswith(("http://", "https://"))]
    if urls and (len(places) > 1 or kind not in ("auto", "index")):
        raise click.UsageError("Another index is imported by its URL alone, with the kind index; give nothing else.")
    if urls:
        return "index"
    if kind == "index":
        said = without_credentials(places[0])
        raise click.UsageError(f"{said} is not the address of an index; it should begin with https:// or http://.")
    missing = next((place for place in places if not Path(place).exists()), None)
    if missing is not None:
        said = without_credentials(missing)
        raise click.UsageError(f"{said} does not exist; name a folder, a file, or the URL of an index.")
    if kind == "auto":
        kind = next((looks for place in places if (looks := _looks_like(Path(place))) != "folder"), "folder")
    if kind in ("devpi", "export") and len(places) > 1:
        raise click.UsageError("What devpi or pywharf exported is imported by its folder alone; give nothing else.")
    return kind


def _looks_like(path: Path) -> str:
    # Here for start-up speed, as above.
    from pywharf_core.transfer.devpi import is_devpi_export
    from pywharf_core.transfer.exported import is_export

    if is_devpi_export(path):
        return "devpi"
    return "export" if is_export(path) else "folder"


def _check_flags(kind: str, *, indexes: Sequence[str], has_login: bool, projects: Sequence[str]) -> None:
    if indexes and kind != "devpi":
        raise click.UsageError("--index goes with an export of devpi.")
    if has_login and kind != "index":
        raise click.UsageError("--username and --secret go with the URL of an index.")
    if kind == "index" and not projects:
        raise click.UsageError(
            "Which projects of the index? Name them by --project, which may be a glob; --project '*' means all that it has, "
            "which can be very many."
        )


def _files(places: Sequence[str], projects: Sequence[str], *, of_pypiserver: bool) -> Callable[[Clock], Source]:
    # Here for start-up speed, as above.
    from pywharf_core.project_choice import ProjectChoice
    from pywharf_core.transfer.folder import FolderSource

    paths = [Path(place) for place in places]
    return lambda _: FolderSource(paths, projects=ProjectChoice(projects), of_pypiserver=of_pypiserver)


def _devpi(places: Sequence[str], projects: Sequence[str], indexes: Sequence[str]) -> Callable[[Clock], Source]:
    # Here for start-up speed, as above.
    from pywharf_core.project_choice import ProjectChoice
    from pywharf_core.transfer.devpi import DevpiExport

    return lambda _: DevpiExport(Path(places[0]), indexes=indexes, projects=ProjectChoice(projects))


def _export(places: Sequence[str], projects: Sequence[str]) -> Callable[[Clock], Source]:
    # Here for start-up speed, as above.
    from pywharf_core.project_choice import ProjectChoice
    from pywharf_core.transfer.exported import ExportedPackages

    return lambda _: ExportedPackages(Path(places[0]), projects=ProjectChoice(projects))


def _index(
    places: Sequence[str], projects: Sequence[str], max_wait: float, username: str | None, secret: Secret | None
) -> Callable[[Clock], Source]:
    try:
        # Here for start-up speed: it brings an HTTP client and two parsers, which may not be installed either.
        from pywharf_core.transfer.web import Web
        from pywharf_core.transfer.web_index import WebIndex
    except ImportError as error:
        raise SourceUnusable(
            "Importing from another index needs pypi-simple, which is not installed; get it by "
            "`pip install 'pywharf-core[import]'`."
        ) from error
    # Here for start-up speed, as above.
    from pywharf_core.patience import Patience
    from pywharf_core.project_choice import ProjectChoice

    web = Web(places[0], username=username, secret=secret)
    return lambda clock: WebIndex(web, projects=ProjectChoice(projects), patience=Patience(clock, max_wait))
