"""The SQLite file below the local index: its tables, its connections, and one writer at a time.

WAL with ``synchronous=FULL``: a committed transaction survives a power loss. Writers of all processes take turns under
a file lock, because SQLite's own waiting starves them.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import portalocker

from pywharf_core.change_counter import ChangeCounter

logger = logging.getLogger(__name__)

_FORMAT = 1  # raised when the tables change: an index of another format is built anew from the storage

_SCHEMA = """
create table meta (key text primary key, value any) strict, without rowid;
create table project (
    name text primary key,
    status text not null,
    reason text,
    reserved integer not null,
    files integer not null,
    revision integer not null      -- of the index when anything about the project last changed
) strict, without rowid;
create table file (
    filename text primary key,
    project text not null,
    record text not null,          -- JSON, see model.to_record
    fingerprint text not null,
    complete integer not null,     -- 0: its core metadata still has to be read out of the file
    changed integer not null       -- revision of the index when the row was written
) strict;
create index file_of_project on file (project);
create index incomplete_file on file (filename) where complete = 0;
create table tombstone (
    filename text primary key, project text not null, sha256 text not null, changed integer not null
) strict, without rowid;
create table refused (filename text primary key, reason text not null) strict, without rowid;
create table pending (             -- intents that a remote index does not show yet, in their order
    id integer primary key, kind text not null, filename text not null, record text not null, created real not null
) strict;
"""


class IndexDatabase:
    """One repository's SQLite file, for many threads.

    :param path: of the file; its folder exists.
    :param lock: a file of its own whose lock lets one writer in, of all processes.
    :ivar version: a function whose number differs from the last one if anybody, in any process, committed since.
    """

    def __init__(self, path: Path, lock: Path) -> None:
        self._path = path
        self._lock_path = lock
        self._turn = threading.Lock()
        self._idle: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        self._closed = False
        self._counter = ChangeCounter(path.with_suffix(".changes"))
        self.version = self._counter.value
        with self._alone():
            self._writer = self._open_or_rebuild()
            self._counter.change()  # for a writer that died between its commit and its word

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A snapshot: all statements inside see the same state."""
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            connection = self._connect()
        try:
            connection.execute("begin")
            yield connection
        finally:
            connection.execute("rollback")
            if self._closed:
                connection.close()
            else:
                self._idle.put(connection)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction, alone among all processes; durable when the block is left without an error."""
        with self._alone():
            self._writer.execute("begin immediate")
            try:
                yield self._writer
            except BaseException:
                self._writer.execute("rollback")
                raise
            self._counter.change()
            self._writer.execute("commit")
            self._counter.change()

    def close(self) -> None:
        """Close what is idle; a reader at work closes its own connection when it is done."""
        self._closed = True
        with self._turn:
            self._writer.close()
        with suppress(queue.Empty):
            while True:
                self._idle.get_nowait().close()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._turn, self._lock_path.open("ab") as lock:
            portalocker.lock(lock, portalocker.LockFlags.EXCLUSIVE)
            yield

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=30, isolation_level=None, check_same_thread=False)
        connection.execute("pragma synchronous = full")
        return connection

    def _open_or_rebuild(self) -> sqlite3.Connection:
        connection = self._connect()
        try:
            (found,) = connection.execute("pragma user_version").fetchone()
            if found == _FORMAT:
                connection.execute("select count(*) from meta").fetchone()
                return connection
            if found == 0 and not connection.execute("select 1 from sqlite_schema").fetchone():
                return self._create(connection)
            logger.warning("the local index has another format and is built anew", extra={"format": found})
        except sqlite3.DatabaseError as error:
            logger.warning("the local index is damaged and is built anew", extra={"error": str(error)})
        connection.close()
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        return self._create(self._connect())

    @staticmethod
    def _create(connection: sqlite3.Connection) -> sqlite3.Connection:
        connection.execute("pragma journal_mode = wal")
        connection.executescript(f"begin; {_SCHEMA} pragma user_version = {_FORMAT}; commit;")
        return connection
