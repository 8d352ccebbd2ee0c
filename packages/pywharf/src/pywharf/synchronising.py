"""Keeps one repository's index in line with its storage: one process of a ROOT at a time, each interval or on notice."""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from contextlib import suppress
from typing import IO

import portalocker

from pywharf.folding import fold_for_ever
from pywharf.measurements import Measurements
from pywharf.threads import StorageThreads
from pywharf_core.errors import StorageUnavailable, WharfError
from pywharf_core.missing_metadata import complete_metadata
from pywharf_core.remote_recovery import resolve_intents
from pywharf_core.repository import Repository
from pywharf_core.root import Root

logger = logging.getLogger(__name__)

_ASK_FOR_THE_LOCK_EVERY = 1.0  # seconds
_LISTEN_EVERY = 0.5  # seconds
_LONGEST_WAIT = 3600.0  # seconds: a rate limit's hour
_RETRY_FIRST = 2.0  # seconds after a failure, doubled up to the interval


class Synchroniser:
    """A task on the event loop. The process that gets the lock keeps it until it ends, and does the work meanwhile."""

    def __init__(self, repository: Repository, root: Root, threads: StorageThreads, measurements: Measurements) -> None:
        self._repository = repository
        self._lock_path = root.lock(f"sync-{repository.name}")
        self._threads = threads
        self._measurements = measurements
        self._stopping = threading.Event()
        self._notice = asyncio.Event()
        self._synchronised = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._asked_to_wait = 0.0  # seconds, by the storage, at the last failure

    async def start(self) -> None:
        """Return when unknown names are safe: until the first look at the storage nobody else answers for them."""
        lock = self._lock_path.open("ab")
        is_ours = _locked(lock)
        if is_ours:
            await self._threads.run(self._repository.synchronisation.distrust_index)
        self._task = asyncio.create_task(self._run(lock, is_ours=is_ours))

    async def stop(self) -> None:
        """Return when nothing of the task is left; a scan that runs is waited for."""
        self._stopping.set()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self, lock: IO[bytes], *, is_ours: bool) -> None:
        with lock:
            while not is_ours:
                await asyncio.sleep(_ASK_FOR_THE_LOCK_EVERY)
                is_ours = _locked(lock)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._synchronise_for_ever())
                tasks.create_task(self._complete_for_ever())
                tasks.create_task(self._listen_for_ever())
                tasks.create_task(fold_for_ever(self._repository, self._threads))

    async def _synchronise_for_ever(self) -> None:
        interval = self._repository.configuration.sync_index_interval
        pause = min(_RETRY_FIRST, interval)
        while True:
            self._notice.clear()
            started = time.perf_counter()
            well = await self._synchronise()
            self._measurements.synchronised(self._repository.name, well=well, seconds=time.perf_counter() - started)
            if well:
                pause = min(_RETRY_FIRST, interval)
                await self._wait(interval)
            else:
                # Not all servers at once after an outage; and not before the storage is ready, as when a rate limit ends.
                pause_now = pause * random.uniform(0.8, 1.2)  # noqa: S311 - no secret hangs on it
                await self._wait(max(pause_now, self._asked_to_wait))
                pause = min(pause * 2, interval)

    async def _wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._notice.wait(), seconds)

    async def _listen_for_ever(self) -> None:
        """Whichever process took a notice of the storage left word of it in the index."""
        index = self._repository.index
        version, heard = index.version(), await self._threads.run(self._noticed_at)
        while True:
            await asyncio.sleep(_LISTEN_EVERY)
            if index.version() == version:
                continue
            version = index.version()
            noticed_at = await self._threads.run(self._noticed_at)
            if noticed_at != heard:
                heard = noticed_at
                self._notice.set()

    def _noticed_at(self) -> float | None:
        with self._repository.index.reading() as snapshot:
            return snapshot.noticed_at()

    async def _synchronise(self) -> bool:
        name = self._repository.name
        self._asked_to_wait = 0.0
        try:
            report = await self._threads.run(self._repository.synchronise, sparing=True)
            await self._threads.run(resolve_intents, self._repository)
            if swept := await self._threads.run(self._repository.sweep):
                logger.info("unfinished uploads removed", extra={"repository": name, "files": swept})
            if report.added or report.changed or report.removed:
                logger.info(
                    "index synchronised",
                    extra={
                        "repository": name,
                        "added": report.added,
                        "changed": report.changed,
                        "removed": report.removed,
                    },
                )
        except StorageUnavailable as error:
            self._asked_to_wait = min(error.retry_after or 0.0, _LONGEST_WAIT)
            logger.warning("index not synchronised", extra={"repository": name, "error": str(error)})
            return False
        except WharfError as error:
            logger.error("index not synchronised", extra={"repository": name, "error": str(error)})
            return False
        except Exception:
            logger.exception("index not synchronised: a bug in the storage", extra={"repository": name})
            return False
        self._synchronised.set()
        return True

    async def _complete_for_ever(self) -> None:
        """Beside the synchronisations: reading many archives takes longer than the interval."""
        name = self._repository.name
        while True:
            await self._synchronised.wait()
            self._synchronised.clear()
            try:
                completed = await self._threads.run(complete_metadata, self._repository, stop=self._stopping.is_set)
            except WharfError as error:
                logger.warning("missing metadata not read", extra={"repository": name, "error": str(error)})
            except Exception:
                logger.exception("missing metadata not read: a bug in the storage", extra={"repository": name})
            else:
                if completed:
                    logger.info("missing metadata read", extra={"repository": name, "files": completed})


def _locked(lock: IO[bytes]) -> bool:
    try:
        portalocker.lock(lock, portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING)
    except portalocker.LockException:
        return False
    return True
