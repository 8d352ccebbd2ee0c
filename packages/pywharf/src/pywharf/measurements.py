"""What is counted while the server works, as cheap as it can be where it happens: additions in memory, on one event loop.

``measurement_slots`` adds up the processes of a ROOT, ``metric_families`` says it in the words of Prometheus.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import time
from bisect import bisect_left
from collections.abc import Hashable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute

from pywharf.measurement_slots import Key, ProcessFigures, Slot, Sums, add
from pywharf.threads import StorageThreads
from pywharf_core.root import Root

logger = logging.getLogger(__name__)

#: Upper bounds in seconds: of a page from memory to an upload of gigabytes, or the first scan of a large store.
BUCKETS = (0.001, 0.0025, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0, 60.0, 600.0)

# Of a list that holds a histogram: how many fell into each bucket and above all, their sum, and bytes.
_SECONDS, _BYTES, _LENGTH = len(BUCKETS) + 1, len(BUCKETS) + 2, len(BUCKETS) + 3

NO_ROUTE = "none"

# A client may send any word as method; what is counted apart must be few.
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))

_WRITE_EVERY = 1.0  # seconds


class Measurements:
    """One process's; used on its event loop only.

    :ivar in_flight: requests that are being answered.
    """

    def __init__(self, root: Root) -> None:
        self.in_flight = 0
        self._root = root
        self._route_paths: Mapping[Hashable, str] = {}
        self._requests: dict[tuple[Hashable, str, int], list[float]] = {}
        self._sums: dict[Key, list[float]] = {("starts",): [1.0]}
        self._processor_seconds = 0.0
        self._started_at = time.time()
        self._slot: Slot | None = None
        self._changed = True
        self._complained = False
        self._one_writes = asyncio.Lock()
        self._threads = StorageThreads(1)
        self._writing: asyncio.Task[None] | None = None

    def know_routes(self, routes: Iterable[BaseRoute]) -> None:
        """Requests are told apart by the path of the route that answered."""
        self._route_paths = {_endpoint(route): getattr(route, "path", NO_ROUTE) for route in routes}

    # --- what happened ------------------------------------------------------------------------------------

    def answered(
        self, endpoint: Hashable, method: str, status: int, *, seconds: float, size: int, repository: str | None
    ) -> None:
        """A request was answered.

        :param endpoint: of the route; None: there is nothing at that address.
        :param size: bytes of the answer's body.
        :param repository: whose user was let in; None: nobody was, or nobody need be.
        """
        key = (endpoint, method if method in _METHODS else "other", status)
        cell = self._requests.get(key)
        if cell is None:
            cell = self._requests[key] = [0.0] * _LENGTH
        cell[bisect_left(BUCKETS, seconds)] += 1
        cell[_SECONDS] += seconds
        cell[_BYTES] += size
        if size and repository is not None:
            self._add(("sent", repository), size)
        self._changed = True

    def failed(self, endpoint: Hashable, method: str, error: Exception) -> None:
        """A request was answered with an error, or cut off by one."""
        route = self._route_paths.get(endpoint, NO_ROUTE)
        self._add(("error", route, method if method in _METHODS else "other", _kind(type(error))), 1)

    def uploaded(self, repository: str, *, new: bool, size: int) -> None:
        """An upload was taken.

        :param new: False: the very same file was published before.
        :param size: of the file, in bytes.
        """
        self._add(("upload", repository, "published" if new else "unchanged"), 1)
        self._add(("received", repository), size)

    def synchronised(self, repository: str, *, well: bool, seconds: float) -> None:
        """A synchronisation came to its end."""
        cell = self._sums.setdefault(("synchronisation", repository, "ok" if well else "failed"), [0.0] * _LENGTH)
        cell[bisect_left(BUCKETS, seconds)] += 1
        cell[_SECONDS] += seconds
        self._changed = True

    def _add(self, key: Key, value: float) -> None:
        self._sums.setdefault(key, [0.0])[0] += value
        self._changed = True

    # --- for all processes to see -------------------------------------------------------------------------

    def start(self) -> None:
        """From now on other processes see what is counted here, a moment later."""
        self._writing = asyncio.create_task(self._write_for_ever())

    async def close(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            with suppress(asyncio.CancelledError):
                await self._writing
        await self._write()
        if self._slot is not None:
            self._slot.close()

    async def of_all_processes(self) -> tuple[Sums, list[ProcessFigures]]:
        """Sums since ROOT was made, and the processes that live now, of which this is one.

        All of it is what was written: so whichever process is asked, no sum is ever less than it was before.
        """
        self._changed = True
        await self._write()
        if self._slot is None:  # the disk does not take it
            return self._own_sums(), [self._figures()]
        return await self._threads.run(self._slot.read_all)

    async def _write_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_WRITE_EVERY)
            await self._write()

    async def _write(self) -> None:
        async with self._one_writes:
            if not self._changed:
                return
            self._changed = False
            try:
                if self._slot is None:
                    self._slot = await self._threads.run(Slot.take, self._root)
                await self._threads.run(self._slot.write, self._own_sums(), self._figures())
            except OSError as error:  # that is no reason to serve nobody
                if not self._complained:
                    self._complained = True
                    logger.error("what is counted for /metrics cannot be written", extra={"error": str(error)})

    def _figures(self) -> ProcessFigures:
        return ProcessFigures(os.getpid(), self._started_at, self.in_flight, resident_memory())

    def _own_sums(self) -> Sums:
        processor = sum(os.times()[:2])
        self._sums.setdefault(("processor",), [0.0])[0] += processor - self._processor_seconds
        self._processor_seconds = processor
        own: dict[Key, list[float]] = {key: values[:] for key, values in self._sums.items()}
        for (endpoint, method, status), values in self._requests.items():
            add(own, ("request", self._route_paths.get(endpoint, NO_ROUTE), method, str(status)), values)
        return own


def histogram(values: list[float]) -> tuple[list[float], float, float]:
    """How many fell into each bucket and above all of them; the sum of seconds; the bytes."""
    return values[:_SECONDS], values[_SECONDS], values[_BYTES]


def resident_memory() -> int:
    """Bytes of this process; 0 where the system does not tell as Linux does."""
    try:
        return int(Path("/proc/self/statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def _endpoint(route: BaseRoute) -> Hashable:
    """What the router leaves in the scope of a request for this route."""
    endpoint: Hashable = getattr(route, "endpoint", None) or getattr(route, "app", None)
    return endpoint


def _kind(error: type[Exception]) -> str:
    """The nearest of pywharf's own errors, in snake case; a bug is "unforeseen"."""
    if issubclass(error, HTTPException):
        return "no_such_address"
    for cls in error.__mro__:
        if cls.__module__ == "pywharf_core.errors":
            return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()
    return "server_files" if issubclass(error, OSError) or error.__module__ == "sqlite3" else "unforeseen"
