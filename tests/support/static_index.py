"""A second index: folders of files over HTTP, as a Simple API page each, which remembers what it was asked."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class StaticIndex:
    """:ivar url: ends in ``/simple``.
    :ivar asked: paths, in their order.
    :ivar credentials: every Authorization header that came; there should be none.
    """

    url: str
    asked: list[str] = field(default_factory=list)
    credentials: list[str] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, folder: Path, index: StaticIndex, *arguments: object) -> None:
        self._folder = folder
        self._index = index
        super().__init__(*arguments)  # type: ignore[arg-type]  # socket, address and server, as the server has them

    def do_GET(self) -> None:
        self._index.asked.append(self.path)
        if "Authorization" in self.headers:
            self._index.credentials.append(self.headers["Authorization"])
        place = self._folder / self.path.removeprefix("/simple/").strip("/")
        if place.is_dir():
            links = [
                f'<a href="{entry.name}/">{entry.name}</a>'
                if entry.is_dir()
                else f'<a href="{entry.name}#sha256={hashlib.sha256(entry.read_bytes()).hexdigest()}">{entry.name}</a>'
                for entry in sorted(place.iterdir())
            ]
            self._answer(200, "text/html", f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode())
        elif place.is_file():
            self._answer(200, "application/octet-stream", place.read_bytes())
        else:
            self._answer(404, "text/plain", b"not here")

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: it is remembered instead."""


@contextmanager
def static_index(folder: Path) -> Iterator[StaticIndex]:
    """Serve ``folder``/<project>/<file>."""
    index = StaticIndex("")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, folder, index)) as server:
        index.url = f"http://127.0.0.1:{server.server_port}/simple"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield index
        finally:
            server.shutdown()
            thread.join()
