"""``pywharf check``."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from pywharf_core.amounts import duration
from pywharf_core.auth import Access
from pywharf_core.cli.failure import told
from pywharf_core.cli.json_flag import JSON_FLAG, print_json
from pywharf_core.cli.repositories import Source, on_configured_repositories
from pywharf_core.cli.table import table_lines
from pywharf_core.errors import NotSupported, WharfError
from pywharf_core.plugins import Plugins
from pywharf_core.storage_answers import Condition

if TYPE_CHECKING:
    from pywharf_core.repository import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    """How one repository is doing.

    :ivar right: what the server's own secret may do; None: the storage knows no secrets of its own.
    :ivar index_age_seconds: since the last synchronisation, which is this one if it succeeded; None: there was none.
    :ivar facts: what the storage tells of itself, see ``Condition``; so ``warnings``.
    """

    name: str
    type: str
    reachable: bool
    right: str | None
    files: int
    projects: int
    refused: int
    index_age_seconds: float | None
    facts: Mapping[str, str | int | float]
    warnings: Sequence[str]
    problem: str | None


@click.command("check", epilog="Example: pywharf check --root ROOT")
@on_configured_repositories
@JSON_FLAG
@click.pass_obj
def check(plugins: Plugins, source: Source, as_json: bool) -> None:
    """Contact every repository and say how each is doing.

    Each is synchronised on the way, and INDEX AGE is the time since that; of one that cannot be, since it last could.
    Exit status 1 if any is bad.
    """
    with source.open(plugins) as wharf:
        findings = [_look_at(repository) for repository in wharf.repositories.values()]
    if as_json:
        print_json([dataclasses.asdict(finding) for finding in findings])
    else:
        click.echo("\n".join(table_lines(_HEADS, [_row(finding) for finding in findings])))
        if facts := [fact for finding in findings for fact in _facts(finding)]:
            click.echo("\n" + "\n".join(table_lines(_FACT_HEADS, facts)))
    for finding in findings:
        for warning in finding.warnings:
            click.echo(f"{finding.name}: warning: {warning}", err=True)
    bad = [finding for finding in findings if finding.problem is not None]
    for finding in bad:
        click.echo(f"{finding.name}: {finding.problem}", err=True)
    if bad:
        click.get_current_context().exit(1)


_HEADS = ("REPOSITORY", "TYPE", "REACHABLE", "RIGHT", "FILES", "REFUSED", "INDEX AGE")
_FACT_HEADS = ("REPOSITORY", "WHAT", "VALUE")


def _row(finding: _Finding) -> tuple[str, ...]:
    return (
        finding.name,
        finding.type,
        "yes" if finding.reachable else "no",
        finding.right or "-",
        str(finding.files),
        str(finding.refused),
        "never" if finding.index_age_seconds is None else duration(finding.index_age_seconds),
    )


def _facts(finding: _Finding) -> Iterator[tuple[str, str, str]]:
    for name, value in finding.facts.items():
        yield finding.name, name.replace("_", " "), str(value)


def _look_at(repository: Repository) -> _Finding:
    # Here for start-up speed: SQLite comes with it, as with the repository itself.
    from pywharf_core import remote_changes

    right: str | None = None
    problem: str | None = None
    reachable = False
    own, of_index = Condition(), Condition()
    try:
        access = _own_right(repository)
        if access is not None:
            right = access.name.lower().replace("_", " ")
        own = repository.view(None).condition()
        repository.synchronise()
        of_index = remote_changes.condition(repository)
        reachable = True
        if access is not None and access < Access.READ:
            problem = "the storage does not let the admin secret read"
    except WharfError as error:
        problem = told(error)
    if problem is not None and repository.configuration.admin_secret is None and right is not None:
        problem += " (there is no admin secret)"
    status = repository.status()
    return _Finding(
        name=repository.name,
        type=repository.configuration.storage_type.name,
        reachable=reachable,
        right=right,
        files=status.files,
        projects=status.projects,
        refused=status.refused,
        index_age_seconds=status.age,
        facts={**own.facts, **of_index.facts},
        warnings=[*own.warnings, *of_index.warnings],
        problem=problem,
    )


def _own_right(repository: Repository) -> Access | None:
    try:
        return repository.storage.acting_as(repository.configuration.admin_secret).access().access
    except NotSupported:
        return None
