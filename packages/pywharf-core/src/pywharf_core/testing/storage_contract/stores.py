"""How the tests come by stores: from what a backend's author gives, and in these forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from pywharf_core.storage import Storage

Reopen = Callable[[], Storage]


class CrashingStore(Protocol):
    """A store on which an operation can be killed half way; what the fixture ``crashing`` makes."""

    def open(self) -> Storage:
        """A storage on this store, as after a restart."""

    def run(self, operation: Callable[[Storage], object], *, dying_at: int) -> bool:
        """Run ``operation`` on this store in a process that dies just before its ``dying_at``-th durable step.

        ``operation`` can be pickled and may raise nothing.

        :returns: whether it died; False: the operation ended before, after fewer steps.
        """
