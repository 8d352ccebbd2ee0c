"""Keeping the pace that a storage asks for, in sight of what other commands of the same ROOT did before."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import portalocker

from pywharf_core.amounts import duration
from pywharf_core.clock import Clock
from pywharf_core.storage_answers import Pace

_SLACK = 1.0  # seconds of clocks that disagree


class Pacer:
    """Lets changes begin no faster than every pace says. For many threads, and for many processes if there is a ledger.

    :param ledger: a file for the times of past changes, in a folder that exists. None: what was before is not known;
        a storage that is asked too fast then says so itself.
    """

    def __init__(self, paces: Sequence[Pace], clock: Clock, ledger: Path | None = None) -> None:
        self._paces = tuple(paces)
        self._clock = clock
        self._ledger = ledger
        self._times: list[float] = []
        self._longest = max((pace.seconds for pace in paces), default=0.0)

    @property
    def said(self) -> str:
        """``24 a minute and 150 an hour``; "" if there is no pace."""
        return " and ".join(f"{pace.operations} {_each(pace.seconds)}" for pace in self._paces)

    def admit(self) -> None:
        """Wait until a change may begin, and count it.

        :raises Stopped: while it waited.
        """
        if not self._paces:
            return
        while True:
            with self._past() as past:
                now = self._clock.now()
                wait = self._wait(past, now)
                if wait <= 0:
                    past.append(now)
                    return
            self._clock.wait(wait, f"the storage takes {self.said}")

    def note(self) -> None:
        """Count a change that is made without waiting."""
        if self._paces:
            with self._past() as past:
                past.append(self._clock.now())

    def estimate(self, operations: int) -> float:
        """Seconds until the last of so many changes begins, if each begins as soon as it may."""
        with self._past() as past:
            known = list(past)
        began = now = self._clock.now()
        recent = deque(known, maxlen=max((pace.operations for pace in self._paces), default=0))
        for _ in range(operations if self._paces else 0):
            now += max(0.0, self._wait(recent, now))
            recent.append(now)
        return now - began

    def _wait(self, past: Sequence[float], now: float) -> float:
        return max(
            (past[-pace.operations] + pace.seconds - now for pace in self._paces if len(past) >= pace.operations),
            default=0.0,
        )

    @contextmanager
    def _past(self) -> Iterator[list[float]]:
        """The times, ascending, of the changes that still count; what the block adds is kept."""
        if self._ledger is None:
            self._times = self._recent(self._times)
            yield self._times
            return
        with self._ledger.open("a+", encoding="ascii", errors="replace") as file:
            portalocker.lock(file, portalocker.LockFlags.EXCLUSIVE)
            file.seek(0)
            times = self._recent([moment for line in file if (moment := _moment(line)) is not None])
            before = len(times)
            yield times
            if len(times) != before:
                file.seek(0)
                file.truncate()
                file.writelines(f"{moment!r}\n" for moment in times)

    def _recent(self, times: Sequence[float]) -> list[float]:
        """Those of a clock that was ahead do not count: nobody knows when they were."""
        now = self._clock.now()
        return sorted(moment for moment in times if now - self._longest < moment <= now + _SLACK)


def _moment(line: str) -> float | None:
    try:
        return float(line)
    except ValueError:  # damaged; the storage will say if it becomes too much
        return None


def _each(seconds: float) -> str:
    names = {1.0: "a second", 60.0: "a minute", 3600.0: "an hour", 86400.0: "a day"}
    return names.get(seconds, f"in {duration(seconds)}")
