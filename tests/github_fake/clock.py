"""The time that the stand-in believes."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """The machine's time, and what a test added to it. One for the stand-in and, if the test says so, for the product."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._stopped: float | None = None

    def now(self) -> float:
        """Unix seconds."""
        return (time.time() if self._stopped is None else self._stopped) + self._ahead

    def stop(self) -> None:
        """From now on time passes by `advance` only."""
        self._stopped = time.time()

    def advance(self, seconds: float) -> None:
        self._ahead += seconds


def timestamp(seconds: float) -> str:
    """As GitHub writes it: ``2026-11-22T15:04:05Z``."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
