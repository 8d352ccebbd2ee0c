"""The local index of one repository: questions in one snapshot, changes in one durable transaction."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from pywharf_core.filenames import canonical_filename
from pywharf_core.index.catalogue import CatalogueSnapshot, CatalogueWriter
from pywharf_core.index.database import IndexDatabase
from pywharf_core.index.pending import PendingSnapshot, PendingWriter
from pywharf_core.index.release_lines import ReleaseSnapshot, offered
from pywharf_core.index.turns import turn
from pywharf_core.index.version_key import version_key
from pywharf_core.model import DistributionFile, ProjectState, ProjectStatus, from_record, to_record
from pywharf_core.simple.links import encodable
from pywharf_core.storage import Deleted, Refused


@dataclass(frozen=True, slots=True)
class IndexedProject:
    """A project's row.

    :ivar files: how many are listed.
    :ivar revision: of the index when anything about the project last changed.
    """

    state: ProjectState
    files: int
    revision: int


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


class IndexSnapshot(PendingSnapshot, CatalogueSnapshot, ReleaseSnapshot):
    """Questions; all answers of one snapshot are of the same moment."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def revision(self) -> int:
        """Raised by every transaction that changed anything."""
        return int(cast(int, self._meta("revision") or 0))

    def built(self) -> int:
        """Another number in each index that was ever built here."""
        return int(cast(int, self._meta("built") or 0))

    def listing_revision(self) -> int:
        """Raised when the list of projects changed."""
        return int(cast(int, self._meta("listing_revision") or 0))

    def synchronised_at(self, store: str) -> float | None:
        """Unix seconds of the last whole synchronisation with ``store``; None: there was none yet.

        :param store: which storage, in words of the caller: what was read of another one says nothing of this one.
        """
        return cast(float | None, self._meta("synchronised_at")) if self._meta("store") == store else None

    def failure(self) -> str | None:
        """Why the storage could not be read the last time, by whichever process; None: it could."""
        return cast(str | None, self._meta("failure"))

    def noticed_at(self) -> float | None:
        """Unix seconds of the last word that something changed in the storage; None: there was none yet."""
        return cast(float | None, self._meta("noticed_at"))

    def swept_at(self) -> float | None:
        """Unix seconds of the last time that the storage was swept; None: it never was."""
        return cast(float | None, self._meta("swept_at"))

    def projects(self) -> Sequence[str]:
        """Normalised names of all that have a file and are not quarantined, sorted."""
        rows = self._connection.execute(
            "select name from project where files > 0 and status <> 'quarantined' order by name"
        )
        return [name for (name,) in rows]

    def project(self, name: str) -> IndexedProject | None:
        row = self._connection.execute(
            "select name, status, reason, reserved, files, revision from project where name = ?", (name,)
        ).fetchone()
        if row is None:
            return None
        state = ProjectState(name=row[0], status=ProjectStatus(row[1]), reason=row[2], reserved=bool(row[3]))
        return IndexedProject(state, files=row[4], revision=row[5])

    def projects_without_files(self) -> list[str]:
        """Names that are known for something else: a status, or what was published once."""
        return [name for (name,) in self._connection.execute("select name from project where files = 0")]

    def files(self, project: str) -> list[DistributionFile]:
        """All of a project, in no order."""
        rows = self._connection.execute("select record, fingerprint from file where project = ?", (project,))
        return [_file(*row) for row in rows]

    def other_spelling(self, file: DistributionFile) -> str | None:
        """The filename of a listed file that is the same distribution and is spelled in another way; None: there is none."""
        row = self._connection.execute(
            "select filename from file where canonical = ? and filename <> ? limit 1",
            (canonical_filename(file.filename, file.project, file.version), file.filename),
        ).fetchone()
        return None if row is None else str(row[0])

    def file(self, filename: str) -> DistributionFile | None:
        row = self._connection.execute(
            "select record, fingerprint from file where filename = ?", (filename,)
        ).fetchone()
        return None if row is None else _file(*row)

    def tombstone(self, filename: str) -> Deleted | None:
        row = self._connection.execute(
            "select filename, sha256 from tombstone where filename = ?", (filename,)
        ).fetchone()
        return None if row is None else Deleted(*row)

    def tombstones_of(self, project: str) -> list[Deleted]:
        """Of all deleted files of a project, in no order."""
        rows = self._connection.execute("select filename, sha256 from tombstone where project = ?", (project,))
        return [Deleted(*row) for row in rows]

    def tombstones(self) -> list[Deleted]:
        """Of all deleted files, by filename."""
        return [
            Deleted(*row)
            for row in self._connection.execute("select filename, sha256 from tombstone order by filename")
        ]

    def fingerprints(self) -> dict[str, str]:
        """Fingerprint by filename, of all files."""
        return dict(self._connection.execute("select filename, fingerprint from file"))

    def states(self) -> dict[str, ProjectState]:
        """By name, of all projects that anything is known of."""
        rows = self._connection.execute("select name, status, reason, reserved from project")
        return {
            name: ProjectState(name=name, status=ProjectStatus(status), reason=reason, reserved=bool(reserved))
            for name, status, reason, reserved in rows
        }

    def incomplete(self, after: str, limit: int) -> list[DistributionFile]:
        """Files whose core metadata was not read yet, by filename, from behind ``after``."""
        rows = self._connection.execute(
            "select record, fingerprint from file where complete = 0 and filename > ? order by filename limit ?",
            (after, limit),
        )
        return [_file(*row) for row in rows]

    def refused(self) -> list[Refused]:
        rows = self._connection.execute("select filename, reason from refused order by filename")
        return [Refused(*row) for row in rows]

    def counts(self) -> tuple[int, int, int]:
        """Files, projects that have any, refused files."""
        files, projects = self._connection.execute(
            "select coalesce(sum(files), 0), count(*) from project where files > 0"
        ).fetchone()
        (refused,) = self._connection.execute("select count(*) from refused").fetchone()
        return files, projects, refused

    def _meta(self, key: str) -> object:
        row = self._connection.execute("select value from meta where key = ?", (key,)).fetchone()
        return None if row is None else row[0]


class IndexChange(IndexSnapshot, PendingWriter, CatalogueWriter):
    """A running transaction: asks what it has changed itself, too."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._next = self.revision() + 1
        self._touched: set[str] = set()
        self._changed = False
        self._listing_changed = False

    def changed_after(self, filename: str, revision: int) -> bool:
        """Whether the file was listed, changed or deleted after ``revision``."""
        return (
            self._connection.execute(
                "select 1 from file where filename = :f and changed > :r union all "
                "select 1 from tombstone where filename = :f and changed > :r limit 1",
                {"f": filename, "r": revision},
            ).fetchone()
            is not None
        )

    def state_changed_after(self, project: str, revision: int) -> bool:
        """Whether the project's status was written after ``revision``."""
        row = self._connection.execute("select state_changed from project where name = ?", (project,)).fetchone()
        return row is not None and row[0] > revision

    def put_file(self, file: DistributionFile) -> None:
        """List the file, or replace what is listed under its name; its tombstone goes."""
        # What a store says may hold lone surrogates, which SQLite does not take; one file must not stop all others.
        record = encodable(json.dumps(to_record(file), ensure_ascii=False, separators=(",", ":")))
        self._connection.execute(
            "insert or replace into file values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                file.filename,
                file.project,
                record,
                file.fingerprint,
                file.core_metadata is not None,
                self._next,
                canonical_filename(file.filename, file.project, file.version),
                version_key(file.version),
                offered(file),
                file.upload_time.timestamp(),
                file.version,
            ),
        )
        self._connection.execute("delete from tombstone where filename = ?", (file.filename,))
        self._connection.execute("delete from refused where filename = ?", (file.filename,))
        self._touch(file.project)

    def remove_file(self, filename: str) -> DistributionFile | None:
        """Stop listing it; its project's name stays reserved.

        :returns: what was listed.
        """
        file = self.file(filename)
        if file is not None:
            self._connection.execute("delete from file where filename = ?", (filename,))
            self._touch(file.project, reserve=True)
        return file

    def put_tombstone(self, deleted: Deleted, project: str) -> None:
        """Stop listing the file and remember what it was."""
        self.remove_file(deleted.filename)
        self._connection.execute(
            "insert or replace into tombstone values (?, ?, ?, ?)",
            (deleted.filename, project, deleted.sha256, self._next),
        )
        self._touch(project, reserve=True)

    def put_project(self, state: ProjectState) -> None:
        """Set status and reservation; a reservation is never taken back."""
        self._touch(state.name, reserve=state.reserved)
        self._listing_changed = True
        self._connection.execute(
            "update project set status = ?, reason = ?, state_changed = ? where name = ?",
            (state.status, None if state.reason is None else encodable(state.reason), self._next, state.name),
        )

    def replace_refused(self, refused: Sequence[Refused]) -> None:
        """These, and no others, cannot be served. Not a change that pages show."""
        self._connection.execute("delete from refused")
        self._connection.executemany(
            "insert or replace into refused values (?, ?)", [(item.filename, item.reason) for item in refused]
        )

    def mark_synchronised(self, store: str) -> None:
        """``store`` was read completely, now."""
        self._put_meta("store", store)
        self._put_meta("synchronised_at", time.time())
        self._connection.execute("delete from meta where key = 'failure'")

    def mark_noticed(self) -> None:
        """Something changed in the storage; whoever synchronises should do so now."""
        self._put_meta("noticed_at", time.time())

    def mark_swept(self, at: float) -> None:
        """
        :param at: Unix seconds.
        """
        self._put_meta("swept_at", at)

    def mark_failed(self, reason: str) -> None:
        """The storage could not be read now."""
        self._put_meta("failure", reason)

    def settle(self) -> None:
        """Bring counts and revisions in line with what was changed. Called once, at the end."""
        if not self._changed:
            return
        for name in self._touched:
            before = self.project(name)
            assert before is not None, "a touched project has a row"
            files = self.describe(name)
            self._connection.execute(
                "update project set files = ?, revision = ? where name = ?", (files, self._next, name)
            )
            self._listing_changed |= bool(files) != bool(before.files)
        if self._listing_changed or self._meta("listing_revision") is None:
            self._put_meta("listing_revision", self._next)
        self._put_meta("revision", self._next)

    def _touch(self, project: str, *, reserve: bool = False) -> None:
        self._changed = True
        if project not in self._touched:
            self._touched.add(project)
            self._connection.execute("insert or ignore into project values (?, 'active', null, 0, 0, 0, 0)", (project,))
        if reserve:
            self._connection.execute("update project set reserved = 1 where name = ?", (project,))

    def _put_meta(self, key: str, value: float | str) -> None:
        self._connection.execute("insert or replace into meta values (?, ?)", (key, value))


def _file(record: str, fingerprint: str) -> DistributionFile:
    return from_record(json.loads(record), fingerprint=fingerprint)
