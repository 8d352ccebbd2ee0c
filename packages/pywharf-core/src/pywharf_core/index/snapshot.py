"""Questions to the local index."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from pywharf_core.filenames import canonical_filename
from pywharf_core.index.catalogue import CatalogueSnapshot
from pywharf_core.index.pending import PendingSnapshot
from pywharf_core.index.release_lines import ReleaseSnapshot
from pywharf_core.model import DistributionFile, ProjectState, ProjectStatus, from_record
from pywharf_core.storage_answers import Deleted, Refused


@dataclass(frozen=True, slots=True)
class IndexedProject:
    """A project's row.

    :ivar files: how many are listed.
    :ivar revision: of the index when anything about the project last changed.
    """

    state: ProjectState
    files: int
    revision: int


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


def _file(record: str, fingerprint: str) -> DistributionFile:
    return from_record(json.loads(record), fingerprint=fingerprint)
