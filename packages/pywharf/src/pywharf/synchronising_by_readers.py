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
        self._one_at_a_time = asyncio.Lock()
        self._due_at = 0.0  # on the monotonic clock

    async def start(self) -> None:
        """Until the first reader comes nobody else answers for names that are not here."""
        logger.warning(
            "there is no admin secret: the index is read with the secret of whoever comes, within the request",
            extra={"repository": self._repository.name},
        )
        await self._threads.run(self._repository.synchronisation.distrust_index)

    async def stop(self) -> None:
        """Nothing runs between requests."""

    async def come(self, secret: Secret) -> None:
        """A caller who may read is here: synchronise if it is due, before the answer. A failure leaves the index as it
        is, and shows in the answer where it matters."""
        if time.monotonic() < self._due_at:
            return
        async with self._one_at_a_time:
            if time.monotonic() < self._due_at:
                return
            pause = self._repository.configuration.sync_index_interval
            started, well = time.perf_counter(), False
            try:
                await self._threads.run(self._repository.synchronise, secret)
                well = True
            except WharfError as error:
                pause = min(_RETRY, pause)
                fields = {"repository": self._repository.name, "error": str(error)}
                logger.warning("index not synchronised", extra=fields)
            finally:
                self._measurements.synchronised(self._repository.name, well=well, seconds=time.perf_counter() - started)
            self._due_at = time.monotonic() + pause
