"""Changes on their way into a remote index: written down first, made by the storage, then folded in.

For storages that keep no index everything here does nothing: their scan shows each change at once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from pywharf_core.errors import NotFound
from pywharf_core.index.document import Operation
from pywharf_core.index.local import IndexChange
from pywharf_core.index.pending import PendingChange, PendingKind
from pywharf_core.index.remote import NoRemoteIndex, RebuildReport, push, rebuild
from pywharf_core.model import DistributionFile
from pywharf_core.repository import Repository
from pywharf_core.storage import Deleted, Storage

logger = logging.getLogger(__name__)

_STILL_RUNNING = 60.0  # seconds for which an intent may be somebody's who is at it
_QUIET = 2.0  # seconds after the last change before changes are folded in: a twine run is one commit
_PACE = 20.0  # seconds between two folds: each is a commit, and GitHub takes 500 an hour

#: The number of a change that was written down; None: there was no need.
Intent = int | None


def intend(repository: Repository, storage: Storage, kind: PendingKind, file: DistributionFile) -> Intent:
    """Write down, durably, that the storage will be asked for a change."""
    if not storage.keeps_index:
        return None
    with repository.index.changing() as change:
        return change.put_pending(kind, file, made=False)


def settle(change: IndexChange, intent: Intent, file: DistributionFile) -> None:
    """What became of the change is in the index: it stays pending until the remote index shows the same."""
    if intent is None:
        return
    listed = change.file(file.filename)
    if listed is None:
        change.put_pending(PendingKind.DELETE, file, made=True, number=intent)
    else:
        change.put_pending(PendingKind.UPDATE, listed, made=True, number=intent)


def given_up(repository: Repository, intent: Intent) -> None:
    """The storage said that it did not make the change."""
    if intent is not None:
        with repository.index.changing() as change:
            change.remove_pending(intent)


def fold_when_due(repository: Repository, *, last: float) -> bool:
    """``fold`` if changes wait that nobody adds to any more.

    :param last: Unix seconds of the last fold.
    """
    now = time.time()
    with repository.index.reading() as snapshot:
        waiting = [change.since for change in snapshot.pending() if change.made]
    return bool(waiting) and max(waiting) <= now - _QUIET and last <= now - _PACE and fold(repository)


def fold(repository: Repository) -> bool:
    """Bring pending changes into the remote index, with the server's own secret.

    :returns: whether there was anything to do.
    :raises NotPermitted: the secret may not write; the backend's own service does it then.
    :raises StorageUnavailable: they stay pending.
    """
    storage = repository.view(None)
    with repository.index.reading() as snapshot:
        pending = [change for change in snapshot.pending() if change.made]
    if not pending:
        return False
    write_through(repository, storage, [change.operation() for change in pending])
    with repository.index.changing() as change:
        for it in pending:
            change.remove_pending(it.number)
    return True


def write_through(repository: Repository, storage: Storage, operations: Sequence[Operation]) -> None:
    """Bring operations into the remote index now, with the secret of this view; make the index if there is none.

    :raises NotPermitted: it may not write.
    """
    try:
        push(repository.index, storage, repository.store, operations)
    except NoRemoteIndex:
        rebuild(repository.index, storage, repository.store)
        push(repository.index, storage, repository.store, operations)


def resolve_intents(repository: Repository) -> int:
    """Find out what became of changes whose maker died before it could write that down.

    :returns: how many there were.
    :raises StorageUnavailable: the rest stay.
    """
    storage = repository.view(None)
    if not storage.keeps_index:
        return 0
    with repository.index.reading() as snapshot:
        before = time.time() - _STILL_RUNNING
        forgotten = [change for change in snapshot.pending() if not change.made and change.since < before]
    for intent in forgotten:
        _resolve(repository, storage, intent)
    return len(forgotten)


def _resolve(repository: Repository, storage: Storage, intent: PendingChange) -> None:
    file = intent.file
    try:
        found = storage.find_file(file)
    except NotFound:
        found = None
    with repository.index.changing() as change:
        if found is not None:
            change.put_file(found)
            change.put_pending(PendingKind.UPDATE, found, made=True, number=intent.number)
        elif intent.kind is PendingKind.PUBLISH:
            change.remove_pending(intent.number)
        else:
            change.put_tombstone(Deleted(file.filename, file.sha256), file.project)
            change.put_pending(PendingKind.DELETE, file, made=True, number=intent.number)
    fields = {"repository": repository.name, "file": file.filename, "change": intent.kind.value}
    logger.warning("a change was interrupted and looked into", extra=fields)


def update_index(repository: Repository) -> RebuildReport | None:
    """Bring the remote index in line with a full scan of what is published.

    :returns: None: the storage keeps no index.
    :raises NotPermitted: the server's own secret may not write.
    """
    storage = repository.view(None)
    if not storage.keeps_index:
        return None
    return rebuild(repository.index, storage, repository.store)
