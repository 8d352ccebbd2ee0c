"""A number shared by all processes of a ROOT that tells, at the price of a memory access, whether anything was written.

SQLite's own ``PRAGMA data_version`` tells the same for about 3 µs; a page is asked for often enough that it matters.
"""

from __future__ import annotations

import mmap
import os
import struct
from pathlib import Path

_NUMBER = struct.Struct("=Q")


class ChangeCounter:
    """One file of eight bytes, mapped into memory.

    Writers change it before and after they commit: before, so that what a reader renders during the commit counts as
    old; after, so that whoever sees the new number sees the new rows. A writer that dies in between is made good by the
    next one that opens the file and changes it. Each number is a random one, which was never there before: with counting,
    a writer that was held up between reading and writing would bring an old number back.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._memory, self._inode = _mapped(path)

    def follow(self) -> None:
        """Look whether the file was removed and made anew, by whomever: then the number is the new one's."""
        try:
            inode = os.stat(self._path).st_ino
        except FileNotFoundError:
            inode = 0
        if inode != self._inode:
            self._memory, self._inode = _mapped(self._path)

    def value(self) -> int:
        """Differs from the last answer if anybody wrote since."""
        number: int = _NUMBER.unpack_from(self._memory)[0]
        return number

    def change(self) -> None:
        """For any writer, at any time."""
        self.follow()
        self._memory[:] = os.urandom(_NUMBER.size)

    def close(self) -> None:
        self._memory.close()


def _mapped(path: Path) -> tuple[mmap.mmap, int]:
    """The number's eight bytes and the file's inode; the file is made if need be."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        stat = os.fstat(descriptor)
        if stat.st_size < _NUMBER.size:
            # Not ftruncate: on a full disk, writing into a hole through the mapping kills the process (SIGBUS).
            os.pwrite(descriptor, bytes(_NUMBER.size), 0)
        return mmap.mmap(descriptor, _NUMBER.size), stat.st_ino
    except OSError as error:
        error.filename = str(path)  # what is said of a full disk is said of a file
        raise
    finally:
        os.close(descriptor)
