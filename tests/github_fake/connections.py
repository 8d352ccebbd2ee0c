"""Sockets: HTTP/1.1 over the standard library's server, because a test must be able to cut and to stall any connection."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
import traceback
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from github_fake.exchange import Refusal
from github_fake.front import ConnectionCut, Front, Incoming, Outgoing

_PIECE = 1 << 16


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], front: Front) -> None:
        super().__init__(address, _Connection)
        self.front = front
        self.connections: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if isinstance(sys.exc_info()[1], ConnectionError):
            return  # a client that closed without having read all, between two requests
        self.front.violations.append(f"the stand-in itself failed: {traceback.format_exc()}")


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:
        """Silence: the calls are recorded elsewhere."""

    def _serve(self) -> None:
        self._unread = 0
        headers = {name.lower(): value for name, value in self.headers.items()}
        if "chunked" in headers.get("transfer-encoding", ""):
            self._send(Outgoing(Refusal(400, "Bad Content-Length: ").answer(), {}))
            self.close_connection = True
            return
        self._unread = int(headers.get("content-length", 0))
        try:
            self._send(self.server.front.handle(Incoming(self.command, self.path, headers, self._read)))
        except ConnectionCut:
            self._cut()
        except (OSError, ValueError):
            self.close_connection = True  # the other side went away
        if self._unread:
            self.close_connection = True

    def _read(self, most: int | None) -> bytes:
        wanted = self._unread if most is None else min(most, self._unread)
        content = self.rfile.read(wanted)
        self._unread -= len(content)
        if len(content) < wanted:
            raise ConnectionResetError("the body ended early")
        return content

    def _send(self, outgoing: Outgoing) -> None:
        body = outgoing.answer.body()
        self.send_response_only(outgoing.answer.status)
        for name, value in outgoing.headers.items():
            self.send_header(name.title(), value)
        if outgoing.answer.status not in (204, 304):
            if outgoing.answer.content is not None:
                self.send_header("Content-Type", outgoing.answer.media_type)
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD" or outgoing.answer.status in (204, 304):
            body = b""
        until = next((place for place in (outgoing.cut_at, outgoing.stall_at) if place is not None), None)
        view = memoryview(body)[:until]
        for start in range(0, len(view), _PIECE):
            self.wfile.write(view[start : start + _PIECE])
        if outgoing.cut_at is not None:
            raise ConnectionCut
        if outgoing.stall_at is not None:
            self.server.front.stalled()
            self.wfile.write(memoryview(body)[until:])

    def _cut(self) -> None:
        """Reset, as a lost network does, not the polite end."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.wfile.flush()
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()


class Listening:
    """Servers of one front on one port of each address, each in a thread."""

    def __init__(self, front: Front, addresses: Sequence[str]) -> None:
        first = _Server((addresses[0], 0), front)
        self.port: int = first.server_address[1]
        self._servers = [first, *(_Server((address, self.port), front) for address in addresses[1:])]
        self._threads = [
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
            for server in self._servers
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()
            for connection in list(server.connections):
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
