"""Steps that survive a power loss once they have returned, and the locks around them.

A file's bytes are safe after fsync of the file; a name is safe after fsync of the folder that holds it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import portalocker

from pywharf_core import StorageUnavailable

_COPY_CHUNK = 1024 * 1024  # bytes


@contextmanager
def store_errors(doing: str) -> Iterator[None]:
    """What the operating system refuses becomes ``StorageUnavailable``; paths stay in the cause, for the log."""
    try:
        yield
    except (OSError, portalocker.exceptions.BaseLockException) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise StorageUnavailable(f"The file-system store cannot be {doing} now: {reason}.") from error


def sync(path: Path) -> None:
    """Fsync of a file or folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folders(path: Path) -> None:
    """``path`` and what is missing above it, each name durable."""
    missing = [path]
    while not missing[-1].parent.is_dir():
        missing.append(missing[-1].parent)
    for folder in reversed(missing):
        with suppress(FileExistsError):
            os.mkdir(folder)
        sync(folder.parent)


def write_new(path: Path, content: bytes) -> None:
    """A file with ``content``, replacing what an earlier death left there; its bytes are durable, its name is not."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    with open(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(descriptor)


def replace_file(path: Path, content: bytes) -> None:
    """``path`` holds the old content or all of the new, at any instant. The caller is the only writer.

    Its name is durable after a later ``sync`` of its folder.
    """
    unfinished = path.with_name(f".{path.name}.tmp")
    write_new(unfinished, content)
    os.rename(unfinished, path)


def copy_new(source: Path, target: Path) -> None:
    """A copy whose bytes are durable; its name is not."""
    with source.open("rb") as reading, target.open("wb") as writing:
        shutil.copyfileobj(reading, writing, _COPY_CHUNK)
        writing.flush()
        os.fsync(writing.fileno())


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Alone among all threads and processes that lock ``path``; waits for its turn."""
    with path.open("ab") as file:
        portalocker.lock(file, portalocker.LockFlags.EXCLUSIVE)
        yield  # closing the file gives the lock back
