"""The connections of all callers of a repository, which hold no secret."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pywharf_github.connection import Connection, Timeouts


class Connections:
    """One ``Connection`` per thread, for all callers of a repository."""

    def __init__(self, api_url: str, timeouts: Timeouts | None = None) -> None:
        self.api_url = api_url.rstrip("/")
        self._timeouts = timeouts
        self._local = threading.local()
        self._all: weakref.WeakSet[Connection] = weakref.WeakSet()
        self._lock = threading.Lock()

    def mine(self) -> Connection:
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            # Here, as it imports PyGithub and requests: 250 ms that no other command should wait for.
            from pywharf_github.connection import Connection, Timeouts

            connection = self._local.connection = Connection(self.api_url, self._timeouts or Timeouts())
            with self._lock:
                self._all.add(connection)
        return connection

    def close(self) -> None:
        with self._lock:
            for connection in self._all:
                connection.close()
