"""What was found, as parts of ``docs/clients.md``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from clients.matrix import installing, publishing
from clients.matrix.cells import INSTALLERS, PUBLISHERS, Cell, Side
from clients.matrix.client import Address, Client, Publisher, Way, way_key
from clients.matrix.findings import Findings

PAGE = Path(__file__).parents[3] / "docs" / "clients.md"

_BLOCK = re.compile(r"(<!-- found: (?P<name>[\w ]+) -->\n).*?(<!-- end -->\n)", re.DOTALL)

# What comes before an error, and says nothing of it.
_CHATTER = re.compile(
    r"\s*(Using (Python|repository)|Looking in|Collecting|Downloading|Publishing|Hash(ing|ed)|Upload(ing|ed)"
    r"|Built|Copying|Writing|Updating|Resolving|Locking  |Building|Installing dep|Package operations|INFO:|Set env var"
    r"|WARNING: Lockfile does not|STATUS:|Synchronizing|Unencrypted|See DIR)"
)


def filled(page: str, findings: Findings) -> str:
    """``page`` with each block written anew."""
    parts: Mapping[str, Callable[[Findings], Iterable[str]]] = {
        "publishing": _publishing_table,
        "installing": _installing_table,
        "publishing errors": _publishing_errors,
        "installing errors": _installing_errors,
    }
    return _BLOCK.sub(lambda block: f"{block[1]}\n{_joined(parts[block['name']](findings))}\n\n{block[3]}", page)


def _publishing_table(findings: Findings) -> Iterator[str]:
    columns = [publishing.AGAIN, publishing.SKIPPING_SAME, publishing.SKIPPING_OTHER]
    yield from _table(findings, Side.PUBLISH, PUBLISHERS, columns)


def _installing_table(findings: Findings) -> Iterator[str]:
    columns = [installing.PASSED_OVER, installing.PINNED, installing.HASHED]
    yield from _table(findings, Side.INSTALL, INSTALLERS, columns)


def _table(findings: Findings, side: Side, kinds: Sequence[type[Client]], more: Sequence[str]) -> Iterator[str]:
    head = ["client", *Way, *more, *(["how it is told to skip"] if side is Side.PUBLISH else [])]
    rows = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    reasons: list[str] = []
    for kind in kinds:
        words = [findings.tool(kind).name]
        for way in Way:
            works = [a for a in Address if findings.of(Cell(side, kind, way_key(a, way))).works]
            words.append("yes" if works == list(Address) else ", ".join(f"`{a}`" for a in works) or "no")
        words += ["yes" if findings.of(Cell(side, kind, scenario)).works else "no" for scenario in more]
        if issubclass(kind, Publisher) and side is Side.PUBLISH:
            words.append(kind.skipping or "")
        rows.append(f"| {' | '.join(words)} |")
        scenarios = [*(way_key(address, way) for way in Way for address in Address), *more]
        known = ((Cell(side, kind, scenario).cannot, scenario) for scenario in scenarios)
        for why, group in groupby(known, key=lambda pair: pair[0]):
            if why is not None:
                columns = dict.fromkeys(scenario.rpartition(" by ")[2] for _, scenario in group)
                reasons.append(f"- {words[0]}, {' and '.join(columns)}: {why}.")
    yield "\n".join(rows)
    yield "\n".join(reasons)


def _publishing_errors(findings: Findings) -> Iterator[str]:
    for key, refusal in publishing.REFUSALS.items():
        yield f"### Publishing: {key}"
        yield f"{refusal.why} Status {refusal.status}."
        yield from _said(findings, Side.PUBLISH, PUBLISHERS, key)


def _installing_errors(findings: Findings) -> Iterator[str]:
    for key, why in installing.REFUSALS.items():
        yield f"### Installing: {key}"
        yield why
        yield from _said(findings, Side.INSTALL, INSTALLERS, key)


def _said(findings: Findings, side: Side, kinds: Sequence[type[Client]], scenario: str) -> Iterator[str]:
    for kind in kinds:
        cell = Cell(side, kind, scenario)
        name = findings.tool(kind).name
        if cell.cannot is not None:
            yield f"{name}: {cell.cannot}."
        else:
            lines = [line for line in findings.of(cell).said.splitlines() if not _CHATTER.match(line)]
            yield f"{name}:\n\n```text\n" + "\n".join(lines) + "\n```"


def _joined(paragraphs: Iterable[str]) -> str:
    return "\n\n".join(filter(None, paragraphs))
