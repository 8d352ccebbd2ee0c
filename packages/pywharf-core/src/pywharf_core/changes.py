"""What changes a repository: every publication, yank, deletion and status goes through here, whoever asks for it.

The storage is told first, the local index after it: a listed file always exists. A process that dies between the two
leaves a change that the next synchronisation lists.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from packaging.utils import NormalizedName
from packaging.version import InvalidVersion, Version

from pywharf_core.errors import FileAlreadyExists, FileChanged, FileNotFound, NotFound, NotPermitted, ProjectNotFound
from pywharf_core.index.local import IndexChange
from pywharf_core.model import DistributionFile, ProjectState, ProjectStatus, StagedFile
from pywharf_core.repository import Repository
from pywharf_core.secret import Secret
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
    repository: Repository, file: DistributionFile, staged: StagedFile, secret: Secret | None = None
) -> Published:
    """Publish a checked upload; durable, and visible to every reader of this ROOT, when this returns.

    :param secret: the caller's, for storages that decide themselves; so in all functions here.
    :raises FileAlreadyExists: the filename belongs, or belonged, to other content.
    :raises NotPermitted: the caller may not write, or the project takes no uploads.
    :raises StorageUnavailable: nothing was published.
    """
    storage = repository.view(secret)
    since, listed = _check(repository, storage, file)
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
    _list(repository, storage, published, since, _putting(published))
    if new:
        logger.info("file published", extra=_fields(repository, published) | {"bytes": published.size})
    return Published(published, new=new)


def yank(
    repository: Repository, project: NormalizedName, version: str, reason: str | None, secret: Secret | None = None
) -> Sequence[DistributionFile]:
    """Mark every file of a release as yanked (file yanking specification), or as not.

    :param reason: shown to who installs it, perhaps ""; None takes the mark away.
    :returns: the files whose mark changed; none if all had it so already.
    :raises NotFound: there is no such release.
    :raises NotSupported: the storage cannot keep the mark.
    """
    storage = repository.view(secret)
    since, files = _release(repository, project, version)
    marked = []
    for file in files:
        if file.yanked == reason:
            continue
        updated = storage.update_file(replace(file, yanked=reason))
        _list(repository, storage, updated, since, _putting(updated))
        logger.info("file unyanked" if reason is None else "file yanked", extra=_fields(repository, updated))
        marked.append(updated)
    return marked


def delete(
    repository: Repository,
    project: NormalizedName,
    *,
    version: str | None = None,
    filename: str | None = None,
    secret: Secret | None = None,
) -> Sequence[DistributionFile]:
    """Delete a release, or one file, for good. A name that was published never means other content, and its project's
    name stays reserved.

    :returns: the files that were deleted.
    :raises NotFound: there is no such release or file.
    :raises FileChanged: the stored file is not the one that is listed; nothing was deleted.
    :raises NotSupported: the storage cannot delete.
    """
    storage = repository.view(secret)
    if filename is not None:
        since, files = _one_file(repository, project, filename)
    else:
        assert version is not None, "a version or a filename"
        since, files = _release(repository, project, version)
    for file in files:
        try:
            storage.delete_file(file)
        except FileNotFound:
            logger.warning("file was gone already", extra=_fields(repository, file))
        _list(repository, storage, file, since, _burying(file))
        logger.info("file deleted", extra=_fields(repository, file))
    return files


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
    with repository.index.reading() as snapshot:
        row = snapshot.project(project)
    if row is None:
        raise ProjectNotFound(f"There is no project {project} in this repository.")
    state = replace(row.state, status=status, reason=reason)
    if state != row.state:
        repository.view(secret).update_project(state)
        with repository.index.changing() as change:
            change.put_project(state)
        logger.info(
            "project status set", extra={"repository": repository.name, "project": project, "status": status.value}
        )
    return state


def _check(repository: Repository, storage: Storage, file: DistributionFile) -> tuple[int, DistributionFile | None]:
    """The index's revision, and what it knows: the listed file if it is this very one, and still there."""
    with repository.index.reading() as snapshot:
        since = snapshot.revision()
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
        return since, None
    try:
        storage.locate_file(listed)
    except (FileNotFound, FileChanged):
        return since, None  # the index is behind: let the storage decide
    if listed.sha256 != file.sha256:
        raise _conflict(file.filename)
    return since, listed


def _list(
    repository: Repository,
    storage: Storage,
    file: DistributionFile,
    since: int,
    apply: Callable[[IndexChange], None],
) -> None:
    """Write a change that the storage has made into the index.

    If somebody changed the same name after ``since``, nobody knows whose change the storage made last: it is asked.
    """
    while True:
        with repository.index.changing() as change:
            if not change.changed_after(file.filename, since):
                apply(change)
                return
            since = change.revision()
        found = storage.find_file(file)
        apply = _burying(file) if found is None else _putting(found)


def _putting(file: DistributionFile) -> Callable[[IndexChange], None]:
    return lambda change: change.put_file(file)


def _burying(file: DistributionFile) -> Callable[[IndexChange], None]:
    return lambda change: change.put_tombstone(Deleted(file.filename, file.sha256), file.project)


def _release(repository: Repository, project: NormalizedName, version: str) -> tuple[int, Sequence[DistributionFile]]:
    try:
        wanted = Version(version)
    except InvalidVersion:
        raise NotFound(f"{version!r} is no version as in PEP 440, so {project} has no such release.") from None
    with repository.index.reading() as snapshot:
        since = snapshot.revision()
        files = [file for file in snapshot.files(project) if Version(file.version) == wanted]
    if not files:
        raise NotFound(f"There is no release {project} {version} in this repository.")
    return since, files


def _one_file(repository: Repository, project: NormalizedName, filename: str) -> tuple[int, Sequence[DistributionFile]]:
    with repository.index.reading() as snapshot:
        since = snapshot.revision()
        file = snapshot.file(filename)
    if file is None or file.project != project:
        raise FileNotFound(f"{project} has no file {filename}.")
    return since, [file]


def _fields(repository: Repository, file: DistributionFile) -> dict[str, object]:
    return {"repository": repository.name, "file": file.filename, "sha256": file.sha256}


def _conflict(filename: str) -> FileAlreadyExists:
    return FileAlreadyExists(
        f"File already exists: {filename} is published with other content, which is never replaced; "
        "raise the version and publish again."
    )
