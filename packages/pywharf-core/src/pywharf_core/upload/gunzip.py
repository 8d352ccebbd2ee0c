"""A gzip stream read forwards only, in bounded memory and with a bound on what comes out."""

from __future__ import annotations

import zlib
from typing import BinaryIO

from pywharf_core.errors import InvalidUpload
from pywharf_core.upload.bombs import check_expansion

_PIECE = 256 * 1024  # bytes
_GZIP = zlib.MAX_WBITS + 16


class NotGzip(InvalidUpload):
    """The stream is not gzip, is damaged, or ends too early."""


class Gunzip:
    """As much of a readable file as ``tarfile`` needs; seeks forwards only.

    One gzip member, as RFC 1952 calls it: readers disagree on what follows the first, so nothing but zeros may.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._inflater = zlib.decompressobj(_GZIP)
        self._ready = bytearray()
        self._position = 0
        self._packed = 0

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes; fewer only at the end.

        :raises InvalidUpload: damaged, cut short or a decompression bomb.
        """
        while len(self._ready) < size and not self._inflater.eof:
            self._fill()
        data = bytes(self._ready[:size])
        del self._ready[:size]
        self._position += len(data)
        return data

    def tell(self) -> int:
        return self._position

    def seek(self, position: int) -> int:
        if position < self._position:
            raise ValueError("this stream goes forwards only")
        while self._position < position and self.read(min(position - self._position, _PIECE)):
            pass
        return self._position

    def _fill(self) -> None:
        packed = self._inflater.unconsumed_tail
        if not packed:
            packed = self._stream.read(_PIECE)
            self._packed += len(packed)
        try:
            piece = self._inflater.decompress(packed, _PIECE)
        except zlib.error as error:
            raise NotGzip("The file is not gzip-compressed, or damaged; it should be a .tar.gz archive.") from error
        if not packed and not piece and not self._inflater.eof:
            raise NotGzip("The file ends too early; upload it whole.")
        self._ready += piece
        check_expansion(self._position + len(self._ready), self._packed)
        if self._inflater.eof:
            self._check_nothing_follows()

    def _check_nothing_follows(self) -> None:
        rest = self._inflater.unused_data
        while rest:
            if rest.strip(b"\0"):
                raise NotGzip("The file goes on behind its gzip stream; build it again with a current tool.")
            rest = self._stream.read(_PIECE)
