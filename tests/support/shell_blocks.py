"""Commands that pages tell their readers to run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands(page: Path, heading: str) -> Sequence[str]:
    """The lines of the one shell block below a heading of the second level."""
    section = page.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    blocks: list[str] = _BLOCK.findall(section)
    assert len(blocks) == 1, f"one block of commands is expected below {heading!r} of {page.name}"
    return blocks[0].splitlines()
