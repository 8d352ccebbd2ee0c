"""Keeps the index of a repository in line whose server has no secret of its own: with that of a reader who comes."""

from __future__ import annotations

import asyncio
import logging
import time

from pywharf.measurements import Measurements
from pywharf.threads import StorageThreads
from pywharf_core.errors import WharfError
from pywharf_core.repository import Repository
from pywharf_core.secret import Secret

logger = logging.getLogger(__name__)

_RETRY = 2.0  # seconds after a failure
_PATIENCE = 2.0  # seconds for which a reader of an index that was read before waits for what is new


def is_synchronised_by_readers(repository: Repository) -> bool:
    """Whether only callers can show the storage a secret."""
    configuration = repository.configuration
    return configuration.auth_type is None and configuration.admin_secret is None


class SynchroniserByReaders:
    """Used on one event loop; each process of a ROOT has its own, as there is no work between requests to divide."""

    def __init__(self, repository: Repository, threads: StorageThreads, measurements: Measurements) -> None:
        self._repository = repository
        self._threads = threads
        self._measurements = measurements
        self._due_at = 0.0  # on the monotonic clock
        self._synchronised = False  # ever, by this process
        self._running: asyncio.Task[None] | None = None
        self._is_over = False

    async def start(self) -> None:
        """Until the first reader comes nobody else answers for names that are not here."""
        logger.warning(
            "there is no admin secret: the index is read with the secret of whoever comes, within the request",
            extra={"repository": self._repository.name},
        )
        await self._threads.run(self._repository.synchronisation.distrust_index)

    async def stop(self) -> None:
        """Return when nothing runs any more; a synchronisation is waited for."""
        self._is_over = True
        if self._running is not None:
            await asyncio.wait({self._running})

    async def come(self, secret: Secret) -> None:
        """A caller who may read is here: synchronise if it is due, before the answer. A failure leaves the index as it
        is, and shows in the answer where it matters; so does a storage that takes its time, if the index was read before."""
        if time.monotonic() < self._due_at or self._is_over:
            return
        if self._running is None:
            self._running = asyncio.create_task(self._synchronise(secret))
        await asyncio.wait({self._running}, timeout=_PATIENCE if self._synchronised else None)

    async def _synchronise(self, secret: Secret) -> None:
        pause = self._repository.configuration.sync_index_interval
        started, well = time.perf_counter(), False
        try:
            await self._threads.run(self._repository.synchronise, secret, sparing=True)
            well = self._synchronised = True
        except WharfError as error:
            pause = min(_RETRY, pause)
            fields = {"repository": self._repository.name, "error": str(error)}
            logger.warning("index not synchronised", extra=fields)
        except Exception:
            pause = min(_RETRY, pause)
            fields = {"repository": self._repository.name}
            logger.exception("index not synchronised: a bug in the storage", extra=fields)
        finally:
            self._running = None
            self._measurements.synchronised(self._repository.name, well=well, seconds=time.perf_counter() - started)
            self._due_at = time.monotonic() + pause
