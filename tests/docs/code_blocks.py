"""Code blocks of Markdown pages that name a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"

_TITLED = re.compile(r"^```\w+ title=(\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def titled_blocks(page: str) -> Mapping[str, str]:
    """The text of each block ```` ```python title=NAME ```` by its name; of several, one after the other."""
    texts: dict[str, str] = {}
    for name, text in _TITLED.findall((DOCS / page).read_text(encoding="utf-8")):
        texts[name] = f"{texts[name]}\n{text}" if name in texts else text
    return texts
