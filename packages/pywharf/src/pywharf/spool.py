"""Writing a staging file in threads while the next pieces arrive."""

from __future__ import annotations

import anyio
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream

from pywharf.threads import StorageThreads
from pywharf_core.upload.staging import StagingFile

TRIP = 256 * 1024  # bytes that go to a thread at once: the lock of the interpreter is not kept from the loop for long
_QUEUED = 2  # trips that wait while one is written and one is filled: 1 MiB in flight


class Spool:
    """Takes pieces of a file and waits when the disk, or a digest, is slower than the network.

    :param tasks: lives longer than the spool; a failure of the writer is raised by ``put`` or ``close``, not there.
    """

    def __init__(self, staging: StagingFile, threads: StorageThreads, tasks: TaskGroup) -> None:
        self._staging = staging
        self._threads = threads
        self._pieces: list[bytes] = []
        self._size = 0
        self._failure: Exception | None = None
        self._written = anyio.Event()
        self._trips, trips = anyio.create_memory_object_stream[list[bytes]](_QUEUED)
        tasks.start_soon(self._write, trips)

    async def put(self, data: bytes) -> None:
        """Take ``data`` of at most 256 KiB, and raise what went wrong with earlier pieces."""
        if self._size + len(data) > TRIP:
            await self._send()
        self._pieces.append(data)
        self._size += len(data)

    async def close(self) -> None:
        """Wait until everything is written, and raise what went wrong."""
        if self._pieces:
            await self._send()
        self._trips.close()
        await self._written.wait()
        if self._failure is not None:
            raise self._failure

    def abandon(self) -> None:
        """Write nothing more than what was handed over already. May be said after ``close``."""
        self._trips.close()

    async def _send(self) -> None:
        try:
            await self._trips.send(self._pieces)
        except anyio.BrokenResourceError:
            assert self._failure is not None, "the writer stops early only when it failed"
            raise self._failure from None
        self._pieces, self._size = [], 0

    async def _write(self, trips: MemoryObjectReceiveStream[list[bytes]]) -> None:
        with trips:
            async for pieces in trips:
                try:
                    await self._threads.run(_write, self._staging, pieces)
                except Exception as failure:  # the other end raises it
                    self._failure = failure
                    break
        self._written.set()


def _write(staging: StagingFile, pieces: list[bytes]) -> None:
    # Joined here: one write and one update of each digest, each of which gives the interpreter's lock back once.
    staging.write(pieces[0] if len(pieces) == 1 else b"".join(pieces))
