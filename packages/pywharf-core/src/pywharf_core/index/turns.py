"""Who comes first: a lock among all processes for each thing there is, without a file for each thing there was."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from portalocker import LockException, LockFlags, lock


@contextmanager
def turn(path: Path, *, alone: bool) -> Iterator[None]:
    """Hold the lock ``path``, of which there is a file only meanwhile; waits for who is in the way, as long as it takes.

    :param alone: else together with all others who are not.
    """
    while True:
        with path.open("ab") as file:
            lock(file, LockFlags.EXCLUSIVE if alone else LockFlags.SHARED)
            if _is_at(file, path):  # else the one before us removed it, and others may hold a new one
                try:
                    yield
                finally:
                    with suppress(LockException):  # somebody else is in there: the last one removes it
                        lock(file, LockFlags.EXCLUSIVE | LockFlags.NON_BLOCKING)
                        path.unlink(missing_ok=True)
                return


def _is_at(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
