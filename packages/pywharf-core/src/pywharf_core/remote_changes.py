"""Changes on their way into a remote index: written down first, made by the storage, then folded in.

For storages that keep no index everything here does nothing: their scan shows each change at once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from pywharf_core.errors import WharfError
from pywharf_core.index.change import IndexChange
from pywharf_core.index.content import MAIN, Operation
from pywharf_core.index.document import written_at
from pywharf_core.index.pending import PendingKind
from pywharf_core.index.remote_reading import NoRemoteIndex
from pywharf_core.index.remote_rebuild import RebuildReport, is_filename, rebuild
from pywharf_core.index.remote_writing import push
from pywharf_core.model import DistributionFile
from pywharf_core.remote_inquiries import look_for_the_missing
from pywharf_core.repository import Repository
from pywharf_core.storage import Storage
from pywharf_core.storage_answers import Condition, Refused

logger = logging.getLogger(__name__)

QUIET = 2.0  # seconds after the last change before changes are folded in: a twine run is one commit
_MOST_TOLD = 5  # files
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
    repository: Repository,
    storage: Storage,
    change: IndexChange,
    intent: Intent,
    file: DistributionFile,
    *,
    gone: bool,
    back: bool = False,
) -> None:
    """What became of the change is in the index: it stays pending until the remote index shows the same.

    :param intent: None: nobody intended it, the storage was found to be so.
    :param back: the storage has the file, and was asked by somebody who knew that it had been gone.
    """
    if not storage.keeps_index:
        return
    if gone:
        intended = None if intent is None else change.pending_change(repository.store, intent)
        deleted = intended is not None and intended.kind is PendingKind.DELETE
        kind = PendingKind.DELETE if deleted else PendingKind.MISS
        change.put_pending(repository.store, kind, file, made=True, number=intent)
        return
    listed = change.file(file.filename)
    known = file if listed is None or listed.storage_id != file.storage_id else listed
    kind = PendingKind.REVIVE if back else PendingKind.UPDATE
    change.put_pending(repository.store, kind, known, made=True, number=intent)


def given_up(repository: Repository, intent: Intent) -> None:
    """The storage said that it did not make the change."""
    if intent is not None:
        with repository.index.changing() as change:
            change.remove_pending(intent)


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

    Where there is no index yet, it takes a scan to make one: what failed is not tried again at once.

    :returns: whether there was anything to do.
    :raises NotPermitted: the secret may not write; the backend's own service does it then.
    :raises NotAuthenticated: the storage does not know the secret.
    :raises IndexConflict: others wrote the index first, time and again; they stay pending.
    :raises StorageUnavailable: they stay pending.
    """
    storage = repository.view(None)
    if not storage.keeps_index:
        return False
    look_for_the_missing(repository, storage)
    with repository.index.reading() as snapshot:
        operations = [change.operation() for change in snapshot.pending(repository.store) if change.made]
    if not operations:
        return False
    synchronisation = repository.synchronisation
    try:
        push(repository.index, storage, repository.store, operations, unusable=synchronisation.rescans.unusable)
    except NoRemoteIndex as error:
        synchronisation.failed_rebuilds.demand_due(error.replaces)
        try:
            _make_index(repository, storage, operations)
        except WharfError as problem:
            synchronisation.failed_rebuilds.failed(error.replaces, problem)
            raise
    synchronisation.failed_rebuilds.forget()
    return True


def write_through(repository: Repository, storage: Storage, operations: Sequence[Operation]) -> None:
    """Bring operations into the remote index now, with the secret of this view; make the index if there is none.

    :raises NotPermitted: it may not write; NotAuthenticated: the storage does not know it.
    :raises IndexConflict: others wrote the index first, time and again; it has none of them.
    :raises StorageUnavailable: nobody knows now whether it has them.
    """
    try:
        push(repository.index, storage, repository.store, operations)
    except NoRemoteIndex:
        _make_index(repository, storage, operations)


def _make_index(repository: Repository, storage: Storage, operations: Sequence[Operation]) -> None:
    rebuild(repository.index, storage, repository.store)
    push(repository.index, storage, repository.store, operations)


def update_index(repository: Repository) -> RebuildReport | None:
    """Bring the remote index in line with a full scan of what is published.

    :returns: None: the storage keeps no index.
    :raises NotPermitted: the server's own secret may not write; NotAuthenticated: the storage does not know it.
    :raises IndexConflict: others wrote the index first, time and again.
    :raises StorageUnavailable: the scan did not end, or nobody knows whether the index was written.
    """
    storage = repository.view(None)
    if not storage.keeps_index:
        return None
    report = rebuild(repository.index, storage, repository.store)
    look_for_the_missing(repository, storage)
    repository.sweep(now=True)
    return report


def condition(repository: Repository) -> Condition:
    """How the remote index is doing, as far as this ROOT knows; nothing is asked."""
    if not repository.storage.keeps_index:
        return Condition()
    with repository.index.reading() as snapshot:
        main = snapshot.parts([MAIN]).get(MAIN)
        refused = snapshot.refused()
        waiting = [change.since for change in snapshot.pending(repository.store) if change.made]
    written = None if main is None else written_at(main)
    facts: dict[str, str | int | float] = {} if written is None else {"index_written_at": _stamp(written)}
    facts["changes_waiting"] = len(waiting)
    warnings = [*_of_damage(repository), *_of_refused(refused), *_of_waiting(repository, waiting)]
    return Condition(facts, tuple(warnings))


def _of_damage(repository: Repository) -> Iterator[str]:
    if repository.synchronisation.rescans.unusable:
        yield (
            "The remote index is there and is none that pywharf can read, so everything is read instead, at most every 15 "
            "minutes; run update_index, which writes it anew."
        )


def _of_refused(refused: Sequence[Refused]) -> Iterator[str]:
    about_files = [it.reason for it in refused if is_filename(it.filename)]
    yield from about_files[:_MOST_TOLD]
    if len(about_files) > _MOST_TOLD:
        yield f"{len(about_files) - _MOST_TOLD} more files are refused; update_index names them."


def _of_waiting(repository: Repository, waiting: Sequence[float]) -> Iterator[str]:
    if not waiting or min(waiting) > time.time() - _LONG:
        return
    by_server = repository.configuration.index_updates == "server"
    counted = "1 change waits" if len(waiting) == 1 else f"{len(waiting)} changes wait"
    blamed = "whether the admin secret may write" if by_server else "at the service that runs update_index"
    yield (
        f"{counted} since {_stamp(min(waiting))} to come into the remote index, and other servers do not see them; look "
        f"{blamed}."
    )


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
