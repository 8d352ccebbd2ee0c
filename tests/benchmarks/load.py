"""A load of GET requests over kept-alive connections, cheap enough to leave the processor to the server."""

from __future__ import annotations

import asyncio
import time

CONNECTIONS = 16


class _Connection(asyncio.Protocol):
    """Sends the request again as soon as the answer is whole; reads no more of it than its length."""

    def __init__(self, request: bytes, until: float) -> None:
        self.answered = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._request = request
        self._until = until
        self._left = 0
        self._head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if self._left == 0:
            self._head += data
            head, end, body = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            if not head.startswith(b"HTTP/1.1 200"):
                self.done.set_exception(RuntimeError(head.decode("latin-1")))
                return
            lower = head.lower()
            start = lower.index(b"content-length:") + len(b"content-length:")
            self._left = int(lower[start:].partition(b"\r\n")[0]) - len(body)
            self._head = b""
        else:
            self._left -= len(data)
        if self._left == 0:
            self.answered += 1
            if time.perf_counter() < self._until:
                self._transport.write(self._request)
            else:
                self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            if error is not None or self.answered == 0:
                self.done.set_exception(error or RuntimeError("the server closed the connection"))
            else:
                self.done.set_result(None)


def requests_per_second(port: int, request: bytes, seconds: float) -> float:
    """Answers a second on ``CONNECTIONS`` connections to loopback; every answer must be 200 with a length."""

    async def run() -> float:
        loop = asyncio.get_running_loop()
        started = time.perf_counter()
        connections = []
        for _ in range(CONNECTIONS):
            _, protocol = await loop.create_connection(
                lambda: _Connection(request, started + seconds), "127.0.0.1", port
            )
            connections.append(protocol)
        await asyncio.gather(*(connection.done for connection in connections))
        return sum(connection.answered for connection in connections) / (time.perf_counter() - started)

    return asyncio.run(run())
