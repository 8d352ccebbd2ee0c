"""The one bridge from the event loop to calls that block."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

P = ParamSpec("P")
T = TypeVar("T")


class StorageThreads:
    """Threads for calls that block, at most ``total`` at once: a stalled storage starves nobody who has others.

    A call that has begun is always waited for, also when the request that made it is cancelled: only then is it
    known what became of the files it holds.
    """

    def __init__(self, total: int) -> None:
        self._limiter = CapacityLimiter(total)

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What ``call`` returns or raises."""
        return await to_thread.run_sync(partial(_contained, partial(call, *args, **kwargs)), limiter=self._limiter)


def _contained(call: Callable[[], T]) -> T:
    """Plugins of strangers are called here. On the event loop their ``KeyboardInterrupt`` would end the process, and
    ``CancelledError`` be taken for an end of the request that nobody is told of."""
    try:
        return call()
    except Exception:
        raise
    except BaseException as error:
        raise RuntimeError(f"{type(error).__name__} in a thread") from error
