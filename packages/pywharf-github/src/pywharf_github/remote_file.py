"""A file on GitHub as a stream that can be read from any place, without a copy on disk."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from contextlib import closing
from http import HTTPStatus
from typing import TYPE_CHECKING

from pywharf_core import DistributionFile, FileChanged, FileNotFound, StorageUnavailable
from pywharf_github.answers import AnswerLost

if TYPE_CHECKING:
    import requests

BUFFER = 128 * 1024  # bytes read at once
_TAIL = 256 * 1024  # bytes; in them lie a zip archive's directory and, mostly, a wheel's metadata
_SKIP = 512 * 1024  # bytes that are quicker read than left out by a new request
_EXPIRED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


class RemoteFile(io.RawIOBase):
    """Reads ``file`` by as few requests as its reader's jumps allow; read from start to end, its hash is checked.

    :param begin: opens the bytes from a place on; the second argument is True when a signed address may have expired.
    """

    def __init__(
        self, file: DistributionFile, begin: Callable[[int, bool], requests.Response], first: requests.Response | None
    ) -> None:
        super().__init__()
        self._file = file
        self._begin = begin
        self._response = first  # its next byte is the one at _response_at
        self._response_at = 0
        self._position = 0
        self._tail_at = max(0, file.size - _TAIL)
        self._tail: bytes | None = None  # read whole at the first jump into it
        self._digest = hashlib.sha256()
        self._digested = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._file.size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]  # RawIOBase knows no narrower type
        wanted = min(len(view), self._file.size - self._position)
        if wanted <= 0:
            return 0
        piece = self._read(wanted)
        view[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        self._drop()
        super().close()

    def _read(self, wanted: int) -> bytes:
        for is_last_try in (False, True):
            try:
                piece = self._try_to_read(wanted)
                break
            except AnswerLost:
                self._drop()
                if is_last_try:
                    raise
        self._position += len(piece)
        self._check(piece)
        return piece

    def _try_to_read(self, wanted: int) -> bytes:
        is_next = self._response is not None and 0 <= self._position - self._response_at <= _SKIP
        if not is_next and self._position >= max(1, self._tail_at):
            if self._tail is None:
                self._tail = self._read_tail()
            start = self._position - self._tail_at
            return self._tail[start : start + wanted]
        if not is_next:
            self._open(self._position)
        self._skip_to(self._position)
        return self._next_piece(wanted)

    def _read_tail(self) -> bytes:
        self._open(self._tail_at)
        self._skip_to(self._tail_at)
        pieces = []
        while self._response_at < self._file.size:
            pieces.append(self._next_piece(self._file.size - self._response_at))
        return b"".join(pieces)

    def _open(self, position: int) -> None:
        self._drop()
        response = self._begin(position, False)
        if response.status_code in _EXPIRED:
            response.close()
            response = self._begin(position, True)
        if response.status_code == HTTPStatus.PARTIAL_CONTENT:
            self._response_at = position
        elif response.status_code == HTTPStatus.OK:
            self._response_at = 0
        else:
            response.close()
            if response.status_code == HTTPStatus.NOT_FOUND:
                raise FileNotFound(f"{self._file.filename} is not on GitHub's storage.")
            raise StorageUnavailable(f"GitHub's storage does not give {self._file.filename} right now.")
        if _total_size(response) not in (None, self._file.size):  # else it would look as if the rest were cut off
            response.close()
            raise self._other_bytes()
        self._response = response

    def _skip_to(self, position: int) -> None:
        while self._response_at < position:
            self._next_piece(min(BUFFER, position - self._response_at))

    def _next_piece(self, size: int) -> bytes:
        # Here, as the module's own imports are slow; it is loaded by now.
        from pywharf_github.connection import read_piece

        assert self._response is not None, "opened before"
        piece = read_piece(self._response, size)
        if not piece:
            raise AnswerLost(f"GitHub's storage ended {self._file.filename} too early.")
        self._response_at += len(piece)
        return piece

    def _check(self, piece: bytes) -> None:
        if self._position - len(piece) != self._digested:
            return
        self._digest.update(piece)
        self._digested = self._position
        if self._digested == self._file.size and self._digest.hexdigest() != self._file.sha256:
            raise self._other_bytes()

    def _other_bytes(self) -> FileChanged:
        return FileChanged(f"GitHub's storage gives other bytes for {self._file.filename} than were published.")

    def _drop(self) -> None:
        if self._response is not None:
            with closing(self._response):
                self._response = None


def _total_size(response: requests.Response) -> int | None:
    """Bytes of the whole file, as its storage has it; None: it does not say."""
    told = response.headers.get("content-length", "")
    if response.status_code == HTTPStatus.PARTIAL_CONTENT:
        told = response.headers.get("content-range", "").rpartition("/")[2]
    return int(told) if told.isdecimal() else None
