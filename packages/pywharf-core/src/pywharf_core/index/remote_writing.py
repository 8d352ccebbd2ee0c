"""Writing a remote index: operations on the current one, by compare and swap.

Whoever writes reads the index before it looks at the storage; nobody writes a scan over it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence

from pywharf_core.amounts import named
from pywharf_core.errors import IndexConflict
from pywharf_core.index.content import (
    MAIN,
    Content,
    Operation,
    RefusedFiles,
    Reservation,
    Revival,
    Tombstone,
    apply,
    shows,
    split,
)
from pywharf_core.index.document import MOST_UNSHARDED, decode_main, decode_shard, encode_main, encode_shard, refused_in
from pywharf_core.index.local import LocalIndex
from pywharf_core.index.remote_listing import by_part
from pywharf_core.index.remote_reading import TRIES, NoRemoteIndex, adopt, pull
from pywharf_core.index.snapshot import IndexSnapshot
from pywharf_core.model import DistributionFile, ProjectState
from pywharf_core.storage import Storage
from pywharf_core.storage_answers import StoredIndex

logger = logging.getLogger(__name__)

_NAMED = 20  # files in a message


def push(
    index: LocalIndex,
    storage: Storage,
    store: str,
    operations: Sequence[Operation],
    *,
    create: bool = False,
    unusable: Mapping[str, str] | None = None,
) -> bool:
    """Apply operations to the remote index, and list them here.

    :param create: make the index if there is none.
    :param unusable: see ``pull``.
    :returns: whether the remote index changed.
    :raises NoRemoteIndex: there is none, and ``create`` is not set.
    :raises IndexConflict: others were first, time and again.
    :raises NotPermitted: the storage's view may not write.
    """
    replaces: Mapping[str, str]
    for _ in range(TRIES):
        try:
            pull(index, storage, store, unusable=unusable)
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
        if adopt(index, StoredIndex(parts=parts, revisions=revisions), before, store) is None:
            pull(index, storage, store)  # another process read it meanwhile, perhaps a newer one
        return True
    raise IndexConflict("The remote index was changed by others time and again; try again later.")


def _changed_parts(snapshot: IndexSnapshot, operations: Sequence[Operation]) -> dict[str, bytes]:
    """The parts that the operations change, as they are to be written; none if they change nothing."""
    main = snapshot.parts([MAIN])[MAIN]
    whole = decode_main(main)
    if whole is not None:
        return {} if all(shows(whole, operation) for operation in operations) else _whole(apply(whole, operations))
    changed = {}
    by_shard = by_part(operations, sharded=True)
    before = Content(refused=refused_in(main))
    refused = apply(before, by_shard.pop(MAIN, [])).refused
    for name, part in snapshot.parts(by_shard).items():
        content = decode_shard(part)
        if not all(shows(content, operation) for operation in by_shard[name]):
            changed[name] = encode_shard(apply(content, by_shard[name]))
    for name in by_shard.keys() - snapshot.part_revisions().keys():
        changed[name] = encode_shard(apply(Content(), by_shard[name]))
    if not changed and refused == before.refused:
        return {}
    return {**changed, MAIN: encode_main(None, mtime=int(time.time()), refused=refused)}


def _whole(content: Content) -> dict[str, bytes]:
    """One part, or all shards where that would be too large."""
    now = int(time.time())
    main = encode_main(content, mtime=now)
    if len(main) <= MOST_UNSHARDED:
        return {MAIN: main}
    return {
        MAIN: encode_main(None, mtime=now, refused=content.refused),
        **{name: encode_shard(part) for name, part in split(content).items()},
    }


def _message(operations: Sequence[Operation]) -> str:
    """For people: the branch is the audit log."""
    words: dict[str, list[str]] = {}
    for operation in operations:
        match operation:
            case DistributionFile():
                words.setdefault("Publish" if operation.counter == 0 else "Update", []).append(operation.filename)
            case Tombstone():
                words.setdefault("Miss" if operation.missing else "Delete", []).append(operation.filename)
            case Revival():
                words.setdefault("Find again", []).append(operation.file.filename)
            case RefusedFiles():
                words.setdefault("Refuse", []).extend(sorted(operation.reasons) or ["nothing any more"])
            case Reservation():
                words.setdefault("Reserve", []).append(operation.project)
            case ProjectState():
                words.setdefault(f"Mark as {operation.status.value}", []).append(operation.name)
    return "\n".join(f"{verb} {named(names, _NAMED)}" for verb, names in words.items())
