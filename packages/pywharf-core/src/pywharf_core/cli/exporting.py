"""``pywharf export``."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from pywharf_core.amounts import counted, named, size
from pywharf_core.cli.given_path import GivenPath
from pywharf_core.cli.json_flag import JSON_FLAG, print_json
from pywharf_core.cli.progress import progress
from pywharf_core.cli.project_globs import PROJECT_FLAG
from pywharf_core.cli.repositories import Source, on_configured_repositories
from pywharf_core.cli.stopping import stoppable
from pywharf_core.clock import Clock
from pywharf_core.plugins import Plugins

if TYPE_CHECKING:
    from pywharf_core.export.report import ExportReport

_MOST_NAMED = 20  # paths in an answer for people


_EPILOG = """Examples:

\b
pywharf export local backup --root ROOT
pywharf export local backup --root ROOT --project 'acme-*' --prune
pywharf export local site/simple --simple --root ROOT
"""


@click.command("export", epilog=_EPILOG)
@click.argument("name")
@click.argument("folder", metavar="DIR", type=GivenPath(file_okay=False))
@click.option("--simple", is_flag=True, help="Write a static index for any web server, as pip and uv read it.")
@PROJECT_FLAG
@click.option(
    "--base_url", metavar="URL", help="With --simple: the https address that DIR will have, to announce provenance."
)
@click.option("--prune", is_flag=True, help="Remove files from DIR that the repository does not offer any more.")
@click.option("--overwrite", is_flag=True, help="Replace files in DIR that have the right name and other content.")
@click.option("--jobs", type=click.IntRange(1, 64), default=4, show_default=True, help="Files at a time.")
@click.option("--dry_run", is_flag=True, help="Say what would be done, and write nothing.")
@on_configured_repositories
@JSON_FLAG
@click.pass_obj
def export(
    plugins: Plugins,
    source: Source,
    name: str,
    folder: Path,
    simple: bool,
    projects: tuple[str, ...],
    base_url: str | None,
    prune: bool,
    overwrite: bool,
    jobs: int,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Write every file into a folder.

    With all that `pywharf import` needs to bring everything back: marks, status, times, provenance. With --simple as a
    static index instead, byte for byte what the server sends.

    Run again, it goes on where it was interrupted, and fetches only what is not there with the right hash. Exit status 1
    if a file is missing in the storage or damaged; all others are exported.
    """
    # Here for start-up speed: `pywharf --help` needs no storage and no index.
    from pywharf_core.export.forms import ExportForm, FilesForm, SimpleForm
    from pywharf_core.export.run import Export, ExportOptions

    if base_url is not None:
        _check_base_url(base_url, simple=simple)
    options = ExportOptions(projects=projects, jobs=jobs, overwrite=overwrite, prune=prune, dry_run=dry_run)
    with stoppable(Clock()) as stopping, source.open_one(plugins, name) as repository:
        form: ExportForm = SimpleForm(repository.namespaces, base_url) if simple else FilesForm()
        work = Export(repository, folder, form, options, stopping.clock)
        total = work.prepare()
        with progress(total, "Exporting", quiet=as_json) as shown:
            stopping.clock.say = shown.say
            stopping.work(lambda: work.run(shown.advance))
        report = work.report()
        if work.has_begun or stopping.problem is None:
            _say(report, folder, stopping.account, simple=simple, dry_run=dry_run, as_json=as_json)
        stopping.end("the same command goes on where it was", failed=bool(report.problems))


def _check_base_url(base_url: str, *, simple: bool) -> None:
    if not simple:
        raise click.UsageError("--base_url goes with --simple.")
    parts = urlsplit(base_url)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise click.BadParameter(
            f"{base_url!r} is not the address of a folder; it should begin with https://, such as "
            "https://packages.example/simple/.",
            param_hint="--base_url",
        )


def _say(
    report: ExportReport, folder: Path, account: Mapping[str, str], *, simple: bool, dry_run: bool, as_json: bool
) -> None:
    if as_json:
        print_json({**dataclasses.asdict(report), "dry_run": dry_run, **account})
        return
    for problem in report.problems:
        click.echo(problem.sentence, err=True)
    copied, removed = ("would be copied", "would be removed") if dry_run else ("copied", "removed")
    click.echo(
        f"{folder}: {counted(report.copied, 'file')} {copied} ({size(report.bytes)}), {report.there} already there, "
        f"{counted(report.projects, 'project')}."
    )
    if report.removed:
        click.echo(f"{counted(len(report.removed), 'old file')} {removed}: {named(report.removed, _MOST_NAMED)}.")
    if report.stale:
        click.echo(
            f"{counted(len(report.stale), f'file in {folder} is', f'files in {folder} are')} not part of this "
            f"export: {named(report.stale, _MOST_NAMED)}. Give --prune to remove such files."
        )
    if simple and report.complete and not dry_run:
        click.echo(
            f"Try it: python3 -m http.server 8080 --directory {folder}, and http://127.0.0.1:8080/ as index URL."
        )
