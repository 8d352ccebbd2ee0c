"""Work that is done once for all who wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def begin_shared(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """A task that no single waiter ends: they await it through ``asyncio.shield`` or ``asyncio.wait``.

    When all of them are gone its failure is nobody's.
    """
    task = asyncio.create_task(work)
    task.add_done_callback(_looked_at)
    return task


def _looked_at(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()
