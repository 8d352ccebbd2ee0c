"""Digests of what is read, by the names that uploads have for them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import BinaryIO

_NEW_DIGEST: Mapping[str, Callable[[], hashlib._Hash | hashlib.blake2b]] = {
    "sha256": hashlib.sha256,
    "md5": lambda: hashlib.md5(usedforsecurity=False),
    "blake2b_256": lambda: hashlib.blake2b(digest_size=32),
}

#: Names of digests that are known here.
KNOWN_DIGESTS = frozenset(_NEW_DIGEST)


def new_digest(name: str) -> hashlib._Hash | hashlib.blake2b:
    """An empty ``sha256``, ``md5`` or ``blake2b_256``, for bytes that pass by; of a file see ``digest_of``."""
    return _NEW_DIGEST[name]()


def digest_of(stream: BinaryIO, name: str = "sha256", between_pieces: Callable[[], None] | None = None) -> str:
    """Of what is left in ``stream``, in lower-case hex.

    :param name: as for ``new_digest``, or another one that ``hashlib`` has.
    :param between_pieces: called often; what it raises ends this.
    :raises ValueError: nobody knows the name.
    :raises OSError: it cannot be read.
    """
    watched = _Watched(stream, between_pieces or _go_on)
    return hashlib.file_digest(watched, _NEW_DIGEST.get(name, name)).hexdigest()


class _Watched:
    """A stream as ``hashlib`` wants it, which asks before each piece whether to go on."""

    def __init__(self, stream: BinaryIO, before_each: Callable[[], None]) -> None:
        self._stream = stream
        self._before_each = before_each

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:
        self._before_each()
        piece = self._stream.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


def _go_on() -> None:
    pass
