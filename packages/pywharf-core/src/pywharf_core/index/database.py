"""The SQLite file below the local index: its tables, its connections, and one writer at a time.

WAL with ``synchronous=FULL``: a committed transaction survives a power loss. Writers of all processes take turns under
a file lock, because SQLite's own waiting starves them.
"""

from __future__ import annotations

import logging
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import portalocker

from pywharf_core.change_counter import ChangeCounter
from pywharf_core.errors import PluginError

logger = logging.getLogger(__name__)

_FORMAT = 4  # raised when the tables change: an index of another format is built anew from the storage

_SCHEMA = """
create table meta (key text primary key, value any) strict, without rowid;
create table project (
    name text primary key,
    status text not null,
    reason text,
    reserved integer not null,
    files integer not null,
    revision integer not null,     -- of the index when anything about the project last changed
    state_changed integer not null -- of the index when status, reason or reservation were last written
) strict, without rowid;
create table file (
    filename text primary key,
    project text not null,
    record text not null,          -- JSON, see model.to_record
    fingerprint text not null,
    complete integer not null,     -- 0: its core metadata still has to be read out of the file
    changed integer not null,      -- revision of the index when the row was written
    canonical text not null,       -- equal for all spellings of the filename, see filenames.canonical_filename
    release blob not null,         -- equal for equal versions, sorts as they do, see version_key
    offered integer not null,      -- see release_lines.offered
    uploaded real not null,        -- Unix seconds
    version text not null          -- as the file has it
) strict;
create index file_of_project on file (project, release, offered, uploaded, version);
create index file_by_canonical on file (canonical);
create index incomplete_file on file (filename) where complete = 0;
create table tombstone (
    filename text primary key, project text not null, sha256 text not null, changed integer not null
) strict, without rowid;
create index tombstone_of_project on tombstone (project);
create table refused (filename text primary key, reason text not null) strict, without rowid;
create table pending (             -- changes that the remote index does not show yet, in their order
    id integer primary key,
    store text not null,           -- which storage was changed
    kind text not null,
    filename text not null,
    record text not null,          -- JSON
    made integer not null,         -- 0: an intent: whether the storage made the change is not known
    since real not null            -- Unix seconds
) strict;
create index pending_of_file on pending (filename);
create table card (                -- what people are shown of a project that has files
    id integer primary key,        -- rowid of its words
    project text not null unique,
    name text not null,            -- as its metadata spells it
    summary text not null,
    version text not null,         -- the latest
    releases integer not null,
    uploaded real not null,        -- Unix seconds, of the last file
    yanked integer not null        -- 1: all releases are
) strict;
create index card_by_upload on card (uploaded);
create virtual table words using fts5 (name, summary, tokenize = 'unicode61 remove_diacritics 2');
create table part (                -- of the remote index, as it was read last
    name text primary key, revision text not null, content blob not null  -- zlib
) strict, without rowid;
"""


class IndexDatabase:
    """One repository's SQLite file, for many threads.

    :param path: of the file; its folder exists.
    :param lock: a file of its own whose lock lets one writer in, of all processes.
    :ivar follow: a function to be called now and then, in case that the file behind ``version`` was removed.
    :ivar version: a function whose number differs from the last one if anybody, in any process, committed since.
    """

    def __init__(self, path: Path, lock: Path) -> None:
        self._path = path
        self._lock_path = lock
        self._turn = threading.Lock()
        self._idle: queue.SimpleQueue[tuple[int, sqlite3.Connection]] = queue.SimpleQueue()
        self._closed = False
        self._inode_at: tuple[int, int] | None = None
        self._counter = ChangeCounter(path.with_suffix(".changes"))
        self.version = self._counter.value
        self.follow = self._counter.follow
        with self._alone():
            self._writer = self._open_or_rebuild()
            self._counter.change()  # for a writer that died between its commit and its word
            self._writer_inode = self._inode()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A snapshot: all statements inside see the same state."""
        inode, connection = self._reader()
        try:
            connection.execute("begin")
            yield connection
        finally:
            if connection.in_transaction:
                connection.execute("rollback")
            if self._closed:
                connection.close()
            else:
                self._idle.put((inode, connection))

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction, alone among all processes; durable when the block is left without an error."""
        with self._alone():
            if self._writer_inode != self._inode_now():
                self._writer.close()
                self._writer = self._open_or_rebuild()
                self._writer_inode = self._inode_now()
                self._counter.change()  # whether or not this commits, readers are to look at the new file
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
                self._idle.get_nowait()[1].close()

    def _reader(self) -> tuple[int, sqlite3.Connection]:
        inode = self._inode()
        with suppress(queue.Empty):
            while True:
                found, connection = self._idle.get_nowait()
                if found == inode:
                    return found, connection
                connection.close()
        return inode, self._connect_to_what_is_there()

    def _inode(self) -> int:
        """Which file this is now: another process may have built the index anew. 0: it is gone."""
        number = self._counter.value()
        if self._inode_at is None or self._inode_at[0] != number:
            inode = self._inode_now()
            if not inode:
                return 0
            self._inode_at = number, inode
        return self._inode_at[1]

    def _inode_now(self) -> int:
        try:
            return os.stat(self._path).st_ino
        except FileNotFoundError:
            return 0

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._turn, self._lock_path.open("ab") as lock:
            portalocker.lock(lock, portalocker.LockFlags.EXCLUSIVE)
            yield

    def _connect(self) -> sqlite3.Connection:
        connection = self._connect_to_anything()
        connection.execute("pragma synchronous = full")
        return connection

    def _connect_to_what_is_there(self) -> sqlite3.Connection:
        """For readers: who removed the file while we run gets an error until the next writer, not an empty index."""
        address = f"{self._path.absolute().as_uri()}?mode=rw"
        return sqlite3.connect(address, uri=True, timeout=30, isolation_level=None, check_same_thread=False)

    def _connect_to_anything(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=30, isolation_level=None, check_same_thread=False)

    def _open_or_rebuild(self) -> sqlite3.Connection:
        connection = self._connect_to_anything()
        try:
            connection.execute("pragma synchronous = full")
            (found,) = connection.execute("pragma user_version").fetchone()
            if found == _FORMAT:
                (verdict,) = connection.execute("pragma quick_check(1)").fetchone()  # 0.1 s for 100,000 files
                if verdict == "ok":
                    return connection
                raise sqlite3.DatabaseError(verdict)
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
        # Revisions go on from a number that no earlier index can have reached: pages are remembered by them.
        first = time.time_ns() // 1000
        try:
            connection.executescript(f"begin; {_SCHEMA} pragma user_version = {_FORMAT};")
        except sqlite3.OperationalError as error:
            if "no such module" not in str(error):
                raise
            connection.close()
            raise PluginError(
                "The SQLite of this Python has no full-text search (FTS5), which the local index needs; use a Python whose "
                "SQLite has it, as those of python.org, of Debian and of uv do."
            ) from error
        connection.executemany("insert into meta values (?, ?)", [("revision", first), ("built", first)])
        connection.execute("commit")
        return connection
