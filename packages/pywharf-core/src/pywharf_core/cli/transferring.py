"""What ``import`` and ``copy`` have in common: flags, progress, and the account at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from pywharf_core.amounts import counted, size
from pywharf_core.cli.json_flag import print_json
from pywharf_core.cli.progress import Progress, progress
from pywharf_core.cli.project_globs import PROJECT_FLAG
from pywharf_core.cli.stopping import Stopping
from pywharf_core.patience import LONGEST_WAIT, Patience
from pywharf_core.root import Root

if TYPE_CHECKING:
    from pywharf_core.cli.repositories import Source as Configured
    from pywharf_core.clock import Clock
    from pywharf_core.repository import Repository
    from pywharf_core.transfer.offers import Findings, Source
    from pywharf_core.transfer.summary import Summary
    from pywharf_core.transfer.whole import Order, Transfer

_R = TypeVar("_R")

_NAMED = 20  # files that are passed over for one reason; --json names all


def transfer_flags(command: Callable[..., _R]) -> Callable[..., _R]:
    """Give a command the flags of a transfer, as the arguments ``projects``, ``jobs``, ``max_wait``, ``dry_run``."""
    for flag in reversed(_FLAGS):
        command = flag(command)
    return command


_FLAGS = (
    PROJECT_FLAG,
    click.option(
        "--jobs",
        type=click.IntRange(1, 64),
        help="Files at once. Default: 4, or 1 where the storage asks for a pace.",
    ),
    click.option(
        "--max_wait",
        type=click.FloatRange(min=0),
        default=LONGEST_WAIT,
        show_default=True,
        metavar="SECONDS",
        help="How long one file, at most, waits for a storage or index that says when to come back.",
    ),
    click.option("--dry_run", is_flag=True, help="Say what would be done, and change nothing."),
)


def carry_out(
    open_source: Callable[[Clock], Source],
    target: Repository,
    order: Order,
    configured: Configured,
    stopping: Stopping,
    *,
    max_wait: float,
    label: str,
    verb: str,
    as_json: bool,
) -> None:
    """Run a transfer and tell of it; ends the command with its status.

    :param open_source: closed here.
    :param stopping: around all of the command.
    :param label: what is done with files: ``Importing``; ``verb``: what was done: ``imported``.
    :raises WharfError: it cannot begin, or not go on.
    """
    # Here for start-up speed: `pywharf --help` needs no storage and no index.
    from pywharf_core.transfer.pacing import Pacer
    from pywharf_core.transfer.whole import Transfer

    clock = stopping.clock
    clock.say = lambda text: None if as_json or not text else click.echo(text, err=True)
    pacer = Pacer(target.storage.pace, clock, _ledger(configured, target))
    source = open_source(clock)
    try:
        transfer = Transfer(source, target, order, clock=clock, pacer=pacer, patience=Patience(clock, max_wait))
        findings = transfer.look()
        if not as_json and (forecast := transfer.forecast(findings)) is not None:
            click.echo(forecast, err=True)
        with progress(len(findings), label, quiet=as_json) as bar:
            clock.say = bar.say
            stopping.work(lambda: _run(transfer, findings, bar))
    finally:
        source.close()
    _tell(transfer.summary, verb, target.name, order, stopping.account, as_json=as_json)
    stopping.end("the same command goes on where it was", failed=bool(transfer.summary.refused))


def _run(transfer: Transfer, findings: Findings, bar: Progress) -> None:
    for _ in transfer.run(findings):
        bar.advance()


def _ledger(configured: Configured, target: Repository) -> Path | None:
    """Shared by all repositories of one type: a limit like GitHub's is its user's."""
    if configured.root is None:
        return None
    return Root(configured.root).lock(f"pace-{target.configuration.storage_type.name}")


def _tell(summary: Summary, verb: str, target: str, order: Order, account: Mapping[str, str], *, as_json: bool) -> None:
    # Here for start-up speed, as above.
    from pywharf_core.transfer.summary import printable

    if as_json:
        print_json({"repository": target, "dry_run": order.dry_run, **summary.document(verb), **account})
        return
    for line in _passed_over(summary.passed_over):
        click.echo(printable(line), err=True)
    for place, reason in summary.refused:
        click.echo(printable(f"refused {place}: {reason}"), err=True)
    for warning in summary.warnings:
        click.echo(f"Warning: {warning}", err=True)
    done = f"would be {verb}" if order.dry_run else verb
    rest = [f"{summary.there} already there", f"{len(summary.refused)} refused"]
    if summary.passed_over:
        rest.append(f"{len(summary.passed_over)} passed over")
    click.echo(
        f"{counted(summary.taken, 'file')} ({size(summary.taken_bytes)}) {done} into {target}; {', '.join(rest)}."
    )


def _passed_over(pairs: Sequence[tuple[str, str]]) -> Iterator[str]:
    by_reason: dict[str, list[str]] = {}
    for place, reason in pairs:
        by_reason.setdefault(reason, []).append(place)
    for reason, places in by_reason.items():
        for place in places[:_NAMED]:
            yield f"passed over {place}: {reason}"
        if len(places) > _NAMED:
            yield f"passed over {len(places) - _NAMED} more: {reason}"
