"""Another index over HTTP, each of whose addresses answers as the test says; it remembers what it was asked."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "text/html"


@dataclass(frozen=True)
class Reply:
    """:ivar cut: bytes of the body after which the connection ends; None: it is whole."""

    body: bytes = b""
    content_type: str = "application/octet-stream"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None


@dataclass
class Asked:
    path: str
    credentials: str | None


class OtherIndex:
    """:ivar url: of its list of projects.
    :ivar asked: in their order.
    :ivar secret: NAME:SECRET that everybody has to present; None: nobody.
    """

    def __init__(self, port: int) -> None:
        self.host = f"http://127.0.0.1:{port}"
        self.url = f"{self.host}/simple/"
        self.asked: list[Asked] = []
        self.secret: str | None = None
        self._always: dict[str, Reply] = {}
        self._next: dict[str, list[Reply]] = {}
        self._projects: dict[str, list[dict[str, object]]] = {}

    def answer(self, path: str, reply: Reply) -> None:
        """Always."""
        self._always[path] = reply

    def next(self, path: str, *replies: Reply) -> None:
        """One after the other, before what is always answered."""
        self._next.setdefault(path, []).extend(replies)

    def project(self, name: str, **said: object) -> None:
        """A page of JSON for the project, with the files that were added to it.

        :param said: other members of the page.
        """
        files = self._projects.setdefault(name, [])
        self._page(f"/simple/{name}/", {"name": name, "files": files, **said})
        self._page("/simple/", {"projects": [{"name": name} for name in self._projects]})

    def file(self, project: str, made: Path, **said: object) -> str:
        """Offer a file; returns the path of its address.

        :param said: other members of its entry; None leaves one out.
        """
        content = made.read_bytes()
        path = f"/files/{made.name}"
        self.answer(path, Reply(content))
        entry = {
            "filename": made.name,
            "url": f"../..{path}",
            "hashes": {"sha256": hashlib.sha256(content).hexdigest()},
            "size": len(content),
            "upload-time": "2024-02-29T12:30:45.678901Z",
            **said,
        }
        self._projects.setdefault(project, []).append({key: value for key, value in entry.items() if value is not None})
        self.project(project)
        return path

    def fetched(self) -> list[str]:
        """The last parts of the paths of files that were asked for."""
        return [asked.path.rpartition("/")[2] for asked in self.asked if asked.path.startswith("/files/")]

    def reply(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        if self.secret is not None and asked.credentials != self.secret:
            return Reply(b"who are you?", HTML, 401, {"WWW-Authenticate": "Basic"})
        if self._next.get(asked.path):
            return self._next[asked.path].pop(0)
        return self._always.get(asked.path, Reply(b"nothing here", HTML, 404))

    def _page(self, path: str, document: Mapping[str, object]) -> None:
        self.answer(path, Reply(json.dumps({"meta": {"api-version": "1.4"}, **document}).encode(), JSON))


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, index: OtherIndex, *arguments: object) -> None:
        self._index = index
        super().__init__(*arguments)  # type: ignore[arg-type]  # socket, address and server, as the server has them

    def do_GET(self) -> None:
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        reply = self._index.reply(Asked(self.path, base64.b64decode(value).decode() if kind == "Basic" else None))
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        for name, text in reply.headers.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(reply.body[: reply.cut])
        self.close_connection = reply.cut is not None

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: it is remembered instead."""


@contextmanager
def other_index() -> Iterator[OtherIndex]:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        index = OtherIndex(server.server_port)
        server.RequestHandlerClass = partial(_Handler, index)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield index
        finally:
            server.shutdown()
            thread.join()
