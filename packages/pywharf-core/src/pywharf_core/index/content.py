"""What a remote index says, as a value: entries, what was deleted, projects; what operations make of it; and its parts.

Small indexes are one part, ``index``; large ones are sharded by project, so that an upload rewrites one small part.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pywharf_core.filenames import normalise
from pywharf_core.model import DistributionFile, ProjectState

MAIN = "index"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """A file that was deleted, by the storage's identity of it: nothing brings that one back.

    :ivar missing: nobody said that it is deleted; it was found gone, as a release that somebody unpublished on GitHub. If
        it is found again, a ``Revival`` brings it back.
    """

    storage_id: str
    filename: str
    sha256: str
    project: str
    missing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What one part, or all parts together, say.

    :ivar files: by the storage's identity.
    :ivar deleted: likewise.
    :ivar projects: by name; only those with a status or a reservation of their own.
    :ivar refused: why by filename: what the last rebuild could not list. The main part alone says it.
    """

    files: Mapping[str, DistributionFile] = field(default_factory=dict)
    deleted: Mapping[str, Tombstone] = field(default_factory=dict)
    projects: Mapping[str, ProjectState] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A project's name that was published here once: it is kept, whatever becomes of the files."""

    project: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Revival:
    """A file that was missing is there: the storage said so when it was asked for this very file, by somebody who knew of
    the tombstone."""

    file: DistributionFile

    @property
    def project(self) -> str:
        return self.file.project


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedFiles:
    """What a rebuild could not list, instead of what the one before could not.

    :ivar reasons: by filename.
    """

    reasons: Mapping[str, str]


#: A change of the index: a file's present state, a deletion, its end, a project's state, a name that is kept, what is
#: refused. Applying one twice changes nothing more.
Operation = DistributionFile | Tombstone | Revival | ProjectState | Reservation | RefusedFiles


def apply(content: Content, operations: Iterable[Operation]) -> Content:
    """The content after the operations, in whatever order they come.

    An addition never beats a tombstone; of two states of a file the one with the higher counter wins; a reservation is
    never taken back. (Searched for among all interleavings of several servers and a rebuild: weaker rules lose files.)
    A revival and a tombstone of what is missing do come in an order: what was found last counts. No revival beats a
    deletion.
    """
    files, deleted, projects = dict(content.files), dict(content.deleted), dict(content.projects)
    refused = content.refused
    for operation in operations:
        match operation:
            case DistributionFile():
                present = files.get(operation.storage_id)
                if operation.storage_id not in deleted and (present is None or present.counter < operation.counter):
                    files[operation.storage_id] = operation
            case Tombstone():
                files.pop(operation.storage_id, None)
                before_it = deleted.get(operation.storage_id)
                if before_it is None or (before_it.missing and not operation.missing):
                    deleted[operation.storage_id] = operation
                _reserve(projects, operation.project)
            case Revival(file=file):
                if not _is_deleted(deleted, file):
                    deleted.pop(file.storage_id, None)
                    alive = files.get(file.storage_id)
                    if alive is None or alive.counter < file.counter:
                        files[file.storage_id] = file
            case Reservation():
                _reserve(projects, operation.project)
            case ProjectState():
                before = projects.get(operation.name, operation)
                projects[operation.name] = replace(operation, reserved=operation.reserved or before.reserved)
            case RefusedFiles():
                refused = operation.reasons
    return Content(files=files, deleted=deleted, projects=projects, refused=refused)


def _is_deleted(deleted: Mapping[str, Tombstone], file: DistributionFile) -> bool:
    """Whether somebody said so."""
    tombstone = deleted.get(file.storage_id)
    return tombstone is not None and not tombstone.missing


def _reserve(projects: dict[str, ProjectState], project: str) -> None:
    before = projects.get(project, ProjectState(name=normalise(project)))
    projects[project] = replace(before, reserved=True)


def shows(content: Content, operation: Operation) -> bool:
    """Whether the operation would change nothing."""
    match operation:
        case DistributionFile():
            present = content.files.get(operation.storage_id)
            is_there = present is not None and present.counter >= operation.counter
            return is_there or operation.storage_id in content.deleted
        case Tombstone():
            tombstone = content.deleted.get(operation.storage_id)
            is_dead = tombstone is not None and (operation.missing or not tombstone.missing)
            return is_dead and _is_reserved(content, operation.project)
        case Revival(file=file):
            alive = content.files.get(file.storage_id)
            return (alive is not None and alive.counter >= file.counter) or _is_deleted(content.deleted, file)
        case Reservation():
            return _is_reserved(content, operation.project)
        case ProjectState():
            state = content.projects.get(operation.name)
            return state is not None and state == replace(operation, reserved=operation.reserved or state.reserved)
        case RefusedFiles():
            return content.refused == operation.reasons


def _is_reserved(content: Content, project: str) -> bool:
    state = content.projects.get(project)
    return state is not None and state.reserved


def part_of_operation(operation: Operation, *, sharded: bool) -> str:
    match operation:
        case RefusedFiles():
            return MAIN
        case ProjectState():
            return part_of(operation.name, sharded=sharded)
        case _:
            return part_of(operation.project, sharded=sharded)


def tombstone_of(file: DistributionFile, *, missing: bool = False) -> Tombstone:
    return Tombstone(
        storage_id=file.storage_id, filename=file.filename, sha256=file.sha256, project=file.project, missing=missing
    )


def shard_of(project: str) -> str:
    """The part of a sharded index that holds the project: two hexadecimal digits."""
    return hashlib.sha256(project.encode()).hexdigest()[:2]


SHARDS = tuple(f"{number:02x}" for number in range(256))


def part_of(project: str, *, sharded: bool) -> str:
    return shard_of(project) if sharded else MAIN


def split(content: Content) -> dict[str, Content]:
    """A whole content by shard; every shard is there, empty or not."""
    shards: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {name: ({}, {}, {}) for name in SHARDS}
    for identity, file in content.files.items():
        shards[shard_of(file.project)][0][identity] = file
    for identity, tombstone in content.deleted.items():
        shards[shard_of(tombstone.project)][1][identity] = tombstone
    for name, state in content.projects.items():
        shards[shard_of(name)][2][name] = state
    return {
        name: Content(files=files, deleted=dead, projects=projects) for name, (files, dead, projects) in shards.items()
    }


def merge(contents: Iterable[Content]) -> Content:
    files: dict[str, DistributionFile] = {}
    deleted: dict[str, Tombstone] = {}
    projects: dict[str, ProjectState] = {}
    for content in contents:
        files.update(content.files)
        deleted.update(content.deleted)
        projects.update(content.projects)
    return Content(files=files, deleted=deleted, projects=projects)
