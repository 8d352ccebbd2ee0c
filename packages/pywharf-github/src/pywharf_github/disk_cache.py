"""Files by the hash of their content, on local disk: complete and verified, or not there."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import portalocker

from pywharf_core import StorageUnavailable

MAX_BYTES = 20 * 1024**3
SPARED_FOR = 3600.0  # seconds after the last use, in which nobody's open file is removed
_CHUNK = 1024 * 1024  # bytes
_LOCKS = 64  # files; waiting for a neighbour's download is rare, files that pile up are for ever


class DiskCache:
    """Shared by all processes of a ROOT. Of callers who want the same content, one fetches it.

    :param max_bytes: about what is kept; the longest unused goes first.
    :param spared_for: seconds after its last use for which a file stays, whatever it takes.
    """

    def __init__(self, folder: Path, *, max_bytes: int = MAX_BYTES, spared_for: float = SPARED_FOR) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._spared_for = spared_for
        self._counting = threading.Lock()
        self._unlooked = max_bytes  # bytes that came since all of it was looked at: at first nobody knows what is there

    def get(self, sha256: str, fetch: Callable[[], BinaryIO]) -> Path:
        """Where the content lies; ``fetch`` opens it if it is not here yet.

        :raises StorageUnavailable: it has another hash, or the disk does not take it; what ``fetch`` raises.
        """
        path = self._folder / sha256[:2] / sha256
        with _disk_errors():
            if _touched(path):
                return path
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._alone(sha256):
                if not _touched(path):
                    self._fill(path, sha256, fetch)
                    self._make_room(path.stat().st_size, spared=path)
            return path

    def read(self, sha256: str, fetch: Callable[[], bytes]) -> bytes:
        """Small content; a disk that does not take it is no obstacle."""
        path = self._folder / sha256[:2] / sha256
        with contextlib.suppress(OSError):
            content = path.read_bytes()
            if hashlib.sha256(content).hexdigest() == sha256:
                _touched(path)
                return content
        content = fetch()
        if hashlib.sha256(content).hexdigest() == sha256:
            with contextlib.suppress(OSError):
                path.parent.mkdir(parents=True, exist_ok=True)
                part = _part_of(path)
                part.write_bytes(content)
                part.rename(path)
                self._make_room(len(content), spared=path)
        return content

    def _fill(self, path: Path, sha256: str, fetch: Callable[[], BinaryIO]) -> None:
        part = _part_of(path)
        digest = hashlib.sha256()
        try:
            with fetch() as source, part.open("wb") as target:
                while chunk := source.read(_CHUNK):
                    digest.update(chunk)
                    target.write(chunk)
                target.flush()
                os.fsync(target.fileno())  # else a power loss could leave the name without the bytes
            if digest.hexdigest() != sha256:
                raise StorageUnavailable("GitHub's storage gives other bytes than were published.")
            part.rename(path)
        finally:
            part.unlink(missing_ok=True)

    def _make_room(self, added: int, *, spared: Path) -> None:
        """Looks at all files, so only after a twentieth of what is kept came new."""
        with self._counting:
            self._unlooked += added
            if self._unlooked < self._max_bytes // 20:
                return
            self._unlooked = 0
        found = []
        for path in self._folder.glob("??/*"):
            with contextlib.suppress(FileNotFoundError):
                stat = path.stat()
                found.append((stat.st_mtime, stat.st_size, path))
        total = sum(size for _, size, _ in found)
        since = time.time() - self._spared_for
        for used, size, path in sorted(found):
            if total <= self._max_bytes or used > since:
                return
            if path != spared:
                path.unlink(missing_ok=True)
                total -= size

    @contextmanager
    def _alone(self, sha256: str) -> Iterator[None]:
        folder = self._folder / "lock"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / str(int(sha256[:8], 16) % _LOCKS)).open("ab") as file:
            portalocker.lock(file, portalocker.LockFlags.EXCLUSIVE)
            yield  # closing the file gives the lock back


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except (OSError, portalocker.exceptions.BaseLockException) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise StorageUnavailable(f"The cache of downloads cannot be used now: {reason}.") from error


def _touched(path: Path) -> bool:
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def _part_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}.part")
