"""A storage for pywharf that keeps a whole repository in one SQLite database."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, ClassVar

import click

from pywharf_core import ObjectStorage, StorageType, StorageUnavailable, hookimpl, open_ranges, option

SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS object (revision INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT UNIQUE, content BLOB);
"""


class ExampleStorage(ObjectStorage):
    def __init__(self, path: Path) -> None:
        self.path = path

    def list_objects(self, prefix: str) -> Iterator[tuple[str, str]]:
        with self._transaction() as database:
            wanted = "SELECT key, revision FROM object WHERE key BETWEEN ? AND ?"
            found = database.execute(wanted, (prefix, prefix + "~"))
            yield from ((key, str(revision)) for key, revision in found)

    def read_object(self, key: str) -> tuple[bytes, str] | None:
        with self._transaction() as database:
            found = database.execute("SELECT content, revision FROM object WHERE key = ?", (key,)).fetchone()
            return found and (found[0], str(found[1]))

    def write_object(self, key: str, content: BinaryIO, size: int, *, replaces: str | None) -> str | None:
        with self._transaction("IMMEDIATE") as database:
            if _revision(database, key) != replaces:
                return None
            insert = "INSERT OR REPLACE INTO object (key, content) VALUES (?, zeroblob(?)) RETURNING revision"
            [(revision,)] = database.execute(insert, (key, size))
            with database.blobopen("object", "content", revision) as blob:
                shutil.copyfileobj(content, blob)
            return str(revision)

    def open_object(self, key: str) -> BinaryIO | None:
        with ExitStack() as stack:
            database = stack.enter_context(self._transaction())
            revision = _revision(database, key)
            if revision is None:
                return None
            blob = stack.enter_context(database.blobopen("object", "content", int(revision), readonly=True))
            return open_ranges(len(blob), lambda start, stop: bytes(blob[start:stop]), stack.pop_all().close)

    def remove_object(self, key: str) -> None:
        with self._transaction("IMMEDIATE") as database:
            database.execute("DELETE FROM object WHERE key = ?", (key,))

    @contextmanager
    def _transaction(self, kind: str = "DEFERRED") -> Iterator[sqlite3.Connection]:
        address = f"{self.path.absolute().as_uri()}?mode=rw"  # not made here: a lost store is unavailable, not empty
        try:
            with closing(sqlite3.connect(address, timeout=60, uri=True, check_same_thread=False)) as database:
                database.executescript(f"PRAGMA synchronous = FULL; BEGIN {kind};")
                yield database
                database.commit()
        except sqlite3.Error as error:
            raise StorageUnavailable(f"The database cannot be used: {error}.") from error


def _revision(database: sqlite3.Connection, key: str) -> str | None:
    found = database.execute("SELECT revision FROM object WHERE key = ?", (key,)).fetchone()
    return found and str(found[0])


@dataclass(frozen=True, kw_only=True)
class ExampleOptions:
    path: Path = option("The database, made by `pywharf example.create`", example='"/srv/packages.sqlite3"')


class ExampleStorageType(StorageType):
    name: ClassVar[str] = "example"
    options: ClassVar[type] = ExampleOptions
    auth: ClassVar[str] = "secrets"  # the database knows no secrets of its own
    max_file_bytes: ClassVar[int] = 900_000_000  # SQLite takes blobs of 1,000,000,000 bytes

    def open(self, repository: str, options: ExampleOptions, work: Path) -> ExampleStorage:
        return ExampleStorage(options.path)


def create(path: Path) -> None:
    """Make an empty database, unless there is one."""
    with closing(sqlite3.connect(path)) as database:
        database.executescript(SCHEMA)


@hookimpl
def pywharf_storage_types() -> Sequence[type[StorageType]]:
    return [ExampleStorageType]


@hookimpl
def pywharf_commands() -> Sequence[click.Command]:
    path = click.Argument(["path"], type=click.Path(path_type=Path))
    command = click.Command("create", callback=create, params=[path], help=create.__doc__)
    return [click.Group("example", commands=[command], help="Databases for repositories of the type example.")]
