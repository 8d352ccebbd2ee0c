"""Answers that come before the request's body was read."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import anyio
import h2.config
import h2.connection
import h2.events
import pytest
from starlette.types import Message, Receive, Send

from pywharf.early_answer import answer_early
from server.running_toy import PATIENCE, RunningToy, read_response, running_toy, wait_until

CLIENTS = 12
BODY = bytes(60_000_000)
SENTENCE = "no such secret: give the repository's name and its secret"


async def refuse(send: Send) -> None:
    await send({"type": "http.response.start", "status": 401, "headers": []})
    await send({"type": "http.response.body", "body": b"no"})


def pieces(*sizes: int) -> Receive:
    """A body of pieces of these sizes, then a disconnect when the answer is over."""
    messages: list[Message] = [{"type": "http.request", "body": bytes(size), "more_body": True} for size in sizes]
    messages.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> Message:
        await anyio.lowlevel.checkpoint()
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    return receive


def answered(receive: Receive, **limits: float) -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def main() -> None:
        await answer_early(receive, send, refuse, **limits)  # type: ignore[arg-type]  # both limits are numbers

    anyio.run(main)
    return sent


@pytest.mark.parametrize("body", [(), (1,), (65536, 65536, 100)])
def test_the_last_message_comes_after_the_end_of_the_body(body: tuple[int, ...]) -> None:
    sent = answered(pieces(*body))
    assert [message.get("more_body") for message in sent] == [None, True, False]
    assert sent[1]["body"] == b"no"
    assert sent[2]["body"] == b""


@pytest.mark.parametrize("limits", [{}, {"most_bytes": 10_000}, {"longest_wait": 0.01}], ids=str)
def test_behind_a_proxy_the_whole_answer_comes_after_the_body(limits: dict[str, float]) -> None:
    taken = 0
    body = pieces(65536, 65536, 100)

    async def receive() -> Message:
        nonlocal taken
        message = await body()
        taken += len(message.get("body", b""))
        return message

    sent: list[tuple[int, Message]] = []

    async def send(message: Message) -> None:
        sent.append((taken, message))

    async def main() -> None:
        await answer_early(receive, send, refuse, behind_a_proxy=True, **limits)  # type: ignore[arg-type]  # numbers

    anyio.run(main)
    assert [message.get("more_body") for _, message in sent] == [None, True, False]
    assert sent[0][0] > limits.get("most_bytes", 131_000)


def test_a_client_that_stalls_is_waited_for_only_so_long() -> None:
    async def stalled() -> Message:
        await anyio.sleep_forever()
        raise AssertionError("it never wakes")

    async def impatient() -> None:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        with anyio.move_on_after(1):
            await answer_early(stalled, send, refuse, longest_wait=0.01)
        assert sent[-1]["more_body"] is False

    anyio.run(impatient)


def test_a_client_that_sends_without_end_is_listened_to_only_so_long() -> None:
    taken = 0

    async def endless() -> Message:
        nonlocal taken
        await anyio.lowlevel.checkpoint()
        taken += 1000
        if taken > 1_000_000:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": bytes(1000), "more_body": True}

    ends: list[int] = []

    async def send(message: Message) -> None:
        if message.get("more_body") is False:
            ends.append(taken)

    async def main() -> None:
        await answer_early(endless, send, refuse, most_bytes=10_000)

    anyio.run(main)
    assert 10_000 < ends[0] < 100_000


@pytest.mark.slow
def test_many_large_uploads_are_refused_and_nothing_stays_behind(tmp_path: Path) -> None:
    everybody_is_there = threading.Barrier(CLIENTS)

    def upload(toy: RunningToy) -> tuple[int, bytes]:
        connection = HTTPConnection(toy.host, toy.port, timeout=PATIENCE * 3)
        connection.connect()
        everybody_is_there.wait()
        connection.request("POST", "/early", body=BODY)
        response = connection.getresponse()
        said = response.status, response.read()
        connection.request("GET", "/")  # the connection can still be used
        assert connection.getresponse().read()
        connection.close()
        return said

    with running_toy(tmp_path) as toy:
        idle = int(toy.get("/tasks"))
        with ThreadPoolExecutor(CLIENTS) as threads:
            answers = list(threads.map(upload, [toy] * CLIENTS))
        assert answers == [(401, SENTENCE.encode())] * CLIENTS
        wait_until(lambda: int(toy.get("/tasks")) <= idle, "all tasks of the requests have ended")


@pytest.mark.slow
@pytest.mark.parametrize("headers", ["Content-Length: 0\r\n", "", "Content-Length: 2\r\nExpect: 100-continue\r\n"])
def test_small_requests_are_refused_over_http_1(tmp_path: Path, headers: str) -> None:
    with running_toy(tmp_path) as toy, toy.connect() as connection:
        connection.sendall(f"POST /early HTTP/1.1\r\nHost: toy\r\n{headers}\r\n".encode())
        if "100-continue" in headers:
            assert connection.recv(12) == b"HTTP/1.1 100"
            received = b""
            while not received.endswith(b"\r\n\r\n"):
                received += connection.recv(1)
            connection.sendall(b"ab")
        status, _, body = read_response(connection)
        assert (status, body) == (401, SENTENCE.encode())


@pytest.mark.slow
@pytest.mark.parametrize("size", [0, 5_000_000])
def test_uploads_are_refused_over_http_2(tmp_path: Path, size: int) -> None:
    with running_toy(tmp_path) as toy, toy.connect() as connection:
        client = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding=None))
        client.initiate_connection()
        names = {b":method": b"POST", b":path": b"/early", b":scheme": b"http", b":authority": b"toy"}
        client.send_headers(1, list(names.items()), end_stream=size == 0)
        left, said, status, over = size, b"", b"", False
        while not over:
            while left and (window := min(left, client.local_flow_control_window(1), client.max_outbound_frame_size)):
                left -= window
                client.send_data(1, bytes(window), end_stream=left == 0)
            connection.sendall(client.data_to_send())
            received = connection.recv(65536)
            assert received, "the connection was closed"
            for event in client.receive_data(received):
                if isinstance(event, h2.events.ResponseReceived):
                    status = dict(event.headers or ())[b":status"]
                elif isinstance(event, h2.events.DataReceived):
                    said += event.data or b""
                elif isinstance(event, h2.events.StreamEnded):
                    over = True
        assert (status, said, left) == (b"401", SENTENCE.encode(), 0)
