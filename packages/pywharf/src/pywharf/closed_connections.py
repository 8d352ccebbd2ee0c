"""Letting go of connections that the client closed.

Hypercorn keeps such a connection, its socket and three tasks, until ``keep_alive_timeout`` is over, so some 50 short
connections a second are enough to run out of file descriptors. ``install`` ends that wait; if Hypercorn's inside is
not the one known here, nothing is changed.
"""

from __future__ import annotations

import inspect
import logging

from hypercorn.asyncio.tcp_server import TCPServer

logger = logging.getLogger(__name__)


def install() -> bool:
    """Change this process's Hypercorn. May be called again.

    :returns: whether it is in place.
    """
    if getattr(TCPServer, "_lets_go", False):
        return True
    if not _is_as_known():
        logger.info("this version of Hypercorn lets go of closed connections in its own way")
        return False
    read_until_closed = TCPServer._read_data

    async def read_data(self: TCPServer) -> None:
        await read_until_closed(self)
        await self.idle_task.stop()  # waits for the next request of a client that is gone

    TCPServer._read_data = read_data  # type: ignore[method-assign]  # Hypercorn has no other way in
    TCPServer._lets_go = True  # type: ignore[attr-defined]  # a mark of ours
    return True


def _is_as_known() -> bool:
    try:
        source = inspect.getsource(TCPServer.run)
        reading = inspect.signature(TCPServer._read_data).parameters
    except (AttributeError, OSError, TypeError):
        return False
    return list(reading) == ["self"] and "self.idle_task.restart(" in source and "await self._read_data()" in source
