"""What tells whether a file, or what its sidecar says, changed: taken from ``stat`` alone.

Size and time of modification miss a replacement that keeps both (``cp -p``, ``rsync -t``); the inode misses writing in
place; the time of change sees both. ``<size>.<mtime>.<inode>.<ctime>|<the sidecar's>``, times in ns, ``-`` for no sidecar.
"""

from __future__ import annotations

import hashlib
import os
from typing import BinaryIO

from pywharf_core import DistributionFile

SETTLED_AFTER_NS = 2_000_000_000  # younger files may be half copied, and clocks of file systems are coarse
_CHUNK = 1024 * 1024  # bytes


def fingerprint(file: os.stat_result, sidecar: os.stat_result | None) -> str:
    return f"{_signature(file)}|{'-' if sidecar is None else _signature(sidecar)}"


def same_place(known: str, file: os.stat_result) -> bool:
    """Whether at most the time of change is another than in ``known``: by a new link, owner or mode, or by trickery."""
    return known.partition("|")[0].rpartition(".")[0] == _signature(file).rpartition(".")[0]


def only_file_changed(known: str, now: str) -> bool:
    """Whether the file is another while its sidecar is not; what changes modes and links meets both."""
    known_file, _, known_sidecar = known.partition("|")
    now_file, _, now_sidecar = now.partition("|")
    return known_file != now_file and known_sidecar == now_sidecar


def is_settled(stat: os.stat_result, known: str | None, before_ns: int) -> bool:
    """Whether nobody wrote to the file since ``before_ns``; a new mode or link of a ``known`` file is no writing."""
    if stat.st_mtime_ns > before_ns:
        return False
    return stat.st_ctime_ns <= before_ns or (known is not None and same_place(known, stat))


def sha256_of(stream: BinaryIO) -> str:
    """Of what is left in ``stream``."""
    digest = hashlib.sha256()
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def is_listed(stream: BinaryIO, file: DistributionFile) -> bool:
    """Whether the open file is the one that ``file`` describes; ``stream`` is at its start before and after.

    Reads it only when nothing but its time of change is new: a backup by hard links must not make it unservable.
    """
    stat = os.fstat(stream.fileno())
    if file.fingerprint.partition("|")[0] == _signature(stat):
        return True
    if not same_place(file.fingerprint, stat):
        return False
    same = sha256_of(stream) == file.sha256
    stream.seek(0)
    return same


def _signature(stat: os.stat_result) -> str:
    return f"{stat.st_size}.{stat.st_mtime_ns}.{stat.st_ino}.{stat.st_ctime_ns}"
