"""What the local index keeps for the sake of a remote one: its parts as read last, and the changes it does not show yet.

A change is written down before the storage is asked to make it, so that a server that dies in between finds out later;
it leaves when the remote index shows it. So a fresh upload never vanishes, and a deletion never comes back.
"""

from __future__ import annotations

import json
import sqlite3
import time
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pywharf_core.index.content import Operation, Revival, tombstone_of
from pywharf_core.model import DistributionFile, from_record, to_record

FORGOTTEN = 86400.0  # seconds after which a change that the remote index does not show is looked into


class PendingKind(StrEnum):
    PUBLISH = "publish"
    UPDATE = "update"
    DELETE = "delete"
    MISS = "miss"  # nobody deleted it here, but the storage does not have it
    REVIVE = "revive"  # it was gone, and the storage has it


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
        match self.kind:
            case PendingKind.DELETE:
                return tombstone_of(self.file)
            case PendingKind.MISS:
                return tombstone_of(self.file, missing=True)
            case PendingKind.REVIVE:
                return Revival(file=self.file)
            case _:
                return self.file

    @property
    def is_removal(self) -> bool:
        return self.kind in (PendingKind.DELETE, PendingKind.MISS)

    def overtakes(self, other: PendingChange) -> bool:
        """Whether nothing of the other change, which was made before this one, needs telling any more."""
        if other.file.storage_id != self.file.storage_id:
            return False
        if self.kind is PendingKind.DELETE:
            return True
        if other.kind is PendingKind.DELETE:
            return False
        if self.kind is PendingKind.MISS:
            return True
        if other.kind is PendingKind.MISS:
            return self.kind is PendingKind.REVIVE
        is_told = self.kind is PendingKind.REVIVE or other.kind is not PendingKind.REVIVE
        return is_told and other.file.counter <= self.file.counter


class PendingSnapshot:
    """Questions about pending changes and parts."""

    _connection: sqlite3.Connection

    def pending(self, store: str) -> Sequence[PendingChange]:
        """In the order in which they were written down.

        :param store: the storage that was changed, see ``IndexSnapshot.synchronised_at``; so in all methods here.
        """
        rows = self._connection.execute(
            "select id, kind, record, made, since from pending where store = ? order by id", (store,)
        )
        return [_pending(*row) for row in rows]

    def pending_count(self, store: str) -> tuple[int, float | None]:
        """How many there are, and Unix seconds of the oldest; None: there is none."""
        count, since = self._connection.execute(
            "select count(*), min(since) from pending where store = ?", (store,)
        ).fetchone()
        return count, since

    def pending_change(self, store: str, number: int) -> PendingChange | None:
        row = self._connection.execute(
            "select id, kind, record, made, since from pending where store = ? and id = ?", (store, number)
        ).fetchone()
        return None if row is None else _pending(*row)

    def part_revisions(self) -> dict[str, str]:
        """Revision by name, of the remote index's parts as they were read last."""
        return dict(self._connection.execute("select name, revision from part"))

    def parts(self, names: Iterable[str]) -> dict[str, bytes]:
        """Content by name, of those that are there."""
        found = {}
        for name in names:
            row = self._connection.execute("select content from part where name = ?", (name,)).fetchone()
            if row is not None:
                found[name] = zlib.decompress(row[0])
        return found


class PendingWriter(PendingSnapshot):
    """Changes of them, inside a transaction."""

    def put_pending(
        self, store: str, kind: PendingKind, file: DistributionFile, *, made: bool, number: int | None = None
    ) -> int:
        """Write a change down, or (with ``number``) what became of it.

        A change that was made replaces those of the same file that were made before it.

        :returns: its number.
        """
        record = json.dumps({**to_record(file), "fingerprint": file.fingerprint})
        cursor = self._connection.execute(
            "insert or replace into pending values (?, ?, ?, ?, ?, ?, ?)",
            (number, store, kind.value, file.filename, record, made, time.time()),
        )
        assert cursor.lastrowid is not None
        if made:
            self._remove_overtaken(store, cursor.lastrowid)
        return cursor.lastrowid

    def _remove_overtaken(self, store: str, number: int) -> None:
        latest = self.pending_change(store, number)
        assert latest is not None, "it was just written"
        rows = self._connection.execute(
            "select id, kind, record, made, since from pending where filename = ? and store = ? and made and id <> ?",
            (latest.file.filename, store, number),
        ).fetchall()
        for other in (_pending(*row) for row in rows):
            if latest.overtakes(other):
                self.remove_pending(other.number)

    def remove_pending(self, number: int) -> None:
        self._connection.execute("delete from pending where id = ?", (number,))

    def put_parts(self, parts: Mapping[str, bytes], revisions: Mapping[str, str]) -> None:
        """Remember parts that were read or written.

        :param revisions: of these parts, and perhaps of others.
        """
        self._connection.executemany(
            "insert or replace into part values (?, ?, ?)",
            [(name, revisions[name], zlib.compress(content, 1)) for name, content in parts.items()],
        )

    def forget_parts(self, *, but: Collection[str] = ()) -> None:
        """Those parts are gone, except some."""
        for name in self.part_revisions():
            if name not in but:
                self._connection.execute("delete from part where name = ?", (name,))


def _pending(number: int, kind: str, record: str, made: int, since: float) -> PendingChange:
    values = json.loads(record)
    file = from_record(values, fingerprint=values["fingerprint"])
    return PendingChange(number, PendingKind(kind), file, bool(made), since)
