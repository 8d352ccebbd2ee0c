"""Every line of the checklist is proved by tests that exist, or says why it is not."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CHECKLIST: dict[str, list[dict[str, Any]]] = tomllib.loads(
    (Path(__file__).parent / "checklist.toml").read_text(encoding="utf-8")
)
#: How many lines each section has; a line that somebody loses is missed.
LINES = {
    "pages": 12,
    "negotiation": 10,
    "fields": 8,
    "caching": 7,
    "files": 4,
    "uploads that are accepted": 10,
    "uploads that are refused": 12,
    "messages": 5,
    "authentication": 6,
    "trusted publishing": 5,
    "attestations": 3,
    "JSON API": 5,
    "safety": 4,
}
LINE_BY_ID = {f"{section}: {line['rule']}": line for section, lines in CHECKLIST.items() for line in lines}


def test_no_line_is_lost_or_there_twice() -> None:
    assert {section: len(lines) for section, lines in CHECKLIST.items()} == LINES
    assert len(LINE_BY_ID) == sum(LINES.values())


@pytest.mark.parametrize("line", LINE_BY_ID)
def test_a_line_has_a_proof_or_a_reason(line: str) -> None:
    entry = LINE_BY_ID[line]
    assert entry.keys() <= {"rule", "tests", "reason"}
    assert entry.get("tests") or entry.get("reason"), "there is neither a proof nor a reason"
    assert entry.get("reason", ".").endswith("."), "a reason is a sentence"
    for test in entry.get("tests", []):
        path, _, name = test.partition("::")
        assert name in defined_in(ROOT / path), f"there is no {test}"


@cache
def defined_in(path: Path) -> frozenset[str]:
    """Their names, with ``Class::`` in front of methods."""
    return frozenset(_named(ast.parse(path.read_bytes()), "")) if path.is_file() else frozenset()


def _named(node: ast.Module | ast.ClassDef, prefix: str) -> Iterator[str]:
    for child in node.body:
        if isinstance(child, ast.FunctionDef) and child.name.startswith("test_"):
            yield prefix + child.name
        elif isinstance(child, ast.ClassDef):
            yield from _named(child, f"{prefix}{child.name}::")
