"""Pages of which a run of the tests writes parts, and with which every later run compares what it finds.

A part stands between ``<!-- found: NAME -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

_PART = re.compile(r"(<!-- found: (?P<name>[\w ]+) -->\n).*?(<!-- end -->\n)", re.DOTALL)


def compare_or_write(page: Path, parts: Mapping[str, str], *, session: str) -> None:
    """Compare; with ``PYWHARF_WRITE_DOCS=1`` in the environment, write.

    :param parts: text by name; each name must be on the page, and each part of the page here.
    :param session: of nox, which writes the page.
    """
    old = page.read_text("utf-8")
    assert {found["name"] for found in _PART.finditer(old)} == set(parts)
    new = _PART.sub(lambda found: f"{found[1]}\n{parts[found['name']].strip()}\n\n{found[3]}", old)
    if os.environ.get("PYWHARF_WRITE_DOCS") == "1":
        page.write_text(new, "utf-8")
    else:
        assert new == old, f"docs/{page.name} is stale; `nox -s {session}` writes it anew"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
