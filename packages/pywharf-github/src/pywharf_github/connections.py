"""The connections of all callers of a repository, which hold no secret."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

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

    def is_api(self, url: str) -> bool:
        return url.startswith(self.api_url + "/")

    def may_have_token(self, url: str) -> bool:
        """Only the API's host and port, and ``uploads.X`` beside ``api.X``."""
        api, other = urlsplit(self.api_url), urlsplit(url)
        if api.hostname is None or (other.scheme, other.port) != (api.scheme, api.port):
            return False
        beside = f"uploads.{api.hostname.removeprefix('api.')}" if api.hostname.startswith("api.") else api.hostname
        return other.hostname in (api.hostname, beside)

    def close(self) -> None:
        with self._lock:
            for connection in self._all:
                connection.close()
