"""``pywharf copy``: from one configured repository to another, whatever backends they have."""

from __future__ import annotations

from collections.abc import Sequence

import click

from pywharf_core.cli.json_flag import JSON_FLAG
from pywharf_core.cli.repositories import Source as Configured
from pywharf_core.cli.repositories import on_configured_repositories
from pywharf_core.cli.stopping import stoppable
from pywharf_core.cli.transferring import carry_out, transfer_flags
from pywharf_core.clock import Clock
from pywharf_core.plugins import Plugins


@click.command(
    "copy",
    epilog="Examples:\n\n\b\npywharf copy local acme-packages --root ROOT\n"
    "pywharf copy local archive --project 'acme-*' --dry_run --root ROOT",
)
@click.argument("from_name", metavar="SOURCE")
@click.argument("to_name", metavar="TARGET")
@transfer_flags
@on_configured_repositories
@JSON_FLAG
@click.pass_obj
def copy(
    plugins: Plugins,
    source: Configured,
    from_name: str,
    to_name: str,
    projects: Sequence[str],
    jobs: int | None,
    max_wait: float,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Copy packages from one repository to another.

    Files come with their metadata, upload times, yanks and provenance; the status of projects and reserved names come
    along.

    What is there already is left alone, so the same command goes on after an interruption. Exit status 1 if a file was
    refused.
    """
    # Here for start-up speed: `pywharf --help` needs no storage and no index.
    from pywharf_core.transfer.stored import StoredPackages
    from pywharf_core.transfer.whole import Order

    if from_name == to_name:
        raise click.UsageError("SOURCE and TARGET are the same repository; name another one.")
    with stoppable(Clock()) as stopping, source.open_several(plugins, from_name, to_name) as (taken_from, target):
        taken_from.synchronise()
        if target.storage.keeps_index:
            target.synchronise()  # what others published meanwhile need not be sent again
        carry_out(
            lambda _: StoredPackages(taken_from, projects=projects),
            target,
            Order(jobs=jobs, dry_run=dry_run),
            source,
            stopping,
            max_wait=max_wait,
            label="Copying",
            verb="copied",
            as_json=as_json,
        )
