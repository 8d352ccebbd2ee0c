"""A store on which an operation is killed between any two of its calls to the operating system, or to a library in C."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import BuiltinFunctionType, FrameType

from pywharf_core.storage import Storage

#: Modules whose functions, and methods of whose objects, reach beyond the process.
REACHING_OUT = frozenset({"posix", "fcntl", "io", "_io", "_socket", "_ssl", "sqlite3", "_sqlite3"})

_ENDED = 0
_FAILED = 3


class KilledStore:
    """Keeps ``CrashingStore`` with ``kill -9``, for storages that are written in Python: a step is a call into C.

    :param opening: opens a storage on this store, which was empty at first.
    :param steps: names of the modules in C whose calls are counted.
    """

    def __init__(self, opening: Callable[[], Storage], steps: frozenset[str] = REACHING_OUT) -> None:
        self.open = opening
        self._steps = steps

    def run(self, operation: Callable[[Storage], object], *, dying_at: int) -> bool:
        child = os.fork()
        if child == 0:
            status = _FAILED
            try:
                storage = self.open()
                self._die_before(dying_at)
                operation(storage)
                status = _ENDED
            finally:
                os._exit(status)
        _, wait_status = os.waitpid(child, 0)
        if os.WIFSIGNALED(wait_status):
            assert os.WTERMSIG(wait_status) == signal.SIGKILL
            return True
        assert os.waitstatus_to_exitcode(wait_status) == _ENDED, "the operation raised an error"
        return False

    def _die_before(self, step: int) -> None:
        steps = itertools.count(1)

        def count(frame: FrameType, event: str, called: object) -> None:
            if event == "c_call" and _module_of(called) in self._steps and next(steps) == step:
                os.kill(os.getpid(), signal.SIGKILL)

        threading.setprofile(count)
        sys.setprofile(count)


def _module_of(called: object) -> str | None:
    """Of a function its own module, of a method the module of its class."""
    if isinstance(called, BuiltinFunctionType) and called.__module__ is not None:
        return called.__module__
    owner: type = getattr(called, "__objclass__", type(getattr(called, "__self__", None)))
    return owner.__module__
