"""A store on which an operation runs in a process that dies before a chosen call to the operating system."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pywharf_core import Storage
from pywharf_filesystem.storage import FileSystemStorage

#: Whatever changes a disk, or promises that it is changed.
STEPS = ("fsync", "link", "mkdir", "open", "rename", "replace", "unlink")

_ENDED = 0
_FAILED = 3


class KilledStore:
    """Keeps ``CrashingStore`` with ``kill -9``."""

    def __init__(self, folder: Path) -> None:
        numbers = itertools.count()
        self._path = next(path for number in numbers if not (path := folder / f"killed-{number}").exists())
        self._path.mkdir()
        self.open().staging_folder()  # the store's own birth is tested by itself

    def open(self) -> Storage:
        return FileSystemStorage(self._path / "store", self._path / "work")

    def run(self, operation: Callable[[Storage], object], *, dying_at: int) -> bool:
        child = os.fork()
        if child == 0:
            status = _FAILED
            try:
                _die_before(dying_at)
                operation(self.open())
                status = _ENDED
            finally:
                os._exit(status)
        _, wait_status = os.waitpid(child, 0)
        if os.WIFSIGNALED(wait_status):
            assert os.WTERMSIG(wait_status) == signal.SIGKILL
            return True
        assert os.waitstatus_to_exitcode(wait_status) == _ENDED
        return False


def _die_before(step: int) -> None:
    steps = itertools.count(1)

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*args: Any, **kwargs: Any) -> Any:
            if next(steps) == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*args, **kwargs)

        return counting

    for name in STEPS:
        setattr(os, name, counted(getattr(os, name)))
