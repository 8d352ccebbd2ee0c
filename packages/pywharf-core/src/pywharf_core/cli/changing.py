"""``pywharf yank``, ``delete`` and ``set_status``: they change what is published, also beside a running server."""

from __future__ import annotations

from collections.abc import Sequence

import click
from packaging.utils import NormalizedName

from pywharf_core.cli.json_flag import JSON_FLAG, print_json
from pywharf_core.cli.nearest_release import nearest_named
from pywharf_core.cli.project_name import project_name
from pywharf_core.cli.repositories import Source, on_configured_repositories
from pywharf_core.filenames import parse_filename
from pywharf_core.model import DistributionFile, ProjectStatus
from pywharf_core.plugins import Plugins


@click.command("yank", epilog="Example: pywharf yank local holygrail==1.0 --reason 'Loses data' --root ROOT")
@click.argument("name")
@click.argument("release", metavar="PROJECT==VERSION")
@click.option("--reason", default="", help="What installers show; may be empty.")
@click.option("--undo", is_flag=True, help="Take the mark away.")
@on_configured_repositories
@JSON_FLAG
@click.pass_obj
def yank(plugins: Plugins, source: Source, name: str, release: str, reason: str, undo: bool, as_json: bool) -> None:
    """Mark a release so that installers pass it over.

    Its files stay listed and can be downloaded; who pins this very version still gets it.
    """
    # Here for start-up speed: `pywharf --help` needs no storage and no index.
    from pywharf_core import changes

    if undo and reason:
        raise click.UsageError("--undo takes no --reason.")
    project, version = _release(release)
    with source.open_one(plugins, name) as repository, nearest_named(repository, project, version):
        files = changes.yank(repository, project, version, None if undo else reason)
    _say(files, "unyanked" if undo else "yanked", as_json=as_json)


@click.command("delete", epilog="Example: pywharf delete local holygrail==1.0 --root ROOT")
@click.argument("name")
@click.argument("what", metavar="PROJECT==VERSION|FILENAME")
@on_configured_repositories
@JSON_FLAG
@click.pass_obj
def delete(plugins: Plugins, source: Source, name: str, what: str, as_json: bool) -> None:
    """Delete a release, or one file, for good.

    A deleted filename can only come back with the same content, and its project's name is never answered by the extra
    index.
    """
    # Here for start-up speed, as above.
    from pywharf_core import changes

    if "==" in what:
        project, version = _release(what)
        with source.open_one(plugins, name) as repository, nearest_named(repository, project, version):
            files = changes.delete(repository, project, version=version)
    else:
        parse_filename(what)  # for its sentence
        with source.open_one(plugins, name) as repository:
            files = changes.delete(repository, None, filename=what)
    _say(files, "deleted", as_json=as_json)


@click.command(
    "set_status", epilog="Example: pywharf set_status local holygrail archived --reason 'See grail' --root ROOT"
)
@click.argument("name")
@click.argument("project")
@click.argument("status", type=click.Choice([status.value for status in ProjectStatus]))
@click.option("--reason", help="Shown with the status.")
@on_configured_repositories
@JSON_FLAG
@click.pass_obj
def set_status(
    plugins: Plugins, source: Source, name: str, project: str, status: str, reason: str | None, as_json: bool
) -> None:
    """Set a project's status marker (PEP 792).

    Archived and quarantined projects take no uploads; quarantined ones offer no files.
    """
    # Here for start-up speed, as above.
    from pywharf_core import changes

    normalised = project_name(project)
    with source.open_one(plugins, name) as repository, nearest_named(repository, normalised):
        state = changes.set_status(repository, normalised, ProjectStatus(status), reason)
    if as_json:
        print_json({"project": state.name, "status": state.status.value, "reason": state.reason})
    else:
        click.echo(f"{state.name} is {state.status.value}.")


def _release(text: str) -> tuple[NormalizedName, str]:
    project, equals, version = text.partition("==")
    if not equals or not version:
        raise click.UsageError(f"{text!r} names no release; write PROJECT==VERSION, such as holygrail==1.0.")
    return project_name(project), version


def _say(files: Sequence[DistributionFile], done: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"files": [file.filename for file in files]})
    elif files:
        click.echo("\n".join(f"{done} {file.filename}" for file in files))
    else:
        click.echo("Nothing to do: it was so already.")
