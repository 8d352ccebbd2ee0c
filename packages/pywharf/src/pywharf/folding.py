"""Brings pending changes into the remote index, where the storage keeps one and this server is who writes it."""

from __future__ import annotations

import asyncio
import logging
import time

from pywharf.threads import StorageThreads
from pywharf_core.errors import NotAuthenticated, NotPermitted, StorageUnavailable, WharfError
from pywharf_core.remote_changes import PACE, fold_when_due
from pywharf_core.repository import Repository

logger = logging.getLogger(__name__)

_LOOK_EVERY = 0.5  # seconds
_LONGEST_WAIT = 3600.0  # seconds, if the storage asks for it: a rate limit's hour
_WITHOUT_THE_RIGHT = 600.0  # seconds until it is tried again with a secret that was refused


async def fold_for_ever(repository: Repository, threads: StorageThreads) -> None:
    """Runs in the one process of a ROOT that synchronises."""
    if not repository.storage.keeps_index or repository.configuration.index_updates == "service":
        return
    last, refused = 0.0, False
    while True:
        await asyncio.sleep(_LOOK_EVERY)
        pause = 0.0
        try:
            if await threads.run(fold_when_due, repository, last=last):
                last, refused = time.time(), False
        except (NotPermitted, NotAuthenticated) as error:
            pause = _WITHOUT_THE_RIGHT
            if not refused:
                refused = True
                logger.warning(
                    "the remote index is left to the storage's own service: the admin secret may not write it",
                    extra={"repository": repository.name, "error": str(error)},
                )
        except WharfError as error:
            asked = (error.retry_after or 0.0) if isinstance(error, StorageUnavailable) else 0.0
            pause = min(max(PACE, asked), _LONGEST_WAIT)
            logger.warning("remote index not updated", extra={"repository": repository.name, "error": str(error)})
        except Exception:
            pause = PACE
            logger.exception("remote index not updated: a bug in the storage", extra={"repository": repository.name})
        await asyncio.sleep(pause)
