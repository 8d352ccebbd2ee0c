"""A remote index, for storages whose scan is dear: read as far as it changed, changed by operations, rebuilt by a scan.

The rules, found by trying all interleavings of several servers and a rebuild: whoever writes reads the index before it
looks at the storage, and applies *operations* to the *current* index by compare and swap; nobody writes a scan over it.
A rebuild drops an entry only after asking for it by identity, because a listing's pages shift while they are read.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pywharf_core.errors import IndexConflict, StorageUnavailable
from pywharf_core.index.document import (
    MAIN,
    MOST_UNSHARDED,
    Content,
    Operation,
    Tombstone,
    UnknownFormat,
    apply,
    decode_main,
    decode_shard,
    encode_main,
    encode_shard,
    merge,
    part_of,
    project_of,
    split,
)
from pywharf_core.index.local import IndexChange, LocalIndex
from pywharf_core.index.sync import SyncReport, with_what_was_computed
from pywharf_core.model import DistributionFile, ProjectState
from pywharf_core.storage import Deleted, Refused, Storage, StoredIndex

logger = logging.getLogger(__name__)

_TRIES = 10  # against other writers
_NAMED = 20  # files in a message


class NoRemoteIndex(Exception):
    """There is none yet, or one of pywharf 0.2, which does not say enough: only a scan tells what is published.

    :ivar replaces: revisions of what is there instead.
    """

    def __init__(self, replaces: Mapping[str, str]) -> None:
        super().__init__("no remote index")
        self.replaces = replaces


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """What a rebuild changed in the remote index, and what it could not list."""

    added: int
    changed: int
    removed: int
    refused: Sequence[Refused]


def pull(index: LocalIndex, storage: Storage, store: str) -> SyncReport:
    """Read what changed of the remote index and list it.

    :param store: see ``IndexSnapshot.synchronised_at``.
    :raises NoRemoteIndex: there is none of this format.
    :raises StorageUnavailable: it cannot be read, or was written by a later version; the local index stays as it was.
    """
    with index.reading() as snapshot:
        known = snapshot.part_revisions()
        since = snapshot.revision()
        if snapshot.synchronised_at(store) is None:
            known = {}  # the parts may be another storage's
    stored = storage.read_index(known)
    if stored is None or MAIN not in stored.revisions:
        raise NoRemoteIndex({})
    contents, sharded = _decoded(index, stored)
    with index.changing() as change:
        report = _list(change, contents, sharded=sharded, since=since)
        change.put_parts(stored.parts, stored.revisions)
        change.mark_synchronised(store)
    return report


def push(
    index: LocalIndex, storage: Storage, store: str, operations: Sequence[Operation], *, create: bool = False
) -> bool:
    """Apply operations to the remote index, and list them here.

    :param create: make the index if there is none.
    :returns: whether the remote index changed.
    :raises NoRemoteIndex: there is none, and ``create`` is not set.
    :raises IndexConflict: others were first, time and again.
    :raises NotPermitted: the storage's view may not write.
    """
    replaces: Mapping[str, str]
    for _ in range(_TRIES):
        try:
            pull(index, storage, store)
            replaces = _revisions(index)
            parts = _changed_parts(index, operations)
        except NoRemoteIndex as error:
            if not create:
                raise
            replaces = error.replaces
            parts = _whole(apply(Content(), operations))
        if not parts:
            return False
        try:
            revisions = storage.write_index(parts, replaces=replaces, message=_message(operations))
        except IndexConflict:
            continue
        logger.info("remote index changed", extra={"operations": len(operations), "parts": len(parts)})
        with index.reading() as snapshot:
            since = snapshot.revision()
        contents, sharded = _decoded(index, StoredIndex(parts=parts, revisions=revisions))
        with index.changing() as change:
            _list(change, contents, sharded=sharded, since=since)
            change.put_parts(parts, revisions)
            change.mark_synchronised(store)
        return True
    raise IndexConflict("The remote index was changed by others time and again; try again later.")


def rebuild(index: LocalIndex, storage: Storage, store: str) -> RebuildReport:
    """Bring the remote index in line with a whole scan of what is published; makes it if there is none.

    :raises StorageUnavailable: the scan did not end; nothing was changed.
    """
    try:
        pull(index, storage, store)
        before = merge(_contents(index).values())
    except NoRemoteIndex:
        before = Content()
    operations: list[Operation] = []
    seen: set[str] = set()
    refused: list[Refused] = []
    added = changed = 0
    for result in storage.scan({}):
        match result:
            case DistributionFile():
                seen.add(result.storage_id)
                listed = before.files.get(result.storage_id)
                if listed is None and result.storage_id not in before.deleted:
                    added += 1
                    operations.append(result)
                elif listed is not None and listed.counter < result.counter:
                    changed += 1
                    operations.append(result)
            case Refused():
                refused.append(result)
            case ProjectState():
                if before.projects.get(result.name) != result:
                    operations.append(result)
            case Deleted() | _:
                pass  # what a storage remembers itself it also enforces itself
    gone = _gone(storage, [file for identity, file in before.files.items() if identity not in seen])
    operations += gone
    push(index, storage, store, operations, create=True)
    return RebuildReport(added, changed, sum(isinstance(operation, Tombstone) for operation in gone), refused)


def _gone(storage: Storage, missing: Iterable[DistributionFile]) -> list[Operation]:
    """For what a listing did not show: a tombstone if the storage says so when it is asked for this very file."""
    operations: list[Operation] = []
    for file in missing:
        found = storage.find_file(file)
        if found is None or found.storage_id != file.storage_id:
            operations.append(
                Tombstone(storage_id=file.storage_id, filename=file.filename, sha256=file.sha256, project=file.project)
            )
        if found is not None:
            operations.append(found)
    return operations


def _revisions(index: LocalIndex) -> dict[str, str]:
    with index.reading() as snapshot:
        return snapshot.part_revisions()


def _contents(index: LocalIndex) -> dict[str, Content]:
    """By part, of the remote index as it was read last."""
    with index.reading() as snapshot:
        parts = snapshot.parts(snapshot.part_revisions())
    whole = decode_main(parts[MAIN])
    if whole is not None:
        return {MAIN: whole}
    return {name: decode_shard(part) for name, part in parts.items() if name != MAIN}


def _changed_parts(index: LocalIndex, operations: Sequence[Operation]) -> dict[str, bytes]:
    """The parts that the operations change, as they are to be written; none if they change nothing."""
    now = int(time.time())
    with index.reading() as snapshot:
        main = snapshot.parts([MAIN])[MAIN]
    whole = decode_main(main)
    if whole is not None:
        after = apply(whole, operations)
        return {} if after == whole else _whole(after)
    by_shard: dict[str, list[Operation]] = {}
    for operation in operations:
        by_shard.setdefault(part_of(project_of(operation), sharded=True), []).append(operation)
    with index.reading() as snapshot:
        shards = {name: decode_shard(part) for name, part in snapshot.parts(by_shard).items()}
    parts = {}
    for name, of_shard in by_shard.items():
        before = shards.get(name, Content())
        after = apply(before, of_shard)
        if after != before:
            parts[name] = encode_shard(after)
    return {**parts, MAIN: encode_main(None, mtime=now)} if parts else {}


def _whole(content: Content) -> dict[str, bytes]:
    """One part, or all shards where that would be too large."""
    now = int(time.time())
    main = encode_main(content, mtime=now)
    if len(main) <= MOST_UNSHARDED:
        return {MAIN: main}
    return {MAIN: encode_main(None, mtime=now), **{name: encode_shard(part) for name, part in split(content).items()}}


def _decoded(index: LocalIndex, stored: StoredIndex) -> tuple[dict[str, Content], bool]:
    """The contents of the parts that changed, and whether the index is sharded."""
    main = stored.parts.get(MAIN)
    if main is None:
        with index.reading() as snapshot:
            main = snapshot.parts([MAIN])[MAIN]
    try:
        whole = decode_main(main)
        if whole is not None:
            return ({MAIN: whole} if MAIN in stored.parts else {}), False
        return {name: decode_shard(part) for name, part in stored.parts.items() if name != MAIN}, True
    except UnknownFormat as error:
        if error.later:
            raise StorageUnavailable(f"The remote index cannot be read: {error}; upgrade pywharf.") from error
        logger.warning("the remote index is of another format and is not used", extra={"reason": str(error)})
        raise NoRemoteIndex(stored.revisions) from error


def _list(change: IndexChange, contents: Mapping[str, Content], *, sharded: bool, since: int) -> SyncReport:
    """Make the local index say what these parts do, but for what changed here and is not shown there yet."""
    added = changed = removed = 0
    _settle_pending(change, contents)
    listed_here = change.filenames() if contents else []
    for part, content in contents.items():
        entries = {file.filename: file for file in sorted(content.files.values(), key=lambda file: file.upload_time)}
        for filename, project in listed_here:
            in_part = part_of(project, sharded=sharded) == part
            if in_part and filename not in entries and not change.is_newer_here(filename, since):
                removed += 1
                change.remove_file(filename)
        for filename, file in entries.items():
            listed_file = change.file(filename)
            if listed_file is not None:
                file = with_what_was_computed(listed_file, file)
            if listed_file == file or change.is_newer_here(filename, since):
                continue
            added, changed = (added + 1, changed) if listed_file is None else (added, changed + 1)
            change.put_file(file)
        for tombstone in content.deleted.values():
            deleted = Deleted(tombstone.filename, tombstone.sha256)
            if tombstone.filename in entries or change.is_newer_here(tombstone.filename, since):
                continue
            if change.tombstone(tombstone.filename) != deleted:
                change.put_tombstone(deleted, tombstone.project)
        for state in content.projects.values():
            row = change.project(state.name)
            if row is None or row.state != state:
                change.put_project(state)
    return SyncReport(added=added, changed=changed, removed=removed)


def _settle_pending(change: IndexChange, contents: Mapping[str, Content]) -> None:
    """What the remote index shows by now is not pending any more."""
    if not contents:
        return
    shown = merge(contents.values())
    for pending in change.pending():
        operation = pending.operation()
        if pending.made and apply(shown, [operation]) == shown and _is_in(operation, shown):
            change.remove_pending(pending.number)


def _is_in(operation: Operation, content: Content) -> bool:
    """Whether the content knows the operation's subject at all: an empty part shows nothing."""
    match operation:
        case DistributionFile():
            return operation.storage_id in content.files or operation.storage_id in content.deleted
        case Tombstone():
            return operation.storage_id in content.deleted
        case ProjectState():
            return operation.name in content.projects


def _message(operations: Sequence[Operation]) -> str:
    """For people: the branch is the audit log."""
    words: dict[str, list[str]] = {}
    for operation in operations:
        match operation:
            case DistributionFile():
                words.setdefault("Publish" if operation.counter == 0 else "Update", []).append(operation.filename)
            case Tombstone():
                words.setdefault("Delete", []).append(operation.filename)
            case ProjectState():
                words.setdefault(f"Mark as {operation.status.value}", []).append(operation.name)
    lines = []
    for verb, names in words.items():
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        lines.append(f"{verb} {', '.join(names[:_NAMED])}{more}")
    return "\n".join(lines)
