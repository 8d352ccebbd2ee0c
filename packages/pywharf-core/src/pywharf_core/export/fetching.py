"""One file out of the storage into a folder: streamed, its hash checked on the way, named only when it is whole."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from pywharf_core.atomic_file import part_of
from pywharf_core.errors import FileChanged, FileNotFound
from pywharf_core.listed_file import FileLost, FileReplaced, open_listed
from pywharf_core.model import DistributionFile
from pywharf_core.repository import Repository

_CHUNK = 1024 * 1024  # bytes


class NotFetched(Exception):
    """The storage does not give the file that is listed; the message is a sentence."""


def fetch(repository: Repository, file: DistributionFile, target: Path, between_pieces: Callable[[], None]) -> None:
    """Let ``target`` be the file, durable; what has that name is replaced.

    :param between_pieces: called often; what it raises ends this.
    :raises NotFetched: the storage lost or damaged it.
    :raises FileUnlisted: it was deleted meanwhile.
    :raises StorageUnavailable: worth another try.
    :raises OSError: ``target`` cannot be written.
    """
    part = part_of(target)
    try:
        with _opened(repository, file) as source, part.open("wb") as written:
            _copy(source, written, file, between_pieces)
            written.flush()
            os.fsync(written.fileno())
        part.replace(target)
    except BaseException as error:
        with suppress(OSError):
            part.unlink()
        if isinstance(error, OSError) and error.filename is None:  # as of a full disk
            error.filename = str(target)
        raise


def _copy(source: BinaryIO, written: BinaryIO, file: DistributionFile, between_pieces: Callable[[], None]) -> None:
    digest = hashlib.sha256()
    while piece := _read(source, file):
        between_pieces()
        digest.update(piece)
        written.write(piece)
    size = written.tell()
    if size != file.size:
        raise NotFetched(f"{file.filename} has {size} bytes in the storage instead of {file.size}; it is damaged.")
    if digest.hexdigest() != file.sha256:
        raise NotFetched(f"{file.filename} has not the bytes that were published: its hash is another one.")


def _read(source: BinaryIO, file: DistributionFile) -> bytes:
    try:
        return source.read(_CHUNK)
    except (FileNotFound, FileChanged) as error:
        raise NotFetched(str(error)) from error
    except OSError as error:
        raise NotFetched(f"{file.filename} cannot be read from the storage: {error.strerror or error}.") from error


def _opened(repository: Repository, file: DistributionFile) -> BinaryIO:
    try:
        return open_listed(repository, file)[0]
    except (FileLost, FileReplaced) as error:
        raise NotFetched(str(error)) from error
