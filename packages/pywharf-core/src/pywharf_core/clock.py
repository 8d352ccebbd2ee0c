"""Time as long work knows it: it passes, it is waited for, and it ends when somebody says so."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from pywharf_core.amounts import duration


class Stopped(Exception):
    """The work was told to end."""


class Clock:
    """Shared by all threads of one piece of work.

    :ivar say: told what is waited for, and "" afterwards; unless somebody says otherwise it tells nobody.
    """

    def __init__(self, say: Callable[[str], object] = str) -> None:
        self.say = say
        self._stopped = threading.Event()

    def now(self) -> float:
        """Unix seconds: what is written down must mean the same to the next process."""
        return time.time()

    def wait(self, seconds: float, why: str) -> None:
        """:raises Stopped: meanwhile, or before."""
        self.say(f"waiting {duration(seconds)}: {why}")
        self.sleep(seconds)
        self.say("")
        self.demand_going_on()

    def sleep(self, seconds: float) -> None:
        """Return early if stopped."""
        self._stopped.wait(seconds)

    def stop(self) -> None:
        """Any thread may say so. Not a signal's handler, which may stand in the very lock that this takes."""
        self._stopped.set()

    @property
    def is_stopped(self) -> bool:
        return self._stopped.is_set()

    def demand_going_on(self) -> None:
        """:raises Stopped: somebody said so."""
        if self.is_stopped:
            raise Stopped
