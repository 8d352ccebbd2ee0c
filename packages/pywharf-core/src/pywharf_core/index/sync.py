"""Synchronisation by scan: bring the local index in line with the storage while uploads and deletions go on.

The rule that loses nothing and brings nothing back, found by trying all interleavings: skip every name whose row or
tombstone changed after the fingerprints were read; conclude from absence only after a whole scan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice

from pywharf_core.errors import InvalidUpload, StorageUnavailable
from pywharf_core.filenames import parse_filename
from pywharf_core.index.change import IndexChange
from pywharf_core.index.local import LocalIndex
from pywharf_core.index.pending import PendingKind
from pywharf_core.model import DistributionFile, ProjectState
from pywharf_core.storage import Storage
from pywharf_core.storage_answers import Deleted, Refused, ScanResult, Unchanged

_BATCH = 1000  # results applied in one transaction: uploads wait no longer than that takes


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncReport:
    """What a synchronisation found.

    :ivar orphaned: projects without a file whose names the storage does not keep reserved yet.
    """

    added: int = 0
    changed: int = 0
    removed: int = 0
    refused: int = 0
    orphaned: Sequence[str] = ()


def synchronise_by_scan(index: LocalIndex, storage: Storage, store: str) -> SyncReport:
    """Scan the whole storage and apply what it says.

    :param store: which storage this is, see ``IndexSnapshot.synchronised_at``.
    :raises StorageUnavailable: the scan did not end; what was applied so far is true, and nothing was removed.
    """
    with index.reading() as snapshot:
        known = snapshot.fingerprints()
        since, built = snapshot.revision(), snapshot.built()
    applier = _Applier(known, since, built, returning_to=store if storage.keeps_index else None)
    results = storage.scan(known)
    while batch := list(islice(results, _BATCH)):
        # Nothing to write for what is unchanged: an idle synchronisation takes no lock.
        if news := [result for result in batch if not applier.is_unchanged(result)]:
            with index.changing() as change:
                applier.demand_same(change)
                for result in news:
                    applier.apply(change, result)
    # A dear listing comes in pages, which shift while they are read: what it did not show is asked for.
    missing = _still_there(storage, index, applier.unexplained()) if storage.keeps_index else ()
    return applier.finish(index, store, missing)


def _still_there(storage: Storage, index: LocalIndex, missing: Sequence[str]) -> list[str]:
    with index.reading() as snapshot:
        files = [file for filename in missing if (file := snapshot.file(filename)) is not None]
    return [file.filename for file in files if storage.find_file(file) is not None]


class _Applier:
    """:param returning_to: the store, where the storage leaves it to us what may come back of what is gone."""

    def __init__(self, known: Mapping[str, str], since: int, built: int, *, returning_to: str | None) -> None:
        self._returning_to = returning_to
        self._known = known
        self._since = since
        self._built = built
        self._seen: set[str] = set()
        self._refused: list[Refused] = []
        self._reserved: set[str] = set()
        self._added = self._changed = self._removed = 0

    def demand_same(self, change: IndexChange) -> None:
        """An index that was damaged or removed is empty again: what did not change since is not in it.

        :raises StorageUnavailable: it is another one than when this began.
        """
        if change.built() != self._built:
            raise StorageUnavailable("The local index was built anew while it was synchronised; it is read again.")

    def is_unchanged(self, result: ScanResult) -> bool:
        if not isinstance(result, Unchanged):
            return False
        self._seen.add(result.filename)
        return True

    def apply(self, change: IndexChange, result: ScanResult) -> None:
        match result:
            case DistributionFile():
                self._seen.add(result.filename)
                self._put(change, result)
            case Refused():
                self._refused.append(Refused(_writable(result.filename), _writable(result.reason)))
            case Deleted():
                self._bury(change, result)
            case ProjectState():
                self._set_state(change, result)

    def _put(self, change: IndexChange, file: DistributionFile) -> None:
        if change.changed_after(file.filename, self._since):
            return
        listed = change.file(file.filename)
        if listed is None:
            if not self._may_come(change, file):
                return
            self._added += 1
        else:
            file = with_what_was_computed(listed, file)
            if file == listed:
                return
            self._changed += 1
        change.put_file(file)

    def _may_come(self, change: IndexChange, file: DistributionFile) -> bool:
        tombstone = change.tombstone(file.filename)
        if tombstone is None or self._returning_to is None:
            return True
        if tombstone.sha256 != file.sha256:
            self._refused.append(Refused(file.filename, why_other_content(file.filename)))
            return False
        same = [it for it in change.pending(self._returning_to) if it.file.storage_id == file.storage_id]
        if any(it.kind is PendingKind.DELETE for it in same):
            return False
        change.put_pending(self._returning_to, PendingKind.REVIVE, file, made=True)
        return True

    def _bury(self, change: IndexChange, deleted: Deleted) -> None:
        if change.changed_after(deleted.filename, self._since) or change.tombstone(deleted.filename) == deleted:
            return
        listed = change.file(deleted.filename)
        if listed is not None:
            self._removed += 1
            change.put_tombstone(deleted, listed.project)
            return
        with suppress(InvalidUpload):  # a name that cannot be published needs no tombstone
            change.put_tombstone(deleted, parse_filename(deleted.filename).project)

    def _set_state(self, change: IndexChange, state: ProjectState) -> None:
        if state.reserved:
            self._reserved.add(state.name)
        now = change.project(state.name)
        if now is not None:
            state = replace(state, reserved=state.reserved or now.state.reserved)
            if change.state_changed_after(state.name, self._since):
                state = replace(now.state, reserved=state.reserved)
            if now.state == state:
                return
        change.put_project(state)

    def missing(self) -> list[str]:
        return [filename for filename in self._known if filename not in self._seen]

    def unexplained(self) -> list[str]:
        """Of the missing, those that were not refused either."""
        refused = {it.filename for it in self._refused}
        return [filename for filename in self.missing() if filename not in refused]

    def finish(self, index: LocalIndex, store: str, still_there: Sequence[str]) -> SyncReport:
        gone = [filename for filename in self.missing() if filename not in still_there]
        with index.changing() as change:
            self.demand_same(change)
            for filename in gone:
                if change.changed_after(filename, self._since):
                    continue
                file = change.remove_file(filename)
                if file is None:
                    continue
                self._removed += 1
                if self._returning_to is not None:
                    change.put_tombstone(Deleted(filename, file.sha256), file.project)
                    change.put_pending(self._returning_to, PendingKind.MISS, file, made=True)
            if self._refused != change.refused():
                change.replace_refused(self._refused)
            change.mark_synchronised(store)
        with index.reading() as snapshot:
            # Also of earlier runs: a process may have died, or the storage failed, before it was told.
            orphaned = [name for name in snapshot.projects_without_files() if name not in self._reserved]
        return SyncReport(
            added=self._added,
            changed=self._changed,
            removed=self._removed,
            refused=len(self._refused),
            orphaned=orphaned,
        )


def why_other_content(filename: str) -> str:
    """A sentence for the operator."""
    return (
        f"{filename} was deleted, and is back with other content: it is not listed. Remove it from the storage, and publish "
        "a new version instead."
    )


def _writable(text: str) -> str:
    """Names on a disk may be any bytes; those that are no UTF-8 are lone surrogates, which SQLite does not take."""
    return text.encode("utf-8", "backslashreplace").decode()


def with_what_was_computed(listed: DistributionFile, scanned: DistributionFile) -> DistributionFile:
    """The same content read again: keep what was computed here and the storage did not write down."""
    if listed.sha256 != scanned.sha256:
        return scanned
    if scanned.core_metadata is None and listed.core_metadata is not None:
        scanned = replace(
            scanned,
            core_metadata=listed.core_metadata,
            core_metadata_sha256=listed.core_metadata_sha256,
            requires_python=listed.requires_python,
        )
    return replace(scanned, hashes={**listed.hashes, **scanned.hashes})
