"""What the parts of a remote index say, made into what the local index lists."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from pywharf_core.index.change import IndexChange
from pywharf_core.index.content import (
    Content,
    Operation,
    Revival,
    apply,
    part_of,
    part_of_operation,
    shows,
)
from pywharf_core.index.pending import FORGOTTEN, PendingKind
from pywharf_core.index.sync import with_what_was_computed
from pywharf_core.model import DistributionFile, ProjectState, ProjectStatus
from pywharf_core.storage_answers import Deleted


def list_parts(
    change: IndexChange, contents: Mapping[str, Content], *, sharded: bool, store: str
) -> tuple[int, int, int]:
    """Make the local index say what these parts do once the changes have come there that are still on their way.

    :returns: how many files were added, changed, removed.
    """
    states: dict[str, dict[str, ProjectState]] = {name: {} for name in contents}
    for name, state in change.states().items() if contents else ():
        part = part_of(name, sharded=sharded)
        if part in states:
            states[part][name] = state
    waiting = by_part(_still_pending(change, contents, store, sharded=sharded), sharded=sharded)
    total = [0, 0, 0]
    for part, content in contents.items():
        coming = waiting.get(part, [])
        content = apply(content, coming) if coming else content
        wanted = _by_project(content, coming)
        for project in wanted.keys() | states[part].keys():
            for place, count in enumerate(_list_project(change, project, wanted.get(project, {}))):
                total[place] += count
        _list_deleted(change, content, wanted)
        _list_states(change, content, states[part])
    return total[0], total[1], total[2]


def by_part(operations: Iterable[Operation], *, sharded: bool) -> dict[str, list[Operation]]:
    by_part: dict[str, list[Operation]] = {}
    for operation in operations:
        by_part.setdefault(part_of_operation(operation, sharded=sharded), []).append(operation)
    return by_part


def _still_pending(
    change: IndexChange, contents: Mapping[str, Content], store: str, *, sharded: bool
) -> list[Operation]:
    """The operations that these contents do not show yet; those that they do are not pending any more."""
    waiting: list[Operation] = []
    all_pending = change.pending(store)
    revived = {it.file.storage_id for it in all_pending if it.made and it.kind is PendingKind.REVIVE}
    for pending in all_pending:
        content = contents.get(part_of(pending.file.project, sharded=sharded))
        if content is None or not pending.made:
            continue
        operation = pending.operation()
        if isinstance(operation, DistributionFile) and _is_missed(content, operation):
            if operation.storage_id in revived:
                waiting.append(operation)
            else:  # we know of it, somebody missed it: whose word is newer, the storage tells who asks it
                change.put_pending(store, PendingKind.REVIVE, pending.file, made=False, number=pending.number)
            continue
        # A file that came and went between two rebuilds never gets there, and no rebuild runs as long as that.
        came_and_went = pending.is_removal and pending.since < time.time() - FORGOTTEN
        if shows(content, operation) or (came_and_went and pending.file.storage_id not in content.files):
            change.remove_pending(pending.number)
        else:
            waiting.append(operation)
    return sorted(waiting, key=lambda operation: not isinstance(operation, Revival))


def _is_missed(content: Content, file: DistributionFile) -> bool:
    tombstone = content.deleted.get(file.storage_id)
    return tombstone is not None and tombstone.missing


def _by_project(content: Content, coming: Sequence[Operation]) -> dict[str, dict[str, DistributionFile]]:
    """Files by project and filename. Of two with one name the one that we put there counts, or else the later one: the
    other's deletion is on its way."""
    ours = {operation.storage_id for operation in coming if isinstance(operation, DistributionFile)}
    ours |= {operation.file.storage_id for operation in coming if isinstance(operation, Revival)}
    files = sorted(
        content.files.values(), key=lambda file: (file.storage_id in ours, file.upload_time, file.storage_id)
    )
    by_project: dict[str, dict[str, DistributionFile]] = {}
    for file in files:
        by_project.setdefault(file.project, {})[file.filename] = file
    return by_project


def _list_project(change: IndexChange, project: str, wanted: Mapping[str, DistributionFile]) -> tuple[int, int, int]:
    listed = {file.filename: file for file in change.files(project)}
    added = changed = removed = 0
    for filename in listed.keys() - wanted.keys():
        change.remove_file(filename)
        removed += 1
    for filename, file in wanted.items():
        before = listed.get(filename)
        if before is not None:
            file = with_what_was_computed(before, file)
        if before == file:
            continue
        change.put_file(file)
        added, changed = (added + 1, changed) if before is None else (added, changed + 1)
    return added, changed, removed


def _list_deleted(change: IndexChange, content: Content, wanted: Mapping[str, Mapping[str, DistributionFile]]) -> None:
    for tombstone in content.deleted.values():
        deleted = Deleted(tombstone.filename, tombstone.sha256)
        is_back = tombstone.filename in wanted.get(tombstone.project, {})
        if not is_back and change.tombstone(tombstone.filename) != deleted:
            change.put_tombstone(deleted, tombstone.project)


def _list_states(change: IndexChange, content: Content, listed: Mapping[str, ProjectState]) -> None:
    for name, before in listed.items():
        if before.status is not ProjectStatus.ACTIVE and name not in content.projects:
            change.put_project(ProjectState(name=before.name))
    for name, state in content.projects.items():
        present = listed.get(name)
        if present is None or present != replace(state, reserved=state.reserved or present.reserved):
            change.put_project(state)
