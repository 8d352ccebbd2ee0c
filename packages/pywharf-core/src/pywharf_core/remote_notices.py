"""Word from the storage itself that something changed, where it keeps a remote index."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from pywharf_core.errors import NotAuthenticated, NotPermitted
from pywharf_core.index.change import IndexChange
from pywharf_core.index.pending import PendingKind
from pywharf_core.index.sync import with_what_was_computed
from pywharf_core.model import DistributionFile
from pywharf_core.remote_changes import settle
from pywharf_core.remote_inquiries import bury
from pywharf_core.repository import Repository
from pywharf_core.storage import Storage
from pywharf_core.storage_answers import Change, ChangeKind

logger = logging.getLogger(__name__)


def noticed(repository: Repository, notice: Sequence[Change]) -> None:
    """The storage sent word of changes. What it says of files is listed at once; of all else, the synchroniser is told.

    Notices come late, twice and in any order: a file that is known to be newer, or dead, stays so. That one is gone is
    believed only if the storage says so, asked for it by identity with the server's own secret.

    :raises StorageUnavailable: it was asked whether a file is gone, and does not know.
    """
    storage = repository.view(None)
    for it in notice:
        file = _file_of(repository, it) if storage.keeps_index else None
        is_removal = it.kind is ChangeKind.REMOVED
        if file is None:
            with repository.index.changing() as change:
                change.mark_noticed()
        elif is_removal or _is_doubtful(repository, file):
            try:
                _ask(repository, storage, file, is_removal=is_removal)
            except (NotAuthenticated, NotPermitted) as error:
                logger.warning("a notice cannot be confirmed", extra={"file": file.filename, "error": str(error)})
                with repository.index.changing() as change:
                    change.mark_noticed()
        else:
            with repository.index.changing() as change:
                _learn(repository, storage, change, file)


def _file_of(repository: Repository, notice: Change) -> DistributionFile | None:
    """The one file of which it tells; None: of another thing, or of nobody knows which."""
    if notice.kind is ChangeKind.UNKNOWN:
        return None
    if notice.file is not None:
        return notice.file if notice.file.storage_id else None
    if notice.kind is not ChangeKind.REMOVED or notice.filename is None:
        return None
    with repository.index.reading() as snapshot:
        return snapshot.file(notice.filename)


def _is_doubtful(repository: Repository, file: DistributionFile) -> bool:
    """Whether a publication that is told may be an old one, of a file that is gone since: where another one has that name
    here, or one was deleted."""
    with repository.index.reading() as snapshot:
        deleted, listed = snapshot.tombstone(file.filename), snapshot.file(file.filename)
    is_same = listed is not None and listed.storage_id == file.storage_id
    return not is_same and (listed is not None or deleted is not None)


def _ask(repository: Repository, storage: Storage, file: DistributionFile, *, is_removal: bool) -> None:
    """What the storage says of the file counts, whatever the notice says."""
    while True:
        with repository.index.reading() as snapshot:
            since = snapshot.revision()
        found = storage.find_file(file)
        with repository.index.changing() as change:
            if change.changed_after(file.filename, since):
                continue  # what was found may be older than what is known
            if found is not None and found.storage_id == file.storage_id:
                _learn(repository, storage, change, found)
            elif is_removal:
                bury(change, file)
                settle(repository, storage, change, None, file, gone=True)
        return


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
    deleted = change.tombstone(file.filename)
    if deleted is not None and deleted.sha256 != file.sha256:
        logger.warning("a deleted name came back with other content", extra={"file": file.filename})
        return
    change.put_file(file)
    # Of a name that somebody missed the storage was asked.
    settle(repository, storage, change, None, file, gone=False, back=deleted is not None)
