"""Reading a remote index as far as it changed, and adopting what it says.

A storage's remote index is for where a scan is dear.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from pywharf_core.errors import StorageUnavailable
from pywharf_core.index.change import IndexChange
from pywharf_core.index.content import MAIN, Content, merge, part_of
from pywharf_core.index.document import UnknownFormat, decode_main, decode_shard, is_sharded, refused_in
from pywharf_core.index.local import LocalIndex
from pywharf_core.index.remote_listing import list_parts
from pywharf_core.index.snapshot import IndexSnapshot
from pywharf_core.index.sync import SyncReport
from pywharf_core.storage import Storage
from pywharf_core.storage_answers import Refused, StoredIndex

logger = logging.getLogger(__name__)

TRIES = 10  # against others who read or write at the same time
_BATCH = 8  # parts listed in one transaction: uploads wait no longer than that takes


class NoRemoteIndex(Exception):
    """There is none yet, or one of pywharf 0.2, which does not say enough: only a scan tells what is published.

    :ivar replaces: revisions of what is there instead.
    """

    def __init__(self, replaces: Mapping[str, str]) -> None:
        super().__init__("no remote index")
        self.replaces = replaces


def pull(index: LocalIndex, storage: Storage, store: str, *, unusable: Mapping[str, str] | None = None) -> SyncReport:
    """Read what changed of the remote index and list it.

    :param store: see ``IndexSnapshot.synchronised_at``.
    :param unusable: revisions of parts that were read before and are no index; as long as they stay, nothing is read.
    :raises NoRemoteIndex: there is none of this format.
    :raises StorageUnavailable: it cannot be read, or was written by a later version; the local index stays as it was.
    """
    for _ in range(TRIES):
        with index.reading() as snapshot:
            before = snapshot.part_revisions()
            # Parts that were read of another storage say nothing of this one.
            known = {} if snapshot.synchronised_at(store) is None else before
        stored = storage.read_index({**known, **(unusable or {})})
        if unusable and stored is not None:
            if dict(stored.revisions) == dict(unusable):
                raise NoRemoteIndex(stored.revisions)
            stored = storage.read_index(known)
        if stored is None or MAIN not in stored.revisions:
            if before:
                with index.changing() as change:
                    change.forget_parts()
            raise NoRemoteIndex({} if stored is None else stored.revisions)
        report = adopt(index, stored, before, store)
        if report is not None:
            return report
    return SyncReport()  # other processes of this ROOT read it meanwhile, time and again


def adopt(index: LocalIndex, stored: StoredIndex, before: Mapping[str, str], store: str) -> SyncReport | None:
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
            counts = list_parts(change, contents, sharded=sharded, store=store)
            change.put_parts(news, stored.revisions)
            if not todo:
                _list_refused(change, stored, contents)
                change.forget_parts(but=stored.revisions)
                change.mark_synchronised(store)
        added, changed, removed = added + counts[0], changed + counts[1], removed + counts[2]
        known |= {name: stored.revisions[name] for name in news}
        if not todo:
            return SyncReport(added=added, changed=changed, removed=removed)


def content_of(index: LocalIndex) -> Content:
    """The whole remote index as it was read last."""
    with index.reading() as snapshot:
        parts = snapshot.parts(snapshot.part_revisions())
    whole = decode_main(parts[MAIN])
    if whole is not None:
        return whole
    sharded = merge(decode_shard(part) for name, part in parts.items() if name != MAIN)
    return replace(sharded, refused=refused_in(parts[MAIN]))


def _parts_to_list(snapshot: IndexSnapshot, stored: StoredIndex, store: str) -> tuple[dict[str, bytes], bool]:
    """The parts that changed, and those in which pending changes may be shown; and whether the index is sharded.

    Not only what changed: the change of another server, read before ours was written down, may have made ours void.
    """
    main = stored.parts.get(MAIN) or snapshot.parts([MAIN])[MAIN]
    sharded = _is_sharded(main, stored)
    of_pending = {part_of(it.file.project, sharded=sharded) for it in snapshot.pending(store) if it.made}
    unread = (of_pending & stored.revisions.keys()) - stored.parts.keys()
    return {**snapshot.parts(unread), **stored.parts}, sharded


def _list_refused(change: IndexChange, stored: StoredIndex, contents: Mapping[str, Content]) -> None:
    """If the main part was read; else all is as it was."""
    if MAIN not in stored.parts:
        return
    with _known_format(stored):
        reasons = contents[MAIN].refused if MAIN in contents else refused_in(stored.parts[MAIN])
    refused = [Refused(filename, reason) for filename, reason in sorted(reasons.items())]
    if refused != change.refused():
        change.replace_refused(refused)


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
