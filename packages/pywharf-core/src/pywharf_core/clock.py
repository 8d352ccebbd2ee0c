"""Time as long work knows it: it passes, it is waited for, and it ends when somebody says so."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Stopped(Exception):
    """The work was told to end."""


class Clock:
    """Shared by all threads of one piece of work.

    :ivar say: told what is waited for, and "" afterwards.
    """

    def __init__(self, say: Callable[[str], object]) -> None:
        self.say = say
        self._stopped = threading.Event()

    def now(self) -> float:
        """Unix seconds: what is written down must mean the same to the next process."""
        return time.time()

    def wait(self, seconds: float, why: str) -> None:
        """:raises Stopped: meanwhile, or before."""
        self.say(f"waiting {spoken(seconds)}: {why}")
        self.sleep(seconds)
        self.say("")
        self.demand_going_on()

    def sleep(self, seconds: float) -> None:
        """Return early if stopped."""
        self._stopped.wait(seconds)

    def stop(self) -> None:
        """Any thread may say so, a signal's handler too."""
        self._stopped.set()

    def demand_going_on(self) -> None:
        """:raises Stopped: somebody said so."""
        if self._stopped.is_set():
            raise Stopped


def spoken(seconds: float) -> str:
    """A span of time for people: ``40 s``, ``3 min``, ``2 h 30 min``."""
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
    return f"{minutes // (24 * 60)} days {minutes % (24 * 60) // 60} h"
