"""The bridge to calls that block."""

from __future__ import annotations

import asyncio
import threading

import anyio
import pytest

from pywharf.threads import StorageThreads


def test_a_call_runs_in_a_thread_with_its_arguments() -> None:
    def call(first: int, *, second: int) -> tuple[int, bool]:
        return first + second, threading.current_thread() is threading.main_thread()

    async def main() -> tuple[int, bool]:
        return await StorageThreads(1).run(call, 1, second=2)

    assert anyio.run(main) == (3, False)


def test_what_the_call_raises_is_raised() -> None:
    async def main() -> None:
        await StorageThreads(1).run(int, "no number")

    with pytest.raises(ValueError, match="no number"):
        anyio.run(main)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError])
def test_what_would_end_the_loop_or_the_request_is_an_error_like_others(error: type[BaseException]) -> None:
    def call() -> None:
        raise error

    async def main() -> None:
        await StorageThreads(1).run(call)

    with pytest.raises(RuntimeError, match=error.__name__) as caught:
        anyio.run(main)
    assert isinstance(caught.value.__cause__, error)


def test_a_storage_that_stalls_keeps_only_its_own_threads() -> None:
    go_on = threading.Event()

    async def main() -> None:
        stalled, other = StorageThreads(2), StorageThreads(2)
        async with anyio.create_task_group() as tasks:
            for _ in range(50):
                tasks.start_soon(stalled.run, go_on.wait, 20)
            with anyio.fail_after(10):
                assert await other.run(lambda: "answered") == "answered"
            go_on.set()

    anyio.run(main)
