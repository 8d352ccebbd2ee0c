"""Reading the access log of a server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def access_log(root: Path) -> list[dict[str, Any]]:
    """Its lines so far."""
    return [json.loads(line) for line in (root / "log" / "access.jsonl").read_text().splitlines()]
