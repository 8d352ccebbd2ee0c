"""Changes of the local index: files, tombstones, projects, and how far it is in line with its storage."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Sequence

from pywharf_core.filenames import canonical_filename
from pywharf_core.index.catalogue import CatalogueWriter
from pywharf_core.index.pending import PendingWriter
from pywharf_core.index.release_lines import offered
from pywharf_core.index.snapshot import IndexSnapshot
from pywharf_core.index.version_key import version_key
from pywharf_core.model import DistributionFile, ProjectState, to_record
from pywharf_core.simple.links import encodable
from pywharf_core.storage_answers import Deleted, Refused


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

    def mark_reachable(self) -> None:
        """The storage could be asked, and has what it had at the last whole synchronisation."""
        self._connection.execute("delete from meta where key = 'failure'")

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
