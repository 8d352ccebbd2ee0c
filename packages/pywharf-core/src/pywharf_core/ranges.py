"""A file that can be read from any place, made of a function that reads one range of its bytes.

Object stores and databases have that function; ``Storage.open_file`` wants a stream.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import BinaryIO

_READ_AHEAD = 256 * 1024  # bytes that are asked for at once, where the reader wants less


def open_ranges(size: int, read: Callable[[int, int], bytes], close: Callable[[], object] = lambda: None) -> BinaryIO:
    """A stream of ``size`` bytes that asks ``read`` for what its reader wants.

    :param read: ``read(start, stop)`` are the bytes from ``start`` up to ``stop``, both in bytes from the file's beginning
        and within it. It is called from many threads, but never from two at once; its errors are the stream's. An answer
        of no bytes ends the stream.
    :param close: called once, when the stream is closed or forgotten.
    """
    return io.BufferedReader(_Ranges(size, read, close), _READ_AHEAD)


class _Ranges(io.RawIOBase):
    def __init__(self, size: int, read: Callable[[int, int], bytes], close: Callable[[], object]) -> None:
        super().__init__()
        self._size = size
        self._read = read
        self._close = close
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]  # RawIOBase knows no narrower type
        stop = min(self._position + len(view), self._size)
        if stop <= self._position:
            return 0
        piece = self._read(self._position, stop)
        view[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._close()
