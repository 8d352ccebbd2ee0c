"""Reading the access log of a server, which gathers its lines for a moment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from support.running_server import wait_until


def access_log(root: Path) -> list[dict[str, Any]]:
    """Its lines so far; one that is just being written is not there yet."""
    path = root / "log" / "access.jsonl"
    whole = path.read_text().rpartition("\n")[0] if path.exists() else ""
    return [json.loads(line) for line in whole.splitlines()]


def line_of_request(root: Path, number: str) -> dict[str, Any]:
    """The line of the request with this id, as soon as it is there."""
    found: list[dict[str, Any]] = []

    def is_there() -> bool:
        found[:] = [line for line in access_log(root) if line["request"] == number]
        return bool(found)

    wait_until(is_there, f"request {number} is in the access log")
    (line,) = found
    return line
