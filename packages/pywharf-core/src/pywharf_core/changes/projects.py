"""What is said of whole projects: status markers and reserved names."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from packaging.utils import NormalizedName

from pywharf_core.changes.storage_then_index import as_server
from pywharf_core.errors import ProjectNotFound
from pywharf_core.model import ProjectState, ProjectStatus
from pywharf_core.remote_changes import write_through
from pywharf_core.repository import Repository
from pywharf_core.secret import Secret
from pywharf_core.simple.links import one_line

logger = logging.getLogger(__name__)


def set_status(
    repository: Repository,
    project: NormalizedName,
    status: ProjectStatus,
    reason: str | None = None,
    secret: Secret | None = None,
) -> ProjectState:
    """Set a project's status marker (PEP 792).

    :param secret: the caller's, for storages that decide themselves.
    :raises ProjectNotFound: there is no such project.
    :raises NotSynchronised: what exists is not known completely yet.
    :raises NotSupported: the storage cannot keep it.
    :raises NotPermitted: the caller may not write; NotAuthenticated: the storage does not know the secret.
    :raises IndexConflict: others wrote the remote index first, time and again; nothing was set.
    :raises StorageUnavailable: nobody knows now whether it was set.
    """
    reason = None if reason is None else one_line(reason)
    with repository.index.reading() as snapshot:
        repository.synchronisation.demanded(snapshot)
        row = snapshot.project(project)
    if row is None:
        raise ProjectNotFound(f"There is no project {project} in this repository.")
    storage = repository.view(secret)
    if storage.keeps_index:  # there a project's status lives, and the caller's own secret has to write it
        state = replace(row.state, status=status, reason=reason)
        with as_server(repository):
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

    :param secret: the caller's, for storages that decide themselves.
    :raises NotSupported: the storage cannot keep them.
    :raises NotPermitted: the view may not write; NotAuthenticated: the storage does not know the secret.
    :raises IndexConflict: others wrote the remote index first, time and again; nothing was written.
    :raises StorageUnavailable: some may be written and others not.
    """
    storage = repository.view(secret)
    if storage.keeps_index:
        write_through(repository, storage, states)
        return
    for state in states:
        with repository.index.changing() as change:  # see ``set_status``
            storage.update_project(state)
            change.put_project(state)
