"""What the local index keeps for the sake of a remote one: its parts as read last, and the changes it does not show yet.

A change is written down before the storage is asked to make it, so that a server that dies in between finds out later;
it leaves when the remote index shows it. So a fresh upload never vanishes, and a deletion never comes back.
"""

from __future__ import annotations

import json
import sqlite3
import time
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pywharf_core.index.document import Operation, Tombstone
from pywharf_core.model import DistributionFile, from_record, to_record


class PendingKind(StrEnum):
    PUBLISH = "publish"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class PendingChange:
    """:ivar file: as far as it is known; before it was published it has no identity.
    :ivar made: the storage made the change; else it is an intent, of which nobody knows.
    :ivar since: Unix seconds.
    """

    number: int
    kind: PendingKind
    file: DistributionFile
    made: bool
    since: float

    def operation(self) -> Operation:
        """What it does to the remote index."""
        file = self.file
        if self.kind is PendingKind.DELETE:
            return Tombstone(
                storage_id=file.storage_id, filename=file.filename, sha256=file.sha256, project=file.project
            )
        return file


class PendingSnapshot:
    """Questions about pending changes and parts."""

    _connection: sqlite3.Connection

    def pending(self) -> Sequence[PendingChange]:
        """In the order in which they were written down."""
        rows = self._connection.execute("select id, kind, record, made, since from pending order by id")
        return [_pending(*row) for row in rows]

    def is_pending(self, filename: str) -> bool:
        """Whether a change of this file is not shown by the remote index yet."""
        row = self._connection.execute("select 1 from pending where filename = ? limit 1", (filename,)).fetchone()
        return row is not None

    def part_revisions(self) -> dict[str, str]:
        """Revision by name, of the remote index's parts as they were read last."""
        return dict(self._connection.execute("select name, revision from part"))

    def parts(self, names: Collection[str]) -> dict[str, bytes]:
        """Content by name."""
        rows = self._connection.execute("select name, content from part")
        return {name: zlib.decompress(content) for name, content in rows if name in names}


class PendingWriter(PendingSnapshot):
    """Changes of them, inside a transaction."""

    def put_pending(self, kind: PendingKind, file: DistributionFile, *, made: bool, number: int | None = None) -> int:
        """Write a change down, or (with ``number``) what became of it.

        :returns: its number.
        """
        record = json.dumps({**to_record(file), "fingerprint": file.fingerprint})
        cursor = self._connection.execute(
            "insert or replace into pending values (?, ?, ?, ?, ?, ?)",
            (number, kind.value, file.filename, record, made, time.time()),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def remove_pending(self, number: int) -> None:
        self._connection.execute("delete from pending where id = ?", (number,))

    def put_parts(self, parts: Mapping[str, bytes], revisions: Mapping[str, str]) -> None:
        """Remember parts that were read or written; those that ``revisions`` does not name are gone."""
        for name in self.part_revisions().keys() - revisions.keys():
            self._connection.execute("delete from part where name = ?", (name,))
        self._connection.executemany(
            "insert or replace into part values (?, ?, ?)",
            [(name, revisions[name], zlib.compress(content, 1)) for name, content in parts.items()],
        )


def _pending(number: int, kind: str, record: str, made: int, since: float) -> PendingChange:
    values = json.loads(record)
    file = from_record(values, fingerprint=values["fingerprint"])
    return PendingChange(number, PendingKind(kind), file, bool(made), since)
