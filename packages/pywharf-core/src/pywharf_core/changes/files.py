"""Later changes of files that were published: yank, describe anew, delete."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from packaging.utils import NormalizedName

from pywharf_core.changes.storage_then_index import (
    as_server,
    burying,
    intending,
    list_change,
    log_fields,
    putting,
    removing,
)
from pywharf_core.errors import FileChanged, FileNotFound
from pywharf_core.filenames import same_version
from pywharf_core.index.pending import PendingKind
from pywharf_core.index.sync import with_what_was_computed
from pywharf_core.model import AttachmentKind, DistributionFile
from pywharf_core.repository import Repository
from pywharf_core.secret import Secret
from pywharf_core.simple.links import one_line
from pywharf_core.simple.ordering import parsed_version
from pywharf_core.storage import Storage

logger = logging.getLogger(__name__)


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
    :param secret: the caller's, for storages that decide themselves.
    :param filename: only this file of the release, as other indexes may have it.
    :returns: the files whose mark changed; none if all had it so already.
    :raises NotFound: there is no such release.
    :raises NotSynchronised: what exists is not known completely yet.
    :raises NotSupported: the storage cannot keep the mark.
    :raises NotPermitted: the caller may not write; NotAuthenticated: the storage does not know the secret.
    :raises StorageUnavailable: nobody knows now; files that are marked already stay so.
    """
    storage = repository.view(secret)
    release, since = repository.release(project, version)
    listed = release.files
    if filename is not None:
        listed = [file for file in listed if file.filename == filename]
    reason = None if reason is None else one_line(reason)
    stored = _stored(repository, storage, listed, since)
    marked = []
    for file in stored:
        if file.yanked == reason:
            continue
        try:
            with intending(repository, storage, PendingKind.UPDATE, file) as intent:
                updated = storage.update_file(replace(file, yanked=reason))
        except FileNotFound:  # in the moment since it was found
            _forget(repository, storage, file, since)
            if len(stored) == 1:
                raise _gone(listed) from None
            continue
        list_change(repository, storage, updated, since, putting(updated), removing(storage, updated), intent)
        logger.info("file unyanked" if reason is None else "file yanked", extra=log_fields(repository, updated))
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
    :param secret: the caller's, for storages that decide themselves.
    :returns: the file as it is listed now.
    :raises FileNotFound: it is gone; FileChanged: it has other content.
    :raises NotSupported: the storage cannot keep it.
    :raises NotPermitted: the caller may not write; NotAuthenticated: the storage does not know the secret.
    :raises StorageUnavailable: nobody knows now whether it was done.
    """
    storage = repository.view(secret)
    with repository.index.reading() as snapshot:
        since = snapshot.revision()
    with intending(repository, storage, PendingKind.UPDATE, file) as intent:
        updated = storage.update_file(file, attachments)
    list_change(repository, storage, updated, since, putting(updated), removing(storage, updated), intent)
    logger.info("file described anew", extra=log_fields(repository, updated))
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
    :param secret: the caller's, for storages that decide themselves.
    :param shown: the filenames that whoever asks was shown; None: it is all the same.
    :returns: the files that were deleted.
    :raises NotFound: there is no such release or file.
    :raises NotSynchronised: what exists is not known completely yet.
    :raises FileChanged: other files would be deleted than were shown, or a stored file is not the one that is listed;
        nothing was deleted.
    :raises NotSupported: the storage cannot delete.
    :raises NotPermitted: the caller may not write; NotAuthenticated: the storage does not know the secret.
    :raises StorageUnavailable: nobody knows now; files that are deleted already stay so.
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
            with intending(repository, storage, PendingKind.DELETE, file) as intent:
                storage.delete_file(file)
        except FileNotFound:  # in the moment since it was found
            _forget(repository, storage, file, since)
            continue
        bury = burying(storage, file)
        list_change(repository, storage, file, since, bury, bury, intent, gone=True)
        logger.info("file deleted", extra=log_fields(repository, file))
        repository.configuration.change_hooks.removed(repository.name, file)
        deleted.append(file)
    if not deleted:
        raise _gone(listed)
    return deleted


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


def _stored(
    repository: Repository, storage: Storage, listed: Sequence[DistributionFile], since: int
) -> Sequence[DistributionFile]:
    """The listed files as the storage has them now, without those that are gone.

    :raises FileNotFound: all are gone.
    """
    stored = []
    for file in listed:
        with as_server(repository):
            found = storage.find_file(file)
        if found is None:
            _forget(repository, storage, file, since)
            continue
        if found.fingerprint != file.fingerprint:
            found = with_what_was_computed(file, found)
            list_change(repository, storage, found, since, putting(found), removing(storage, found))
        stored.append(found)
    if not stored:
        raise _gone(listed)
    return stored


def _forget(repository: Repository, storage: Storage, file: DistributionFile, since: int) -> None:
    logger.warning("file was gone already", extra=log_fields(repository, file))
    remove = removing(storage, file)
    list_change(repository, storage, file, since, remove, remove, gone=True)


def _gone(files: Sequence[DistributionFile]) -> FileNotFound:
    names = ", ".join(file.filename for file in files)
    return FileNotFound(f"{names}: no longer in the storage, somebody else removed it.")
