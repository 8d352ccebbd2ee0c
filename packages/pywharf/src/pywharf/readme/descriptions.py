"""Descriptions as they stand in pages, rendered once for each content and remembered."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from anyio import Lock, move_on_after

from pywharf.readme.description import Description, Shape, plain
from pywharf.readme.process import RenderingProcess
from pywharf.threads import StorageThreads

MOST_TEXT = 400_000  # characters; longer ones are rare, and slow to render: their beginning is shown as text
_MOST_REMEMBERED = 5_000_000  # characters of HTML, of up to four bytes each
_BESIDES = 500  # characters' worth of an entry beside its HTML, which may be empty
_PATIENCE = 8.0  # seconds to wait for others
_TRIED_AGAIN_AFTER = 300.0  # seconds: what took too long may have met a busy machine


class Descriptions:
    """Of one worker; used on the event loop.

    :param clock: seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._process = RenderingProcess()
        self._threads = StorageThreads(1)
        self._turn = Lock()  # one process, one description at a time
        # Each with the time after which it is worth another try.
        self._remembered: OrderedDict[tuple[str, str], tuple[Description, float]] = OrderedDict()
        self._size = 0

    def recall(self, sha256: str, content_type: str) -> Description | None:
        """That of a file, if it is remembered.

        :param sha256: of the file: its content is the description's too.
        """
        key = sha256, content_type
        description, until = self._remembered.get(key, (None, 0.0))
        if description is None or until < self._clock():
            return None
        self._remembered.move_to_end(key)
        return description

    async def render(self, sha256: str, content_type: str, text: str) -> Description:
        """Make it and remember it; takes seconds at most."""
        if not text.strip() or len(text) > MOST_TEXT:
            description = plain(text[:MOST_TEXT], Shape.CUT if len(text) > MOST_TEXT else Shape.PLAIN)
        else:
            with move_on_after(_PATIENCE):  # the wait for the turn ends then; what has begun is done in time itself
                async with self._turn:
                    known = self.recall(sha256, content_type)
                    if known is not None:  # somebody else came for the same
                        return known
                    rendered = await self._threads.run(self._process.render, text, content_type)
                    description = plain(text, Shape.BROKEN) if rendered is None else rendered
                    until = math.inf if rendered is not None else self._clock() + _TRIED_AGAIN_AFTER
                    self._remember((sha256, content_type), description, until)
                    return description
            return plain(text, Shape.NOT_NOW)
        self._remember((sha256, content_type), description)
        return description

    async def close(self) -> None:
        """End the process; nothing is rendered afterwards."""
        await StorageThreads(1).run(self._process.close)

    def _remember(self, key: tuple[str, str], description: Description, until: float = math.inf) -> None:
        if (before := self._remembered.pop(key, None)) is not None:
            self._size -= _size(before[0])
        self._remembered[key] = description, until
        self._size += _size(description)
        while self._size > _MOST_REMEMBERED and len(self._remembered) > 1:
            self._size -= _size(self._remembered.popitem(last=False)[1][0])


def _size(description: Description) -> int:
    return _BESIDES + len(description.html)
