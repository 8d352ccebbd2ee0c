"""``pywharf verify``."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from pywharf_core.amounts import counted, size
from pywharf_core.cli.json_flag import JSON_FLAG, print_json
from pywharf_core.cli.progress import progress
from pywharf_core.cli.project_globs import PROJECT_FLAG
from pywharf_core.cli.repositories import Source, on_configured_repositories
from pywharf_core.plugins import Plugins

if TYPE_CHECKING:
    from pywharf_core.verify.findings import VerifyReport


_EPILOG = """Examples:

\b
pywharf verify local --root ROOT
pywharf verify local --repair --root ROOT
"""


@click.command("verify", epilog=_EPILOG)
@click.argument("name")
@click.option("--repair", is_flag=True, help="Repair what can be repaired; files are never changed or removed.")
@PROJECT_FLAG
@click.option("--jobs", type=click.IntRange(1, 64), default=4, show_default=True, help="Files at a time.")
@on_configured_repositories
@JSON_FLAG
@click.pass_obj
def verify(
    plugins: Plugins, source: Source, name: str, repair: bool, projects: tuple[str, ...], jobs: int, as_json: bool
) -> None:
    """Read every file again, and say what is wrong.

    Finds damaged and missing files, wrong metadata, what the index and the storage disagree about, and what uploads
    left behind that died. Exit status 1 if a finding is left. Safe beside a running server.
    """
    # Here for start-up speed: `pywharf --help` needs no storage and no index.
    from pywharf_core.clock import Clock
    from pywharf_core.verify.run import Verification

    with source.open_one(plugins, name) as repository:
        work = Verification(repository, projects, repair=repair, jobs=jobs)
        with progress(work.count_files(), "Verifying", quiet=as_json) as shown:
            report = work.run(shown.advance, Clock(shown.say))
    _say(report, as_json=as_json)
    if report.left:
        click.get_current_context().exit(1)


def _say(report: VerifyReport, *, as_json: bool) -> None:
    if as_json:
        print_json({**dataclasses.asdict(report), "left": report.left})
        return
    for finding in report.findings:
        repaired = "repaired, " if finding.repaired else ""
        click.echo(f"{repaired}{finding.kind}: {finding.sentence}")
    click.echo(f"{counted(report.files, 'file')} read ({size(report.bytes)}): {_verdict(report)}.")


def _verdict(report: VerifyReport) -> str:
    found = len(report.findings)
    if not found:
        return "all is well"
    return f"{counted(found, 'finding')}, {found - report.left} repaired"
