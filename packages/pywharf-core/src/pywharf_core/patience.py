"""Trying again what may succeed later, for as long as there is patience."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pywharf_core.clock import Clock
from pywharf_core.errors import StorageUnavailable

_T = TypeVar("_T")

#: Seconds that one file waits in all, unless somebody says otherwise: GitHub's limits are per hour.
LONGEST_WAIT = 3900

_FIRST, _LONGEST = 1.0, 60.0  # seconds between two tries; doubled each time, if nobody says more
_TRIES_WITHOUT_WORD = 4  # tries of something of which nobody says when it works again


class Patience:
    """:param max_wait: seconds that one file, at most, waits in all."""

    def __init__(self, clock: Clock, max_wait: float) -> None:
        self._clock = clock
        self._max_wait = max_wait

    def call(self, ask: Callable[[], _T]) -> _T:
        """What ``ask`` answers in the end.

        :raises StorageUnavailable: the last one, when patience is at its end.
        :raises Stopped: while it waited.
        """
        waited, pause, tries = 0.0, _FIRST, 1
        while True:
            try:
                return ask()
            except StorageUnavailable as error:
                wait = max(pause, error.retry_after or 0.0)
                hopeless = error.retry_after is None and tries >= _TRIES_WITHOUT_WORD
                if hopeless or waited + wait > self._max_wait:
                    raise
                self._clock.wait(wait, str(error))
            waited += wait
            pause = min(2 * pause, _LONGEST)
            tries += 1
