"""A new file comes into a repository, if nothing speaks against it."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from packaging.utils import NormalizedName

from pywharf_core.changes.storage_then_index import intending, list_change, log_fields, putting, removing
from pywharf_core.errors import FileAlreadyExists, NotPermitted
from pywharf_core.index.pending import PendingKind
from pywharf_core.index.snapshot import IndexedProject
from pywharf_core.model import DistributionFile, ProjectStatus, StagedFile
from pywharf_core.remote_changes import Intent
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
    repository: Repository,
    file: DistributionFile,
    staged: StagedFile,
    secret: Secret | None = None,
    *,
    though_closed: bool = False,
) -> Published:
    """Publish a checked upload; durable, and visible to every reader of this ROOT, when this returns.

    :param secret: the caller's, for storages that decide themselves.
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
        with intending(repository, storage, PendingKind.PUBLISH, file) as intent:
            published, new = _add(storage, file, staged)
    if listed is None or published.fingerprint != listed.fingerprint:
        put, remove = putting(published), removing(storage, published)
        list_change(repository, storage, published, since, put, remove, intent, new=new)
    if published.sha256 != file.sha256:
        raise FileAlreadyExists(
            f"File already exists: {file.filename} is published with other content, which is never replaced; "
            "raise the version and publish again."
        )
    if new:
        logger.info("file published", extra=log_fields(repository, published) | {"bytes": published.size})
        repository.configuration.change_hooks.published(repository.name, published)
    return Published(published, new=new)


def why_closed(repository: Repository, project: NormalizedName) -> str | None:
    """Why the project takes no uploads, in a sentence; None: it does."""
    with repository.index.reading() as snapshot:
        return _why_closed(project, snapshot.project(project))


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
