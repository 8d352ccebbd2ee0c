"""A server that answers as GitHub once answered others: each recorded exchange once, in the recorded order of its address."""

from __future__ import annotations

import json
import threading
from base64 import b64decode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from github_fake.evidence.recordings import Recorded

_API, _UPLOADS = "https://api.github.com", "https://uploads.github.com"
_OF_THE_CONNECTION = ("content-length", "content-encoding", "transfer-encoding", "connection", "status", "date")


class RecordedGitHub:
    """:ivar base: the API's address; the other hosts are below it, so that a client follows links to where they lead.
    :ivar asked: what was asked, as `GET /repos/…`, in order.
    :ivar sent: the bodies of what was asked: parsed JSON, or bytes.
    """

    def __init__(self, recording: Sequence[Recorded], base: str) -> None:
        self.base = base
        self.asked: list[str] = []
        self.sent: list[Any] = []
        self._left = list(recording)
        self._lock = threading.Lock()

    @classmethod
    @contextmanager
    def answering(cls, recording: Sequence[Recorded]) -> Iterator[RecordedGitHub]:
        with ThreadingHTTPServer(("127.0.0.1", 0), _Connection) as server:
            server.daemon_threads = True
            recorded = cls(recording, f"http://127.0.0.1:{server.server_address[1]}")
            server.recorded = recorded  # type: ignore[attr-defined]  # what its connections ask
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
            thread.start()
            try:
                yield recorded
            finally:
                server.shutdown()
                thread.join()

    def take(self, method: str, path: str, body: bytes) -> Recorded | None:
        """The exchange that comes next for this method and path, whatever its query; None: nobody recorded one."""
        with self._lock:
            self.asked.append(f"{method} {path}")
            self.sent.append(_parsed(body))
            for place, exchange in enumerate(self._left):
                if exchange.method == method and self._path_of(exchange) == path:
                    return self._left.pop(place)
        return None

    def _path_of(self, exchange: Recorded) -> str:
        path = urlsplit(exchange.target).path.removeprefix("/api/v3")
        if exchange.host == urlsplit(_API).hostname:
            return path
        return f"/{'uploads' if exchange.host == urlsplit(_UPLOADS).hostname else exchange.host}{path}"

    def here(self, text: str) -> str:
        """With GitHub's hosts as they are reached here."""
        text = text.replace(_UPLOADS, f"{self.base}/uploads").replace(_API, self.base)
        for host in ("objects", "release-assets"):
            text = text.replace(f"https://{host}.githubusercontent.com", f"{self.base}/{host}.githubusercontent.com")
        return text


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:
        """Silence: the requests are noted elsewhere."""

    def _serve(self) -> None:
        recorded: RecordedGitHub = self.server.recorded  # type: ignore[attr-defined]  # as above
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        exchange = recorded.take(self.command, urlsplit(self.path).path, body)
        if exchange is None:
            self.send_response_only(599)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        answer = b"" if exchange.answer is None else _bytes_of(exchange, recorded)
        self.send_response_only(exchange.status)
        for name, value in exchange.headers.items():
            if name not in _OF_THE_CONNECTION:
                self.send_header(name, recorded.here(value))
        if exchange.status not in (204, 304):
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if exchange.status not in (204, 304):
            self.wfile.write(answer)


def _bytes_of(exchange: Recorded, recorded: RecordedGitHub) -> bytes:
    if isinstance(exchange.answer, str):
        if exchange.host.endswith("githubusercontent.com"):  # bytes, as PyGithub writes them down
            return b"".join(b64decode(line) for line in exchange.answer.split("\n"))
        return exchange.answer.encode()
    return recorded.here(json.dumps(exchange.answer)).encode()


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body
