"""What changes a repository: every publication, yank, deletion and status goes through here, whoever asks for it.

The storage is told first, the local index after it: a listed file always exists. A process that dies between the two
leaves a change that the next synchronisation lists. Other servers change the same storage, so it is the storage that is
asked what a listed file is now; the index follows.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from packaging.utils import NormalizedName

from pywharf_core.errors import (
    FileAlreadyExists,
    FileChanged,
    FileNotFound,
    NotAuthenticated,
    NotPermitted,
    ProjectNotFound,
    StorageUnavailable,
    WharfError,
)
from pywharf_core.filenames import same_version
from pywharf_core.index.local import IndexChange, IndexedProject
from pywharf_core.index.pending import PendingKind
from pywharf_core.index.sync import with_what_was_computed
from pywharf_core.model import AttachmentKind, DistributionFile, ProjectState, ProjectStatus, StagedFile
from pywharf_core.remote_changes import Intent, given_up, intend, settle, write_through
from pywharf_core.repository import Repository
from pywharf_core.secret import Secret
from pywharf_core.simple.links import encodable
from pywharf_core.simple.ordering import parsed_version
from pywharf_core.storage import Deleted, Storage

logger = logging.getLogger(__name__)

_CLOSED = {
    ProjectStatus.ARCHIVED: "archived",
    ProjectStatus.QUARANTINED: "quarantined",
}


@dataclass(frozen=True, slots=True)
class Published:
    """:ivar new: False: the very same file was published already, and nothing changed."""

    file: DistributionFile
    new: bool


def publish(
    repository: Repository,
    file: DistributionFile,
    staged: StagedFile,
    secret: Secret | None = None,
    *,
    though_closed: bool = False,
) -> Published:
    """Publish a checked upload; durable, and visible to every reader of this ROOT, when this returns.

    :param secret: the caller's, for storages that decide themselves; so in all functions here.
    :param though_closed: it is no upload, but comes from where the project is closed too.
    :raises FileAlreadyExists: the filename belongs, or belonged, to other content.
    :raises NotPermitted: the caller may not write, or the project takes no uploads.
    :raises UploadRefused: a plugin keeps the file out; PluginError: a plugin that is asked failed.
    :raises StorageUnavailable: nothing was published.
    """
    with repository.index.publishing(file):
        return _publish(repository, repository.view(secret), file, staged, though_closed=though_closed)


def _publish(
    repository: Repository, storage: Storage, file: DistributionFile, staged: StagedFile, *, though_closed: bool
) -> Published:
    since, listed = _before_publication(repository, file, though_closed=though_closed)
    published, new = None if listed is None else storage.find_file(listed), False
    intent: Intent = None
    if published is None:
        repository.configuration.change_hooks.demand_welcome(repository.name, file, staged)
        with _intending(repository, storage, PendingKind.PUBLISH, file) as intent:
            published, new = _add(storage, file, staged)
    if listed is None or published.fingerprint != listed.fingerprint:
        _list(repository, storage, published, since, _putting(published), _removing(storage, published), intent)
    if published.sha256 != file.sha256:
        raise FileAlreadyExists(
            f"File already exists: {file.filename} is published with other content, which is never replaced; "
            "raise the version and publish again."
        )
    if new:
        logger.info("file published", extra=_fields(repository, published) | {"bytes": published.size})
        repository.configuration.change_hooks.published(repository.name, published)
    return Published(published, new=new)


def why_closed(repository: Repository, project: NormalizedName) -> str | None:
    """Why the project takes no uploads, in a sentence; None: it does."""
    with repository.index.reading() as snapshot:
        return _why_closed(project, snapshot.project(project))


def yank(
    repository: Repository,
    project: NormalizedName,
    version: str,
    reason: str | None,
    secret: Secret | None = None,
    *,
    filename: str | None = None,
) -> Sequence[DistributionFile]:
    """Mark every file of a release as yanked (file yanking specification), or as not.

    :param reason: shown to who installs it, perhaps ""; None takes the mark away.
    :param filename: only this file of the release, as other indexes may have it.
    :returns: the files whose mark changed; none if all had it so already.
    :raises NotFound: there is no such release.
    :raises NotSynchronised: what exists is not known completely yet; so in all functions below.
    :raises NotSupported: the storage cannot keep the mark.
    """
    storage = repository.view(secret)
    release, since = repository.release(project, version)
    listed = release.files
    if filename is not None:
        listed = [file for file in listed if file.filename == filename]
    reason = None if reason is None else encodable(reason)
    stored = _stored(repository, storage, listed, since)
    marked = []
    for file in stored:
        if file.yanked == reason:
            continue
        try:
            with _intending(repository, storage, PendingKind.UPDATE, file) as intent:
                updated = storage.update_file(replace(file, yanked=reason))
        except FileNotFound:  # in the moment since it was found
            _forget(repository, storage, file, since)
            if len(stored) == 1:
                raise _gone(listed) from None
            continue
        _list(repository, storage, updated, since, _putting(updated), _removing(storage, updated), intent)
        logger.info("file unyanked" if reason is None else "file yanked", extra=_fields(repository, updated))
        marked.append(updated)
    return marked


def amend(
    repository: Repository,
    file: DistributionFile,
    attachments: Mapping[AttachmentKind, bytes],
    secret: Secret | None = None,
) -> DistributionFile:
    """Write down anew what is known of a published file, such as what was read out of it once more.

    :param file: of the content that is published.
    :param attachments: that replace those of their kind.
    :returns: the file as it is listed now.
    :raises FileNotFound: it is gone; FileChanged: it has other content.
    :raises NotSupported: the storage cannot keep it.
    """
    storage = repository.view(secret)
    with repository.index.reading() as snapshot:
        since = snapshot.revision()
    with _intending(repository, storage, PendingKind.UPDATE, file) as intent:
        updated = storage.update_file(file, attachments)
    _list(repository, storage, updated, since, _putting(updated), _removing(storage, updated), intent)
    logger.info("file described anew", extra=_fields(repository, updated))
    return updated


def delete(
    repository: Repository,
    project: NormalizedName | None,
    *,
    version: str | None = None,
    filename: str | None = None,
    secret: Secret | None = None,
    shown: Collection[str] | None = None,
) -> Sequence[DistributionFile]:
    """Delete a release, or one file, for good. A name that was published never means other content, and its project's
    name stays reserved.

    :param project: None: whichever has the file.
    :param filename: only this file; of that version, if one is given.
    :param shown: the filenames that whoever asks was shown; None: it is all the same.
    :returns: the files that were deleted.
    :raises NotFound: there is no such release or file.
    :raises FileChanged: other files would be deleted than were shown, or a stored file is not the one that is listed;
        nothing was deleted.
    :raises NotSupported: the storage cannot delete.
    """
    storage = repository.view(secret)
    if filename is not None:
        since, listed = _one_file(repository, filename, project, version)
    else:
        assert project is not None, "a release is of a project"
        assert version is not None, "a version or a filename"
        release, since = repository.release(project, version)
        listed = release.files
    if shown is not None and set(shown) != {file.filename for file in listed}:
        raise FileChanged("Other files are there now than were shown, so nothing was deleted; look at them again.")
    stored = _stored(repository, storage, listed, since)
    sha256 = {file.filename: file.sha256 for file in listed}
    for file in stored:
        if file.sha256 != sha256[file.filename]:
            raise FileChanged(
                f"{file.filename} has other content than was listed, so nothing was deleted; look at it and try again."
            )
    deleted = []
    for file in stored:
        try:
            with _intending(repository, storage, PendingKind.DELETE, file) as intent:
                storage.delete_file(file)
        except FileNotFound:  # in the moment since it was found
            _forget(repository, storage, file, since)
            continue
        bury = _burying(storage, file)
        _list(repository, storage, file, since, bury, bury, intent, gone=True)
        logger.info("file deleted", extra=_fields(repository, file))
        repository.configuration.change_hooks.removed(repository.name, file)
        deleted.append(file)
    if not deleted:
        raise _gone(listed)
    return deleted


def set_status(
    repository: Repository,
    project: NormalizedName,
    status: ProjectStatus,
    reason: str | None = None,
    secret: Secret | None = None,
) -> ProjectState:
    """Set a project's status marker (PEP 792).

    :raises ProjectNotFound: there is no such project.
    :raises NotSupported: the storage cannot keep it.
    """
    reason = None if reason is None else encodable(reason)
    with repository.index.reading() as snapshot:
        repository.synchronisation.demanded(snapshot)
        row = snapshot.project(project)
    if row is None:
        raise ProjectNotFound(f"There is no project {project} in this repository.")
    storage = repository.view(secret)
    if storage.keeps_index:  # there a project's status lives, and the caller's own secret has to write it
        state = replace(row.state, status=status, reason=reason)
        with _as_server(repository):
            write_through(repository, storage, [state])
        return state
    # The index's lock is held meanwhile: of two that set a status at once, both places keep the same one's.
    with repository.index.changing() as change:
        row = change.project(project) or row
        state = replace(row.state, status=status, reason=reason)
        storage.update_project(state)
        change.put_project(state)
    logger.info("project status set", extra={"repository": repository.name, "project": project, "status": status.value})
    return state


def put_states(repository: Repository, states: Sequence[ProjectState], secret: Secret | None = None) -> None:
    """Write status and reservation of several names at once, whether or not they have files here.

    :raises NotSupported: the storage cannot keep them.
    """
    storage = repository.view(secret)
    if storage.keeps_index:
        write_through(repository, storage, states)
        return
    for state in states:
        with repository.index.changing() as change:  # see ``set_status``
            storage.update_project(state)
            change.put_project(state)


def _why_closed(project: NormalizedName, row: IndexedProject | None) -> str | None:
    closed = None if row is None else _CLOSED.get(row.state.status)
    return None if closed is None else f"The project {project} is {closed} and takes no uploads."


def _before_publication(
    repository: Repository, file: DistributionFile, *, though_closed: bool
) -> tuple[int, DistributionFile | None]:
    """The index's revision, and the file that it lists under this name."""
    with repository.index.reading() as snapshot:
        since = snapshot.revision()
        project = snapshot.project(file.project)
        listed = snapshot.file(file.filename)
        tombstone = snapshot.tombstone(file.filename)
        other = snapshot.other_spelling(file) if listed is None else None
    if not though_closed and (closed := _why_closed(file.project, project)) is not None:
        raise NotPermitted(closed)
    if tombstone is not None and tombstone.sha256 != file.sha256:
        raise _deleted(file)
    if other is not None:
        raise FileAlreadyExists(
            f"File already exists: {file.filename} is another spelling of {other}, which is published; "
            "raise the version and publish again."
        )
    return since, listed


def _add(storage: Storage, file: DistributionFile, staged: StagedFile) -> tuple[DistributionFile, bool]:
    """The file that has the name now, and whether it is this one, new."""
    for _ in range(2):  # once more, if what had the name is deleted in this moment
        try:
            return storage.add_file(file, staged), True
        except FileAlreadyExists:
            found = storage.find_file(file)
            if found is not None:
                return found, False
    raise _deleted(file)


def _deleted(file: DistributionFile) -> FileAlreadyExists:
    return FileAlreadyExists(
        f"File already exists: {file.filename} was deleted, and its name can only come back with the same content; "
        "publish a new version instead."
    )


def _stored(
    repository: Repository, storage: Storage, listed: Sequence[DistributionFile], since: int
) -> Sequence[DistributionFile]:
    """The listed files as the storage has them now, without those that are gone.

    :raises FileNotFound: all are gone.
    """
    stored = []
    for file in listed:
        with _as_server(repository):
            found = storage.find_file(file)
        if found is None:
            _forget(repository, storage, file, since)
            continue
        if found.fingerprint != file.fingerprint:
            found = with_what_was_computed(file, found)
            _list(repository, storage, found, since, _putting(found), _removing(storage, found))
        stored.append(found)
    if not stored:
        raise _gone(listed)
    return stored


def _forget(repository: Repository, storage: Storage, file: DistributionFile, since: int) -> None:
    logger.warning("file was gone already", extra=_fields(repository, file))
    remove = _removing(storage, file)
    _list(repository, storage, file, since, remove, remove, gone=True)


def _gone(files: Sequence[DistributionFile]) -> FileNotFound:
    names = ", ".join(file.filename for file in files)
    return FileNotFound(f"{names}: no longer in the storage, somebody else removed it.")


def _list(
    repository: Repository,
    storage: Storage,
    file: DistributionFile,
    since: int,
    apply: Callable[[IndexChange], None],
    if_gone: Callable[[IndexChange], None],
    intent: Intent = None,
    *,
    gone: bool = False,
) -> None:
    """Write a change that the storage has made into the index.

    If somebody changed the same name after ``since``, nobody knows whose change the storage made last: it is asked.

    :param gone: whether the file is, after the change.
    """
    while True:
        with repository.index.changing() as change:
            if not change.changed_after(file.filename, since):
                apply(change)
                settle(repository, storage, change, intent, file, gone=gone)
                return
            since = change.revision()
        found = storage.find_file(file)
        gone = found is None
        if found is None:
            apply = if_gone
        else:
            apply, file = _putting(found), found


@contextmanager
def _intending(repository: Repository, storage: Storage, kind: PendingKind, file: DistributionFile) -> Iterator[Intent]:
    """The change is written down before the block asks the storage for it. A storage that says no is believed; of one
    that fell silent nobody knows what it did."""
    intent = intend(repository, storage, kind, file)
    with _as_server(repository):
        try:
            yield intent
        except StorageUnavailable:
            raise
        except WharfError:
            given_up(repository, intent)
            raise


@contextmanager
def _as_server(repository: Repository) -> Iterator[None]:
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


def _putting(file: DistributionFile) -> Callable[[IndexChange], None]:
    def put(change: IndexChange) -> None:
        listed = change.file(file.filename)
        change.put_file(file if listed is None else with_what_was_computed(listed, file))

    return put


def _burying(storage: Storage, file: DistributionFile) -> Callable[[IndexChange], None]:
    def bury(change: IndexChange) -> None:
        if not _is_another(storage, change, file):
            change.put_tombstone(Deleted(file.filename, file.sha256), file.project)

    return bury


def _removing(storage: Storage, file: DistributionFile) -> Callable[[IndexChange], None]:
    def remove(change: IndexChange) -> None:
        if not _is_another(storage, change, file):
            change.remove_file(file.filename)

    return remove


def _is_another(storage: Storage, change: IndexChange, file: DistributionFile) -> bool:
    """Whether a later file has the name: a storage that keeps an index is asked by identity, and says nothing of it."""
    listed = change.file(file.filename)
    return storage.keeps_index and listed is not None and listed.storage_id != file.storage_id


def _one_file(
    repository: Repository, filename: str, project: NormalizedName | None, version: str | None
) -> tuple[int, Sequence[DistributionFile]]:
    with repository.index.reading() as snapshot:
        repository.synchronisation.demanded(snapshot)
        since = snapshot.revision()
        file = snapshot.file(filename)
    if file is None or (project is not None and file.project != project):
        raise FileNotFound(f"{project or 'This repository'} has no file {filename}.")
    if version is not None and not same_version(version, parsed_version(file.version)):
        raise FileNotFound(f"{filename} is not of the release {file.project} {version}.")
    return since, [file]


def _fields(repository: Repository, file: DistributionFile) -> dict[str, object]:
    return {"repository": repository.name, "file": file.filename, "sha256": file.sha256}
