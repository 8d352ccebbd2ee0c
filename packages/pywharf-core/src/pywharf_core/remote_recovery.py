"""What became of changes whose maker died before it could write that down: the storage is asked."""

from __future__ import annotations

import logging
import math
import time

from pywharf_core.errors import StorageUnavailable
from pywharf_core.index.pending import FORGOTTEN, PendingChange, PendingKind
from pywharf_core.remote_inquiries import look_for_the_missing, look_into
from pywharf_core.repository import Repository

logger = logging.getLogger(__name__)

_STILL_RUNNING = 60.0  # seconds for which an intent may be somebody's who is at it


def resolve_intents(repository: Repository) -> int:
    """Find out what became of changes whose maker died before it could write that down, and of such as the remote index
    has not shown for a day.

    :returns: how many were looked into.
    :raises StorageUnavailable: at the end; those that the storage tells nothing of stay.
    """
    storage = repository.view(None)
    if not storage.keeps_index:
        return 0
    now = time.time()
    with repository.index.reading() as snapshot:
        open_ones = [it for it in snapshot.pending(repository.store) if it.since < now - _patience(it)]
    look_for_the_missing(repository, storage, after=_STILL_RUNNING)  # where nobody folds
    unknown: list[StorageUnavailable] = []
    for pending in open_ones:
        try:
            if look_into(repository, storage, pending):
                fields = {"repository": repository.name, "file": pending.file.filename, "change": pending.kind.value}
                logger.warning("a change was interrupted and looked into", extra=fields)
        except StorageUnavailable as error:  # perhaps of this file alone
            unknown.append(error)
    if unknown:
        raise unknown[0]
    return len(open_ones)


def _patience(pending: PendingChange) -> float:
    """Seconds for which nobody asks what became of it."""
    if not pending.made:
        return 0.0 if pending.kind is PendingKind.REVIVE else _STILL_RUNNING  # nobody makes that one
    return math.inf if pending.is_removal else FORGOTTEN
