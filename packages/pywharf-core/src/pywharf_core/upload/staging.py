"""An upload while it arrives: spooled to disk once, hashed on the way, locked for as long as somebody cares for it."""

from __future__ import annotations

import errno
import os
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import portalocker

from pywharf_core.digests import KNOWN_DIGESTS, new_digest
from pywharf_core.errors import FileTooLarge, StorageUnavailable

_SUFFIX = ".upload"
_GRACE = 60.0  # seconds before the sweeper looks at a file: between its creation and its lock lies a moment
_EXCLUSIVE_NOW = portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING


class StagingFile:
    """A file that grows by ``write``. Any thread may call, one at a time.

    :ivar path: where the bytes are; the file may be linked or moved from there.
    :ivar size: bytes so far.
    """

    def __init__(self, path: Path, descriptor: int, max_bytes: int) -> None:
        self.path = path
        self.size = 0
        self._file = os.fdopen(descriptor, "wb", buffering=0)
        self._max_bytes = max_bytes
        self._finished = False
        # One after the other: with two threads on two cores, sha256 and blake2b gain 14 %, one digest loses some.
        self._digests = {"sha256": new_digest("sha256")}

    def also_digest(self, *names: str) -> None:
        """Compute ``md5`` or ``blake2b_256`` too; to be said before the first byte.

        :raises ValueError: bytes were written already, or the name is unknown.
        """
        if self.size:
            raise ValueError("digests are chosen before the first byte")
        for name in names:
            if name not in KNOWN_DIGESTS:
                raise ValueError(f"unknown digest {name!r}")
            self._digests.setdefault(name, new_digest(name))

    def write(self, data: bytes) -> None:
        """Append.

        :raises FileTooLarge: the file would exceed its limit; nothing of ``data`` was written.
        :raises StorageUnavailable: the disk is full.
        """
        if self._finished:
            raise ValueError("the file is finished")
        if self.size + len(data) > self._max_bytes:
            raise FileTooLarge(f"The file is larger than {self._max_bytes} bytes, the most that this repository takes.")
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise _disk_full() from error
            raise
        for digest in self._digests.values():
            digest.update(data)
        self.size += len(data)

    def hashes(self) -> dict[str, str]:
        """Lower-case hex of what was written, by digest."""
        return {name: digest.hexdigest() for name, digest in self._digests.items()}

    def finish(self) -> None:
        """No more bytes will come; may be said twice. Nothing is synced to the disk: publishing does that."""
        self._finished = True  # unbuffered: every byte is with the operating system already

    def discard(self) -> None:
        """Let go: remove what is left at ``path`` and unlock. May be said twice, also after the file was moved away."""
        if not self._file.closed:
            with suppress(FileNotFoundError):
                self.path.unlink()
            self._finished = True
            self._file.close()


class StagingArea:
    """A folder of staging files, shared by all processes of a ROOT."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def create(self, max_bytes: int) -> StagingFile:
        """An empty file, locked, readable by its owner only.

        :raises StorageUnavailable: the disk is full.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            path = self.folder / f"{secrets.token_hex(16)}{_SUFFIX}"
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise _disk_full() from error
                raise
            file = StagingFile(path, descriptor, max_bytes)
            try:
                portalocker.lock(descriptor, _EXCLUSIVE_NOW)
                if os.fstat(descriptor).st_nlink == 1:
                    return file
            except portalocker.LockException:
                pass
            file.discard()  # this process slept so long that a sweeper was here

    def dead(self) -> Sequence[Path]:
        """The files whose owner died; those of the last minute may be anybody's."""
        now = time.time()
        try:
            entries = list(os.scandir(self.folder))
        except FileNotFoundError:
            return []
        return [
            Path(entry.path)
            for entry in entries
            if entry.name.endswith(_SUFFIX) and _is_old(entry, now) and _when_unlocked(entry.path)
        ]

    def sweep(self) -> int:
        """Remove the files whose owner died; how many these were. Files of the last minute are left alone."""
        return sum(_when_unlocked(str(path), os.unlink) for path in self.dead())


def _disk_full() -> StorageUnavailable:
    return StorageUnavailable("The server has no disk space for this upload now; try again later.")


def _is_old(entry: os.DirEntry[str], now: float) -> bool:
    try:
        return entry.is_file(follow_symlinks=False) and now - entry.stat(follow_symlinks=False).st_mtime > _GRACE
    except FileNotFoundError:
        return False


def _when_unlocked(path: str, then: Callable[[str], object] = lambda _: None) -> bool:
    """Do ``then`` with the file if nobody holds its lock; whether it was so."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        portalocker.lock(descriptor, _EXCLUSIVE_NOW)
        then(path)
    except (portalocker.LockException, FileNotFoundError):
        return False
    else:
        return True
    finally:
        os.close(descriptor)
