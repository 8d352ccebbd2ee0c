"""Changes on their way into a remote index: written down first, made by the storage, then folded in.

For storages that keep no index everything here does nothing: their scan shows each change at once.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from pywharf_core.errors import StorageUnavailable
from pywharf_core.index.document import MAIN, Operation, written_at
from pywharf_core.index.local import IndexChange
from pywharf_core.index.pending import FORGOTTEN, PendingChange, PendingKind
from pywharf_core.index.remote import NoRemoteIndex, RebuildReport, push, rebuild
from pywharf_core.index.sync import with_what_was_computed
from pywharf_core.model import DistributionFile
from pywharf_core.repository import Repository
from pywharf_core.storage import Change, ChangeKind, Condition, Deleted, Storage

logger = logging.getLogger(__name__)

_STILL_RUNNING = 60.0  # seconds for which an intent may be somebody's who is at it
_LONGEST_UPLOAD = 3600.0  # seconds
QUIET = 2.0  # seconds after the last change before changes are folded in: a twine run is one commit
_LONG = 3600.0  # seconds after which a change that waits is worth a warning
PACE = 20.0  # seconds between two folds: each is a commit, and GitHub takes 500 an hour

#: The number of a change that was written down; None: there was no need.
Intent = int | None


def intend(repository: Repository, storage: Storage, kind: PendingKind, file: DistributionFile) -> Intent:
    """Write down, durably, that the storage will be asked for a change."""
    if not storage.keeps_index:
        return None
    with repository.index.changing() as change:
        return change.put_pending(repository.store, kind, file, made=False)


def settle(
    repository: Repository, storage: Storage, change: IndexChange, intent: Intent, file: DistributionFile, *, gone: bool
) -> None:
    """What became of the change is in the index: it stays pending until the remote index shows the same.

    :param intent: None: nobody intended it, the storage was found to be so.
    """
    if not storage.keeps_index:
        return
    if gone:
        change.put_pending(repository.store, PendingKind.DELETE, file, made=True, number=intent)
        return
    listed = change.file(file.filename)
    known = file if listed is None or listed.storage_id != file.storage_id else listed
    change.put_pending(repository.store, PendingKind.UPDATE, known, made=True, number=intent)


def given_up(repository: Repository, intent: Intent) -> None:
    """The storage said that it did not make the change."""
    if intent is not None:
        with repository.index.changing() as change:
            change.remove_pending(intent)


def noticed(repository: Repository, notice: Sequence[Change]) -> None:
    """The storage sent word of changes. What it says of files is listed at once; of all else, the synchroniser is told.

    Notices come late, twice and in any order: a file that is known to be newer, or dead, stays so.

    :raises StorageUnavailable: it was asked whether a file is gone, and does not know.
    """
    storage = repository.view(None)
    for it in notice:
        file = it.file or _removed(repository, storage, it)
        if _is_dead(repository, storage, it):
            continue
        with repository.index.changing() as change:
            if not storage.keeps_index or it.kind is ChangeKind.UNKNOWN or file is None or not file.storage_id:
                change.mark_noticed()
            elif it.kind is ChangeKind.PUBLISHED:
                _learn(repository, storage, change, file)
            else:
                _bury(change, file)
                settle(repository, storage, change, None, file, gone=True)


def _removed(repository: Repository, storage: Storage, notice: Change) -> DistributionFile | None:
    """The file that is listed under the name of one that was removed, if it is gone; else that was another."""
    if not storage.keeps_index or notice.kind is not ChangeKind.REMOVED or notice.filename is None:
        return None
    with repository.index.reading() as snapshot:
        listed = snapshot.file(notice.filename)
    return None if listed is None or storage.find_file(listed) is not None else listed


def _is_dead(repository: Repository, storage: Storage, notice: Change) -> bool:
    """Whether a publication that is told is an old one, of a file that was deleted since; the storage is asked only
    where another file has that name here, or one was deleted."""
    file = notice.file
    if not storage.keeps_index or notice.kind is not ChangeKind.PUBLISHED or file is None or not file.storage_id:
        return False
    with repository.index.reading() as snapshot:
        deleted, listed = snapshot.tombstone(file.filename), snapshot.file(file.filename)
    is_new = listed is None and deleted is None
    if is_new or (listed is not None and listed.storage_id == file.storage_id):
        return False
    found = storage.find_file(file)
    return found is None or found.storage_id != file.storage_id


def _learn(repository: Repository, storage: Storage, change: IndexChange, file: DistributionFile) -> None:
    listed = change.file(file.filename)
    same = listed is not None and listed.storage_id == file.storage_id
    dead = any(
        it.kind is PendingKind.DELETE and it.file.storage_id == file.storage_id
        for it in change.pending(repository.store)
    )
    if dead or (same and listed is not None and listed.counter >= file.counter):
        return
    if listed is not None:
        file = with_what_was_computed(listed, file)
    change.put_file(file)
    settle(repository, storage, change, None, file, gone=False)


def _bury(change: IndexChange, file: DistributionFile) -> None:
    listed = change.file(file.filename)
    if listed is None or listed.storage_id == file.storage_id:  # else it came back meanwhile, as another file
        change.put_tombstone(Deleted(file.filename, file.sha256), file.project)


def fold_when_due(repository: Repository, *, last: float) -> bool:
    """``fold`` if changes wait that nobody adds to any more, or that have waited long.

    :param last: Unix seconds of the last fold.
    """
    now = time.time()
    if last > now - PACE:
        return False
    with repository.index.reading() as snapshot:
        waiting = [change.since for change in snapshot.pending(repository.store) if change.made]
    return bool(waiting) and (max(waiting) <= now - QUIET or min(waiting) <= now - PACE) and fold(repository)


def fold(repository: Repository) -> bool:
    """Bring pending changes into the remote index, with the server's own secret. It leaves out none: what the remote
    index shows afterwards is not pending any more.

    :returns: whether there was anything to do.
    :raises NotPermitted: the secret may not write; the backend's own service does it then.
    :raises StorageUnavailable: they stay pending.
    """
    storage = repository.view(None)
    with repository.index.reading() as snapshot:
        operations = [change.operation() for change in snapshot.pending(repository.store) if change.made]
    if not storage.keeps_index or not operations:
        return False
    write_through(repository, storage, operations)
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
    """Find out what became of changes whose maker died before it could write that down, and of such as the remote index
    has not shown for a day.

    :returns: how many were looked into.
    :raises StorageUnavailable: at the end; those that the storage tells nothing of stay.
    """
    storage = repository.view(None)
    if not storage.keeps_index:
        return 0
    now = time.time()
    with repository.index.reading() as snapshot:
        open_ones = [it for it in snapshot.pending(repository.store) if it.since < now - _patience(it)]
    unknown: list[StorageUnavailable] = []
    for pending in open_ones:
        try:
            _resolve(repository, storage, pending)
        except StorageUnavailable as error:  # perhaps of this file alone
            unknown.append(error)
    if unknown:
        raise unknown[0]
    return len(open_ones)


def _patience(pending: PendingChange) -> float:
    """Seconds for which nobody asks what became of it."""
    if not pending.made:
        return _STILL_RUNNING
    return FORGOTTEN if pending.kind is not PendingKind.DELETE else math.inf


def _resolve(repository: Repository, storage: Storage, pending: PendingChange) -> None:
    file, now = pending.file, time.time()
    while True:
        with repository.index.reading() as snapshot:
            since = snapshot.revision()
        found = storage.find_file(file)
        with repository.index.changing() as change:
            if change.pending_change(repository.store, pending.number) != pending:
                return  # its maker is alive, and was done with it in this moment
            if change.changed_after(file.filename, since):
                continue  # what was found may be older than what is known
            if found is not None:
                listed = change.file(file.filename)
                change.put_file(found if listed is None else with_what_was_computed(listed, found))
                change.put_pending(repository.store, PendingKind.UPDATE, found, made=True, number=pending.number)
            elif file.storage_id:
                _bury(change, file)
                change.put_pending(repository.store, PendingKind.DELETE, file, made=True, number=pending.number)
            elif pending.since < now - _LONGEST_UPLOAD:
                change.remove_pending(pending.number)
            else:
                return  # it may still be on its way
        fields = {"repository": repository.name, "file": file.filename, "change": pending.kind.value}
        logger.warning("a change was interrupted and looked into", extra=fields)
        return


def update_index(repository: Repository) -> RebuildReport | None:
    """Bring the remote index in line with a full scan of what is published.

    :returns: None: the storage keeps no index.
    :raises NotPermitted: the server's own secret may not write.
    """
    storage = repository.view(None)
    if not storage.keeps_index:
        return None
    report = rebuild(repository.index, storage, repository.store)
    repository.sweep(now=True)
    return report


def condition(repository: Repository) -> Condition:
    """How the remote index is doing, as far as this ROOT knows; nothing is asked."""
    if not repository.storage.keeps_index:
        return Condition()
    with repository.index.reading() as snapshot:
        main = snapshot.parts([MAIN]).get(MAIN)
        waiting = [change.since for change in snapshot.pending(repository.store) if change.made]
    written = None if main is None else written_at(main)
    facts: dict[str, str | int | float] = {} if written is None else {"index_written_at": _stamp(written)}
    facts["changes_waiting"] = len(waiting)
    if not waiting or min(waiting) > time.time() - _LONG:
        return Condition(facts)
    by_server = repository.configuration.index_updates == "server"
    counted = "1 change waits" if len(waiting) == 1 else f"{len(waiting)} changes wait"
    blamed = "whether the admin secret may write" if by_server else "at the service that runs update_index"
    return Condition(
        facts,
        [
            f"{counted} since {_stamp(min(waiting))} to come into the remote index, and other servers do "
            f"not see them; look {blamed}."
        ],
    )


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
