"""A file on its way to the local disk, served meanwhile: whoever reads it fetches what is not there yet.

There is no thread of its own, so nothing is fetched that nobody waits for, and the secret of who asked is kept no longer
than somebody reads. One reader fetches at a time, the others read what came; when the last one goes before all is there,
what came is dropped.
"""

from __future__ import annotations

import copy
import hashlib
import io
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from pywharf_core import FileChanged, NotAuthenticated, NotPermitted, WharfError

Fetch = Callable[[], BinaryIO]

_SMALLEST, _LARGEST = 64 * 1024, 256 * 1024  # bytes of a piece: soon where the network is slow, few where it is fast
_QUICK, _SLOW = 0.05, 0.5  # seconds that a piece takes, from which the next one is larger, or smaller
_FIRST = 1024 * 1024  # bytes that are there before an answer begins, so that small files are verified before
_FIRST_WITHIN = 1.0  # seconds; then whatever is there
_JUMP = 1024 * 1024  # bytes ahead of what is there, beyond which a reader is better served without waiting for them


class DiskRefuses(Exception):
    """The local disk does not take any more of it."""


class Fill:
    """One content that comes into a file. For many threads.

    :param part: where it comes to; made here.
    :param make_room: called with a number of bytes when the disk is full.
    :param keep: called once all is there and has its hash, with the file's descriptor; renames it.
    :param over: called once when no more readers may join: it is whole, or cannot become so.
    :raises OSError: the disk does not take it.
    """

    def __init__(
        self,
        part: Path,
        sha256: str,
        size: int,
        *,
        make_room: Callable[[int], object],
        keep: Callable[[int], object],
        over: Callable[[], object],
    ) -> None:
        self.sha256, self.size = sha256, size
        self.readers = 0  # counted by the cache
        self.filled = 0  # bytes that may be read
        self._part = part
        self._make_room = make_room
        self._keep = keep
        self._over = over
        self._turn = threading.Lock()
        self._source: BinaryIO | None = None
        self._source_of: Fetch | None = None  # whose secret opened it
        self._digest = hashlib.sha256()
        self._piece = _SMALLEST
        self._failure: WharfError | DiskRefuses | None = None
        self._file = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def begin(self, fetch: Fetch) -> None:
        """Return when the first bytes are there, or all of a small file.

        :raises DiskRefuses: so in ``read``; what ``fetch`` and its stream raise, likewise.
        """
        until = time.monotonic() + _FIRST_WITHIN
        while not self.filled or (self.filled < min(self.size, _FIRST) and time.monotonic() < until):
            self._fetch_beyond(self.filled, fetch)

    def read(self, position: int, most: int, fetch: Fetch) -> bytes:
        """At least one byte from ``position`` < size on, as soon as it is there."""
        if self.filled <= position:
            self._fetch_beyond(position, fetch)
        return os.pread(self._file, min(most, self.filled - position), position)

    def digest_of(self, length: int) -> hashlib._Hash:
        """Of the first ``length`` bytes, which are there."""
        digest = hashlib.sha256()
        for start in range(0, length, _LARGEST):
            digest.update(os.pread(self._file, min(_LARGEST, length - start), start))
        return digest

    def close(self) -> None:
        """Nobody reads it any more. What was not kept is gone."""
        self._drop_source()
        os.close(self._file)
        with suppress(OSError):
            self._part.unlink()

    def _fetch_beyond(self, position: int, fetch: Fetch) -> None:
        with self._turn:
            while self.filled <= position:
                if self._failure is not None:
                    raise copy.copy(self._failure) from self._failure
                try:
                    self._take_piece(fetch)
                except (NotAuthenticated, NotPermitted):  # it is about one reader's secret
                    is_about_us = self._source_of is fetch
                    self._drop_source()
                    if is_about_us:
                        raise
                except (WharfError, DiskRefuses) as failure:
                    self._failure = failure
                    self._drop_source()
                    self._over()
                    raise

    def _take_piece(self, fetch: Fetch) -> None:
        if self._source is None:
            self._source_of = fetch
            self._source = fetch()
            self._source.seek(self.filled)
        began = time.monotonic()
        piece = self._source.read(min(self._piece, self.size - self.filled))
        took = time.monotonic() - began
        if took < _QUICK:
            self._piece = min(self._piece * 2, _LARGEST)
        elif took > _SLOW:
            self._piece = max(self._piece // 2, _SMALLEST)
        end = self.filled + len(piece)
        self._write(piece)
        self._digest.update(piece)
        if end == self.size or not piece:
            self._drop_source()
            if end != self.size or self._digest.hexdigest() != self.sha256:
                raise FileChanged("GitHub's storage gives other bytes than were published.")
            self.filled = end  # only now: nobody has the last bytes of a file that is not the right one
            with suppress(OSError):  # then it is served this once
                self._keep(self._file)
            self._over()
        self.filled = end

    def _write(self, piece: bytes) -> None:
        rest, at = memoryview(piece), self.filled
        for is_last_try in (False, True):
            try:
                while rest:
                    written = os.pwrite(self._file, rest, at)
                    rest, at = rest[written:], at + written
                return
            except OSError as error:
                if is_last_try:
                    raise DiskRefuses from error
                with suppress(OSError):
                    self._make_room(self.size - self.filled)

    def _drop_source(self) -> None:
        source, self._source = self._source, None
        if source is not None:
            source.close()


class FillingReader(io.RawIOBase):
    """One reader of a ``Fill``: what it reads from start to end has the hash, or its last read raises.

    It goes on alone, straight from the source, where the disk refuses, and for a place that is far from being there.

    :param leave: called once when it is closed.
    """

    def __init__(self, fill: Fill, fetch: Fetch, leave: Callable[[], object]) -> None:
        super().__init__()
        self._fill = fill
        self._fetch: Fetch | None = fetch
        self._leave = leave
        self._position = 0
        self._in_order = 0  # bytes that were read one after the other from the start
        self._alone: BinaryIO | None = None
        self._digest: hashlib._Hash | None = None  # of what was read in order, where the fill does not verify it

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._fill.size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def begin(self) -> None:
        """See ``Fill.begin``."""
        assert self._fetch is not None, "not closed"
        try:
            self._fill.begin(self._fetch)
        except DiskRefuses:
            self._go_alone()

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]  # RawIOBase knows no narrower type
        wanted = min(len(view), self._fill.size - self._position)
        if wanted <= 0:
            return 0
        piece = self._read(wanted)
        view[: len(piece)] = piece
        if self._position == self._in_order:
            self._in_order += len(piece)
        self._position += len(piece)
        return len(piece)

    def close(self) -> None:
        if not self.closed:
            super().close()
            if self._alone is not None:
                self._alone.close()
            self._alone = self._fetch = None
            self._leave()

    def _read(self, wanted: int) -> bytes:
        if self._fetch is None:
            raise ValueError("read of a closed file")
        if self._alone is None and self._position - self._fill.filled > _JUMP:
            self._go_alone()
        if self._alone is None:
            try:
                return self._fill.read(self._position, wanted, self._fetch)
            except DiskRefuses:
                self._go_alone()
        return self._read_alone(wanted)

    def _go_alone(self) -> None:
        assert self._fetch is not None, "not closed"
        self._alone = self._fetch()
        if self._position == self._in_order:
            self._digest = self._fill.digest_of(self._position)

    def _read_alone(self, wanted: int) -> bytes:
        assert self._alone is not None, "went alone before"
        if self._alone.tell() != self._position:
            self._alone.seek(self._position)
        piece = self._alone.read(min(wanted, _SMALLEST))
        if self._digest is not None and self._position == self._in_order:
            self._digest.update(piece)
            is_end = self._position + len(piece) == self._fill.size
            if is_end and self._digest.hexdigest() != self._fill.sha256:
                raise FileChanged("GitHub's storage gives other bytes than were published.")
        return piece
