"""What every change has in common: it is written down first, the storage is told, and the local index after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pywharf_core.errors import NotAuthenticated, NotPermitted, StorageUnavailable, WharfError
from pywharf_core.index.change import IndexChange
from pywharf_core.index.pending import PendingKind
from pywharf_core.index.sync import with_what_was_computed
from pywharf_core.model import DistributionFile
from pywharf_core.remote_changes import Intent, given_up, intend, settle
from pywharf_core.repository import Repository
from pywharf_core.storage import Storage
from pywharf_core.storage_answers import Deleted


@contextmanager
def intending(repository: Repository, storage: Storage, kind: PendingKind, file: DistributionFile) -> Iterator[Intent]:
    """The change is written down before the block asks the storage for it. A storage that says no is believed; of one
    that fell silent nobody knows what it did."""
    intent = intend(repository, storage, kind, file)
    with as_server(repository):
        try:
            yield intent
        except StorageUnavailable:
            raise
        except WharfError:
            given_up(repository, intent)
            raise


@contextmanager
def as_server(repository: Repository) -> Iterator[None]:
    """Where secrets are not the storage's own, it is the server's that the storage refuses: nothing that a caller can mend."""
    try:
        yield
    except (NotAuthenticated, NotPermitted) as error:
        if repository.configuration.auth_type is None:
            raise
        raise StorageUnavailable(
            f"The storage of the repository {repository.name} does not let this server do that; its operator should look at "
            f"the admin secret. ({error})"
        ) from error


def list_change(
    repository: Repository,
    storage: Storage,
    file: DistributionFile,
    since: int,
    apply: Callable[[IndexChange], None],
    if_gone: Callable[[IndexChange], None],
    intent: Intent = None,
    *,
    gone: bool = False,
    new: bool = False,
) -> None:
    """Write a change that the storage has made into the index.

    If somebody changed the same name after ``since``, nobody knows whose change the storage made last: it is asked.

    :param since: a revision of the index.
    :param if_gone: instead of ``apply``, if the storage has no such file then.
    :param gone: whether the file is, after the change.
    :param new: it was not there before the change: nobody can have missed it.
    """
    while True:
        with repository.index.changing() as change:
            if not change.changed_after(file.filename, since):
                back = not new and change.tombstone(file.filename) is not None
                replaced = None if gone else change.file(file.filename)
                if storage.keeps_index and replaced is not None and replaced.storage_id != file.storage_id:
                    # Or both would have the name in the remote index, though only one can have it in the storage.
                    change.put_pending(repository.store, PendingKind.MISS, replaced, made=True)
                apply(change)
                settle(repository, storage, change, intent, file, gone=gone, back=back)
                return
            since = change.revision()
        found = storage.find_file(file)
        gone, new = found is None, False
        if found is None:
            apply = if_gone
        else:
            apply, file = putting(found), found


def putting(file: DistributionFile) -> Callable[[IndexChange], None]:
    """Lists the file."""

    def put(change: IndexChange) -> None:
        listed = change.file(file.filename)
        change.put_file(file if listed is None else with_what_was_computed(listed, file))

    return put


def burying(storage: Storage, file: DistributionFile) -> Callable[[IndexChange], None]:
    """Remembers that the file was deleted."""

    def bury(change: IndexChange) -> None:
        if not _is_another(storage, change, file):
            change.put_tombstone(Deleted(file.filename, file.sha256), file.project)

    return bury


def removing(storage: Storage, file: DistributionFile) -> Callable[[IndexChange], None]:
    """Stops listing the file."""

    def remove(change: IndexChange) -> None:
        if not _is_another(storage, change, file):
            change.remove_file(file.filename)

    return remove


def _is_another(storage: Storage, change: IndexChange, file: DistributionFile) -> bool:
    """Whether a later file has the name: a storage that keeps an index is asked by identity, and says nothing of it."""
    listed = change.file(file.filename)
    return storage.keeps_index and listed is not None and listed.storage_id != file.storage_id


def log_fields(repository: Repository, file: DistributionFile) -> dict[str, object]:
    """What every line of the log about a change says."""
    return {"repository": repository.name, "file": file.filename, "sha256": file.sha256}
