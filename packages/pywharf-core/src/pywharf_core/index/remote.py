"""A remote index, for storages whose scan is dear: read as far as it changed, changed by operations, rebuilt by a scan.

The rules, found by trying all interleavings of several servers and a rebuild: whoever writes reads the index before it
looks at the storage, and applies *operations* to the *current* index by compare and swap; nobody writes a scan over it.
A rebuild drops an entry only after asking for it by identity, because a listing's pages shift while they are read.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from pywharf_core.amounts import named
from pywharf_core.errors import FileChanged, FileNotFound, IndexConflict, StorageUnavailable
from pywharf_core.index.document import (
    MAIN,
    MOST_UNSHARDED,
    Content,
    Operation,
    Reservation,
    Tombstone,
    UnknownFormat,
    apply,
    decode_main,
    decode_shard,
    encode_main,
    encode_shard,
    is_sharded,
    merge,
    part_of,
    project_of,
    shows,
    split,
    tombstone_of,
)
from pywharf_core.index.local import IndexChange, IndexSnapshot, LocalIndex
from pywharf_core.index.pending import FORGOTTEN, PendingKind
from pywharf_core.index.sync import SyncReport, with_what_was_computed
from pywharf_core.model import DistributionFile, ProjectState, ProjectStatus
from pywharf_core.storage import Deleted, Refused, Storage, StoredIndex, Unchanged

logger = logging.getLogger(__name__)

_TRIES = 10  # against other writers
_BATCH = 8  # parts listed in one transaction: uploads wait no longer than that takes
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
    for _ in range(_TRIES):
        with index.reading() as snapshot:
            before = snapshot.part_revisions()
            # Parts that were read of another storage say nothing of this one.
            known = {} if snapshot.synchronised_at(store) is None else before
        stored = storage.read_index(known)
        if stored is None or MAIN not in stored.revisions:
            with index.changing() as change:
                change.forget_parts()
            raise NoRemoteIndex({} if stored is None else stored.revisions)
        report = _adopt(index, stored, before, store)
        if report is not None:
            return report
    return SyncReport()  # other processes of this ROOT read it meanwhile, time and again


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
            with index.reading() as snapshot:
                before = replaces = snapshot.part_revisions()
                parts = _changed_parts(snapshot, operations)
        except NoRemoteIndex as error:
            if not create:
                raise
            with index.reading() as snapshot:
                before, replaces = snapshot.part_revisions(), error.replaces
            parts = _whole(apply(Content(), operations))
        if not parts:
            return False
        try:
            revisions = storage.write_index(parts, replaces=replaces, message=_message(operations))
        except IndexConflict:
            continue
        logger.info("remote index changed", extra={"operations": len(operations), "parts": len(parts)})
        if _adopt(index, StoredIndex(parts=parts, revisions=revisions), before, store) is None:
            pull(index, storage, store)  # another process read it meanwhile, perhaps a newer one
        return True
    raise IndexConflict("The remote index was changed by others time and again; try again later.")


def rebuild(index: LocalIndex, storage: Storage, store: str) -> RebuildReport:
    """Bring the remote index in line with a whole scan of what is published; makes it if there is none.

    :raises StorageUnavailable: the scan did not end; nothing was changed.
    """
    operations: list[Operation] = []
    try:
        pull(index, storage, store)
        before = _content(index)
        is_new = False
    except NoRemoteIndex:
        before = Content()
        is_new = True
        with index.reading() as snapshot:  # what no scan tells
            operations += [state for state in snapshot.states().values() if _is_worth_a_line(state)]
    seen: set[str] = set()
    refused: list[Refused] = []
    overwritten: list[DistributionFile] = []
    added = changed = 0
    by_name = {file.filename: file for file in before.files.values()}
    for result in storage.scan({name: file.fingerprint for name, file in by_name.items()}):
        match result:
            case Unchanged(filename):
                seen.add(by_name[filename].storage_id)
            case DistributionFile():
                if result.storage_id in seen:
                    continue
                seen.add(result.storage_id)
                listed = before.files.get(result.storage_id)
                if listed is None and result.storage_id not in before.deleted:
                    added += 1
                    operations.append(result)
                elif listed is not None and listed.counter < result.counter:
                    changed += 1
                    operations.append(result)
                elif listed is not None and listed.counter > result.counter:
                    overwritten.append(listed)
            case Refused():
                refused.append(result)
            case ProjectState():
                if is_new:
                    operations.append(result)
                elif result.reserved:  # its status lives in the index, where it may be newer
                    operations.append(Reservation(project=result.name))
            case Deleted() | _:
                pass  # what a storage remembers itself it also enforces itself
    missing = [file for identity, file in before.files.items() if identity not in seen]
    gone = _gone(storage, missing, {it.filename for it in refused})
    written_back = _written_back(storage, overwritten)
    operations += [*gone, *written_back]
    changed += len(written_back)
    push(index, storage, store, operations, create=True)
    return RebuildReport(added, changed, sum(isinstance(operation, Tombstone) for operation in gone), refused)


def _is_worth_a_line(state: ProjectState) -> bool:
    return state.reserved or state.status is not ProjectStatus.ACTIVE


def _gone(storage: Storage, missing: Iterable[DistributionFile], refused: Collection[str]) -> list[Operation]:
    """For what a listing did not show: a tombstone if the storage says so when it is asked for this very file.

    :param refused: names under which something is that cannot be served. Where the storage cannot tell what, the file
        stays: nothing would bring it back when its record is mended.
    """
    operations: list[Operation] = []
    for file in missing:
        try:
            found = storage.find_file(file)
        except StorageUnavailable:
            if file.filename not in refused:
                raise
            continue
        if found is None or found.storage_id != file.storage_id:
            operations.append(tombstone_of(file))
        if found is not None:
            operations.append(found)
    return operations


def _written_back(storage: Storage, overwritten: Iterable[DistributionFile]) -> list[DistributionFile]:
    """Tell the storage the newer state of files once more.

    Where it knows no compare-and-swap, of two servers' updates of one file at one moment the one that comes last stays
    there, and the one with the higher counter here.
    """
    operations: list[DistributionFile] = []
    for file in overwritten:
        try:
            found = storage.find_file(file)  # a listing may be older than what it lists
            if found is not None and found.counter < file.counter and storage.can_update:
                newer = replace(with_what_was_computed(file, found), yanked=file.yanked, counter=file.counter)
                operations.append(storage.update_file(newer))
        except (FileNotFound, FileChanged):
            continue  # in this moment: the next rebuild sees it
    return operations


# --- parts --------------------------------------------------------------------------------------------------


def _content(index: LocalIndex) -> Content:
    """The whole remote index as it was read last."""
    with index.reading() as snapshot:
        parts = snapshot.parts(snapshot.part_revisions())
    whole = decode_main(parts[MAIN])
    return whole or merge(decode_shard(part) for name, part in parts.items() if name != MAIN)


def _changed_parts(snapshot: IndexSnapshot, operations: Sequence[Operation]) -> dict[str, bytes]:
    """The parts that the operations change, as they are to be written; none if they change nothing."""
    whole = decode_main(snapshot.parts([MAIN])[MAIN])
    if whole is not None:
        return {} if all(shows(whole, operation) for operation in operations) else _whole(apply(whole, operations))
    changed = {}
    by_shard = _by_part(operations, sharded=True)
    for name, part in snapshot.parts(by_shard).items():
        content = decode_shard(part)
        if not all(shows(content, operation) for operation in by_shard[name]):
            changed[name] = encode_shard(apply(content, by_shard[name]))
    for name in by_shard.keys() - snapshot.part_revisions().keys():
        changed[name] = encode_shard(apply(Content(), by_shard[name]))
    return {**changed, MAIN: encode_main(None, mtime=int(time.time()))} if changed else {}


def _by_part(operations: Iterable[Operation], *, sharded: bool) -> dict[str, list[Operation]]:
    by_part: dict[str, list[Operation]] = {}
    for operation in operations:
        by_part.setdefault(part_of(project_of(operation), sharded=sharded), []).append(operation)
    return by_part


def _whole(content: Content) -> dict[str, bytes]:
    """One part, or all shards where that would be too large."""
    now = int(time.time())
    main = encode_main(content, mtime=now)
    if len(main) <= MOST_UNSHARDED:
        return {MAIN: main}
    return {MAIN: encode_main(None, mtime=now), **{name: encode_shard(part) for name, part in split(content).items()}}


# --- listing ------------------------------------------------------------------------------------------------


def _adopt(index: LocalIndex, stored: StoredIndex, before: Mapping[str, str], store: str) -> SyncReport | None:
    """List what the parts say, and remember them.

    :param before: the revisions that were known here when they were read.
    :returns: None: another process adopted parts since then, perhaps newer ones; nothing was concluded.
    """
    with index.reading() as snapshot:
        if snapshot.part_revisions() != before:
            return None
        parts, sharded = _parts_to_list(snapshot, stored, store)
    names = [name for name in parts if name != MAIN] if sharded else [MAIN]
    added = changed = removed = 0
    known = dict(before)
    todo = [name for name in names if name in parts]
    while True:
        # The main part last: until it is remembered, the others are only part of the way.
        batch, todo = todo[:_BATCH], todo[_BATCH:]
        contents = {name: _decoded(name, parts[name], stored) for name in batch}
        news = {name: stored.parts[name] for name in batch if name in stored.parts}
        if not todo and MAIN in stored.parts:
            news[MAIN] = stored.parts[MAIN]
        with index.changing() as change:
            if change.part_revisions() != known:
                return None
            counts = _list(change, contents, sharded=sharded, store=store)
            change.put_parts(news, stored.revisions)
            if not todo:
                change.forget_parts(but=stored.revisions)
                change.mark_synchronised(store)
        added, changed, removed = added + counts[0], changed + counts[1], removed + counts[2]
        known |= {name: stored.revisions[name] for name in news}
        if not todo:
            return SyncReport(added=added, changed=changed, removed=removed)


def _parts_to_list(snapshot: IndexSnapshot, stored: StoredIndex, store: str) -> tuple[dict[str, bytes], bool]:
    """The parts that changed, and those in which pending changes may be shown; and whether the index is sharded.

    Not only what changed: the change of another server, read before ours was written down, may have made ours void.
    """
    main = stored.parts.get(MAIN) or snapshot.parts([MAIN])[MAIN]
    sharded = _is_sharded(main, stored)
    of_pending = {part_of(it.file.project, sharded=sharded) for it in snapshot.pending(store) if it.made}
    unread = (of_pending & stored.revisions.keys()) - stored.parts.keys()
    return {**snapshot.parts(unread), **stored.parts}, sharded


def _is_sharded(main: bytes, stored: StoredIndex) -> bool:
    with _known_format(stored):
        return is_sharded(main)


def _decoded(name: str, part: bytes, stored: StoredIndex) -> Content:
    with _known_format(stored):
        return decode_main(part) or Content() if name == MAIN else decode_shard(part)


@contextmanager
def _known_format(stored: StoredIndex) -> Iterator[None]:
    try:
        yield
    except UnknownFormat as error:
        if error.later:
            raise StorageUnavailable(f"The remote index cannot be read: {error}; upgrade pywharf.") from error
        logger.warning("the remote index is of another format and is not used", extra={"reason": str(error)})
        raise NoRemoteIndex(stored.revisions) from error


def _list(change: IndexChange, contents: Mapping[str, Content], *, sharded: bool, store: str) -> tuple[int, int, int]:
    """Make the local index say what these parts do once the changes have come there that are still on their way.

    :returns: how many files were added, changed, removed.
    """
    states: dict[str, dict[str, ProjectState]] = {name: {} for name in contents}
    for name, state in change.states().items() if contents else ():
        part = part_of(name, sharded=sharded)
        if part in states:
            states[part][name] = state
    waiting = _by_part(_still_pending(change, contents, store, sharded=sharded), sharded=sharded)
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


def _still_pending(
    change: IndexChange, contents: Mapping[str, Content], store: str, *, sharded: bool
) -> list[Operation]:
    """The operations that these contents do not show yet; those that they do are not pending any more."""
    waiting = []
    for pending in change.pending(store):
        content = contents.get(part_of(pending.file.project, sharded=sharded))
        if content is None or not pending.made:
            continue
        operation = pending.operation()
        # A file that came and went between two rebuilds never gets there, and no rebuild runs as long as that.
        came_and_went = pending.kind is PendingKind.DELETE and pending.since < time.time() - FORGOTTEN
        if shows(content, operation) or (came_and_went and pending.file.storage_id not in content.files):
            change.remove_pending(pending.number)
        else:
            waiting.append(operation)
    return waiting


def _by_project(content: Content, coming: Sequence[Operation]) -> dict[str, dict[str, DistributionFile]]:
    """Files by project and filename. Of two with one name the one that we put there counts, or else the later one: the
    other's deletion is on its way."""
    ours = {operation.storage_id for operation in coming if isinstance(operation, DistributionFile)}
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


def _message(operations: Sequence[Operation]) -> str:
    """For people: the branch is the audit log."""
    words: dict[str, list[str]] = {}
    for operation in operations:
        match operation:
            case DistributionFile():
                words.setdefault("Publish" if operation.counter == 0 else "Update", []).append(operation.filename)
            case Tombstone():
                words.setdefault("Delete", []).append(operation.filename)
            case Reservation():
                words.setdefault("Reserve", []).append(operation.project)
            case ProjectState():
                words.setdefault(f"Mark as {operation.status.value}", []).append(operation.name)
    return "\n".join(f"{verb} {named(names, _NAMED)}" for verb, names in words.items())
