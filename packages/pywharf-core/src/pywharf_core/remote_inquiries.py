"""Asking the storage what became of one file, where nobody here knows, or where it was found gone."""

from __future__ import annotations

import time

from pywharf_core.errors import StorageUnavailable
from pywharf_core.index.change import IndexChange
from pywharf_core.index.pending import PendingChange, PendingKind
from pywharf_core.index.sync import with_what_was_computed
from pywharf_core.model import DistributionFile
from pywharf_core.repository import Repository
from pywharf_core.storage import Storage
from pywharf_core.storage_answers import Deleted

_OF_THE_LOST = (PendingKind.MISS, PendingKind.REVIVE)
_LONGEST_UPLOAD = 3600.0  # seconds
_MOST_AT_ONCE = 5  # missing files, each of which is a request
_TURN = 60.0  # seconds, after which others are asked for


def bury(change: IndexChange, file: DistributionFile) -> None:
    listed = change.file(file.filename)
    if listed is None or listed.storage_id == file.storage_id:  # else it came back meanwhile, as another file
        change.put_tombstone(Deleted(file.filename, file.sha256), file.project)


def look_into(repository: Repository, storage: Storage, pending: PendingChange) -> bool:
    """Write down what the storage says of a file, instead of what was pending.

    :returns: False: its maker was done with it in this moment, or it may still be on its way; or there is nothing new.
    :raises StorageUnavailable: it does not say.
    """
    file, now = pending.file, time.time()
    while True:
        with repository.index.reading() as snapshot:
            since = snapshot.revision()
        found = storage.find_file(file)
        if found is None and pending.made and pending.is_removal:
            return False
        with repository.index.changing() as change:
            if change.pending_change(repository.store, pending.number) != pending:
                return False
            if change.changed_after(file.filename, since):
                continue  # what was found may be older than what is known
            if found is not None:
                is_back = pending.kind in _OF_THE_LOST or change.tombstone(file.filename) is not None
                listed = change.file(file.filename)
                change.put_file(found if listed is None else with_what_was_computed(listed, found))
                kind = PendingKind.REVIVE if is_back else PendingKind.UPDATE
                change.put_pending(repository.store, kind, found, made=True, number=pending.number)
            elif file.storage_id:
                bury(change, file)
                kind = PendingKind.DELETE if pending.kind is PendingKind.DELETE else PendingKind.MISS
                change.put_pending(repository.store, kind, file, made=True, number=pending.number)
            elif pending.since < now - _LONGEST_UPLOAD:
                change.remove_pending(pending.number)
            else:
                return False
        return True


def look_for_the_missing(repository: Repository, storage: Storage, *, after: float | None = None) -> None:
    """Ask once more for files that were found gone and of which the remote index does not know that yet: a storage that
    says "not found" in passing, or of a draft, must not hide them from everybody.

    :param after: only for those that have waited for so many seconds, a few each time; None: for all.
    """
    now = time.time()
    with repository.index.reading() as snapshot:
        missing = [it for it in snapshot.pending(repository.store) if it.made and it.kind is PendingKind.MISS]
    if after is not None:
        missing = [it for it in missing if it.since < now - after]
        first = int(now / _TURN) * _MOST_AT_ONCE % max(len(missing), 1)
        missing = [*missing[first:], *missing[:first]][:_MOST_AT_ONCE]
    for pending in missing:
        try:
            look_into(repository, storage, pending)
        except StorageUnavailable:  # of this file, it may be: it is as it was when it was missed
            continue
