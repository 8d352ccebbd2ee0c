"""``pywharf verify``."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from pywharf_core.amounts import counted, size
from pywharf_core.cli.json_flag import JSON_FLAG, print_json
from pywharf_core.cli.progress import progress
from pywharf_core.cli.project_globs import PROJECT_FLAG
from pywharf_core.cli.repositories import Source, on_configured_repositories
from pywharf_core.cli.stopping import stoppable
from pywharf_core.clock import Clock
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
    from pywharf_core.verify.run import Verification

    with stoppable(Clock()) as stopping, source.open_one(plugins, name) as repository:
        work = Verification(repository, projects, stopping.clock, repair=repair, jobs=jobs)
        total = work.prepare()
        with progress(total, "Verifying", quiet=as_json) as shown:
            stopping.clock.say = shown.say
            stopping.work(lambda: work.run(shown.advance))
        report = work.report()
        _say(report, stopping.account, as_json=as_json)
        stopping.end("run it again to look at all files", failed=bool(report.left))


def _say(report: VerifyReport, account: Mapping[str, str], *, as_json: bool) -> None:
    if as_json:
        print_json({**dataclasses.asdict(report), "left": report.left, **account})
        return
    for finding in report.findings:
        repaired = "repaired, " if finding.repaired else ""
        click.echo(f"{repaired}{finding.kind}: {finding.sentence}")
    click.echo(f"{counted(report.files, 'file')} read ({size(report.bytes)}): {_verdict(report)}.")


def _verdict(report: VerifyReport) -> str:
    found = len(report.findings)
    if not found:
        return "all is well" if report.complete else "nothing is wrong so far"
    return f"{counted(found, 'finding')}, {found - report.left} repaired"
