"""What changes a repository: every publication goes through here, whoever asks for it.

The storage is told first, the local index after it: a listed file always exists. A process that dies between the two
leaves a file that the next synchronisation lists.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from pywharf_core.errors import FileAlreadyExists, FileChanged, FileNotFound, NotPermitted
from pywharf_core.model import DistributionFile, ProjectStatus, StagedFile
from pywharf_core.repository import Repository
from pywharf_core.secret import Secret
from pywharf_core.storage import Storage

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
    repository: Repository, file: DistributionFile, staged: StagedFile, secret: Secret | None = None
) -> Published:
    """Publish a checked upload; durable, and visible to every reader of this ROOT, when this returns.

    :param secret: the caller's, for storages that decide themselves.
    :raises FileAlreadyExists: the filename belongs, or belonged, to other content.
    :raises NotPermitted: the caller may not write, or the project takes no uploads.
    :raises StorageUnavailable: nothing was published.
    """
    storage = repository.view(secret)
    listed = _check(repository, storage, file)
    if listed is not None:
        return Published(listed, new=False)
    try:
        published, new = storage.add_file(file, staged), True
    except FileAlreadyExists:
        found = storage.find_file(file)
        if found is None:
            raise  # the name is taken by a deleted file: the storage's sentence says so
        if found.sha256 != file.sha256:
            raise _conflict(file.filename) from None
        published, new = found, False
    with repository.index.changing() as change:
        now = change.file(published.filename)
        if now is None or now.storage_id != published.storage_id or now.counter <= published.counter:
            change.put_file(published)  # else somebody changed it since, and listed that
    if new:
        logger.info(
            "file published",
            extra={"repository": repository.name, "file": file.filename, "bytes": file.size, "sha256": file.sha256},
        )
    return Published(published, new=new)


def _check(repository: Repository, storage: Storage, file: DistributionFile) -> DistributionFile | None:
    """What the index knows against this file; the listed file if it is this very one, and still there."""
    with repository.index.reading() as snapshot:
        project = snapshot.project(file.project)
        listed = snapshot.file(file.filename)
        tombstone = snapshot.tombstone(file.filename)
    if project is not None and (closed := _CLOSED.get(project.state.status)):
        raise NotPermitted(f"The project {file.project} is {closed} and takes no uploads.")
    if tombstone is not None and tombstone.sha256 != file.sha256:
        raise FileAlreadyExists(
            f"File already exists: {file.filename} was deleted, and its name can only come back with the same content; "
            "publish a new version instead."
        )
    if listed is None:
        return None
    try:
        storage.locate_file(listed)
    except (FileNotFound, FileChanged):
        return None  # the index is behind: let the storage decide
    if listed.sha256 != file.sha256:
        raise _conflict(file.filename)
    return listed


def _conflict(filename: str) -> FileAlreadyExists:
    return FileAlreadyExists(
        f"File already exists: {filename} is published with other content, which is never replaced; "
        "raise the version and publish again."
    )
