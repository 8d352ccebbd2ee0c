"""Files by the hash of their content, on local disk: whole and verified, or not there.

Nobody depends on it: what the disk does not take, or gave back damaged, is fetched from where it comes from.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from pywharf_github.cache_room import PART, CacheRoom
from pywharf_github.filling import Fetch, Fill, FillingReader

logger = logging.getLogger(__name__)

_MOST_TRUSTED = 50_000  # files of which this process remembers that they are right
_TELL_EVERY = 600.0  # seconds between warnings of a disk that refuses

_Mark = tuple[int, int, int]


class DiskCache:
    """Shared by all processes of a ROOT. Of callers in one process who want the same content, one fetches it.

    A file is believed to be right while its size, inode and time of change are those that it had when this process last
    read it all: the first one who wants it after a start, or after somebody touched it, has its hash computed.

    :param room: how much is kept.
    """

    def __init__(self, folder: Path, room: CacheRoom) -> None:
        self._folder = folder
        self._room = room
        self._lock = threading.RLock()  # a reader that is forgotten closes itself in whichever thread forgets it
        self._fills: dict[str, Fill] = {}
        self._trusted: dict[str, _Mark] = {}
        self._told_at = 0.0

    @classmethod
    def within(cls, folder: Path, max_bytes: int, *, reserve: int) -> DiskCache:
        """See ``CacheRoom``."""
        return cls(folder, CacheRoom(folder, max_bytes=max_bytes, reserve=reserve))

    def at_hand(self, sha256: str, size: int) -> BinaryIO | None:
        """The content, if it is here and known to be right: at the cost of opening it."""
        return self._opened(sha256, size, verify=False)

    def open(self, sha256: str, size: int, fetch: Fetch) -> BinaryIO:
        """The content as a stream at its start. What is not here yet comes in while it is read.

        :param fetch: opens it where it comes from; the stream verifies what is read from start to end.
        :raises FileChanged: before the first byte or before the last: it is not what the hash says.
        :raises WharfError: what ``fetch`` and its stream raise, before the first byte or later.
        """
        stream = self._opened(sha256, size, verify=True)
        if stream is not None:
            return stream
        if not size:  # nothing would ever come in
            return fetch()
        try:
            reader = self._reader(sha256, size, fetch)
        except OSError as error:
            self._tell(_reason(error))
            reader = None
        if reader is None:
            return fetch()
        if not isinstance(reader, FillingReader):
            return reader
        try:
            reader.begin()
        except BaseException:
            reader.close()
            raise
        return cast(BinaryIO, reader)

    def known(self, sha256: str) -> bytes | None:
        """Small content, if it is here."""
        path = self._path(sha256)
        with suppress(OSError):
            content = path.read_bytes()
            if hashlib.sha256(content).hexdigest() == sha256:
                _used(path, path.stat())
                return content
        return None

    def read(self, sha256: str, fetch: Callable[[], bytes]) -> bytes:
        """Small content."""
        content = self.known(sha256)
        if content is None:
            content = fetch()
            self.put(sha256, content)
        return content

    def put(self, sha256: str, content: bytes) -> None:
        """Keep small content, if it has the hash and the disk takes it."""
        if hashlib.sha256(content).hexdigest() != sha256:
            return
        try:
            path = self._path(sha256)
            path.parent.mkdir(parents=True, exist_ok=True)
            if self._room.make(len(content)):
                part = _part_of(path)
                try:
                    part.write_bytes(content)
                    part.rename(path)
                finally:
                    part.unlink(missing_ok=True)
        except OSError as error:
            self._tell(_reason(error))

    def leave_reserve(self) -> None:
        """See ``CacheRoom.leave_reserve``."""
        self._room.leave_reserve()

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256

    def _opened(self, sha256: str, size: int, *, verify: bool) -> BinaryIO | None:
        """:param verify: compute the hash, if it is not known to be right."""
        path = self._path(sha256)
        try:
            stream = path.open("rb")
        except OSError:  # it is no file, or none that can be read
            return None
        try:
            found = os.fstat(stream.fileno())
            if self._trusted.get(sha256) != _mark(found) or found.st_size != size:
                if not verify:
                    stream.close()
                    return None
                if found.st_size != size or hashlib.file_digest(stream, "sha256").hexdigest() != sha256:
                    stream.close()
                    self._drop(path)
                    return None
                stream.seek(0)
                self._trust(sha256, found)
            _used(path, found)
        except OSError:
            stream.close()
            return None
        return stream

    def _drop(self, path: Path) -> None:
        logger.warning("a file of the cache was damaged; it is fetched again", extra={"path": str(path)})
        with suppress(OSError):
            path.unlink()

    def _reader(self, sha256: str, size: int, fetch: Fetch) -> FillingReader | BinaryIO | None:
        """None: there is no room. It may have been kept just now."""
        with self._lock:
            is_coming = sha256 in self._fills
            promised = sum(fill.size - fill.filled for fill in list(self._fills.values()))
        path = self._path(sha256)
        if not is_coming:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not self._room.make(size, promised):
                if size <= self._room.max_bytes:
                    self._tell("the disk has too little room left")
                return None
        with self._lock:
            fill = self._fills.get(sha256)
            if fill is None:
                if (kept := self.at_hand(sha256, size)) is not None:
                    return kept
                part = _part_of(path)
                fill = Fill(
                    part,
                    sha256,
                    size,
                    make_room=self._room.make,
                    keep=partial(self._keep, part, path),
                    over=partial(self._over, sha256),
                )
                self._fills[sha256] = fill
            fill.readers += 1
        return FillingReader(fill, fetch, partial(self._leave, fill))

    def _keep(self, part: Path, path: Path, file: int) -> None:
        os.fsync(file)  # else a power loss could leave the name without the bytes
        part.rename(path)
        self._trust(path.name, os.fstat(file))

    def _over(self, sha256: str) -> None:
        with self._lock:
            self._fills.pop(sha256, None)

    def _leave(self, fill: Fill) -> None:
        with self._lock:
            fill.readers -= 1
            if fill.readers:
                return
            if self._fills.get(fill.sha256) is fill:
                del self._fills[fill.sha256]
        fill.close()

    def _trust(self, sha256: str, found: os.stat_result) -> None:
        if len(self._trusted) >= _MOST_TRUSTED:
            self._trusted.clear()
        self._trusted[sha256] = _mark(found)

    def _tell(self, reason: str) -> None:
        now = time.monotonic()
        if not self._told_at or now - self._told_at > _TELL_EVERY:
            self._told_at = now
            extra = {"path": str(self._folder), "error": reason}
            logger.warning("the cache cannot be used now; files are served without it", extra=extra)


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _mark(found: os.stat_result) -> _Mark:
    return found.st_ino, found.st_size, found.st_mtime_ns


def _used(path: Path, found: os.stat_result) -> None:
    """Of all processes' uses the time of the last one tells what goes first; the time of change stays, as a mark."""
    with suppress(OSError):
        os.utime(path, ns=(time.time_ns(), found.st_mtime_ns))


def _part_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}{PART}")
