"""Code blocks of Markdown pages that name a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"

_TITLED = re.compile(r"^```\w+ title=(\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def titled_blocks(page: str) -> Mapping[str, str]:
    """The text of each block ```` ```python title=NAME ```` by its name."""
    return dict(_TITLED.findall((DOCS / page).read_text(encoding="utf-8")))
