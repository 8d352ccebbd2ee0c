"""The local index of one repository: questions in one snapshot, changes in one durable transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pywharf_core.filenames import canonical_filename
from pywharf_core.index.change import IndexChange
from pywharf_core.index.database import IndexDatabase
from pywharf_core.index.snapshot import IndexSnapshot
from pywharf_core.index.turns import turn
from pywharf_core.model import DistributionFile


class LocalIndex:
    """Opens, asks and changes the index of one repository; for many threads.

    :param path: of the SQLite file; its folder exists.
    :param lock: a file of its own for the writers' lock.
    :ivar follow: see ``IndexDatabase``.
    :ivar version: a function; its number differs from the last one if anybody, in any process, changed the index since.
    """

    def __init__(self, path: Path, lock: Path) -> None:
        self._database = IndexDatabase(path, lock)
        self._lock = lock
        self.version = self._database.version
        self.follow = self._database.follow

    @contextmanager
    def reading(self) -> Iterator[IndexSnapshot]:
        with self._database.reading() as connection:
            yield IndexSnapshot(connection)

    @contextmanager
    def changing(self) -> Iterator[IndexChange]:
        """Durable and visible to all processes when the block is left without an error; nothing changed otherwise."""
        with self._database.writing() as connection:
            change = IndexChange(connection)
            yield change
            change.settle()

    @contextmanager
    def publishing(self, file: DistributionFile) -> Iterator[None]:
        """Nobody publishes the same distribution under another spelling of its filename at the same time.

        All who use the one spelling that today's tools write need not wait for each other.
        """
        canonical = canonical_filename(file.filename, file.project, file.version)
        digest = hashlib.sha256(canonical.encode()).hexdigest()[:32]
        path = self._lock.with_name(f"{self._lock.stem}-{digest}.lock")
        with turn(path, alone=file.filename != canonical):
            yield

    def close(self) -> None:
        self._database.close()
