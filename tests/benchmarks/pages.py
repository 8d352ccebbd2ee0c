"""A cached project page beside a bare ASGI application that answers the same bytes on the same Hypercorn, in turn."""

from __future__ import annotations

import base64
import http.client
import statistics
import tempfile
from pathlib import Path

from benchmarks.load import CONNECTIONS, requests_per_second
from benchmarks.servers import READ_SECRET, REPOSITORY, Measured, bare_server, pywharf_server
from pywharf_core.testing import make_wheel

ROUNDS, SECONDS = 7, 3.0
FILES = 10
ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root, bare = Path(folder, "root"), Path(folder, "bare")
        with pywharf_server(root) as server:
            server.wait_until_ready()
            for number in range(FILES):
                wheel = make_wheel(Path(folder), "holygrail", f"1.{number}", requires_python=">=3.11")
                server.publish(wheel, "holygrail", f"1.{number}")
            request = _request()
            headers, body = _answer(server, request)
            bare.mkdir()
            (bare / "body").write_bytes(body)
            (bare / "headers").write_bytes(headers)
            with bare_server(bare, "benchmarks.bare_server:constant_answer") as floor:
                _compare(server, floor, request, len(body))


def _request() -> bytes:
    credentials = base64.b64encode(f"{REPOSITORY}:{READ_SECRET}".encode()).decode()
    return (
        f"GET /simple/holygrail/ HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\nAccept: {ACCEPT}\r\n"
        f"Accept-Encoding: identity\r\nAuthorization: Basic {credentials}\r\nConnection: keep-alive\r\n\r\n"
    ).encode()


def _answer(server: Measured, request: bytes) -> tuple[bytes, bytes]:
    """The headers that the application set, a line each, and the body."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    lines = request.decode().split("\r\n")[1:-2]
    connection.request("GET", "/simple/holygrail/", headers=dict(line.split(": ", 1) for line in lines))
    answer = connection.getresponse()
    assert answer.status == 200, answer.status
    body = answer.read()
    headers = [
        f"{name.lower()}: {value}" for name, value in answer.getheaders() if name.lower() not in ("date", "server")
    ]
    return "\n".join(headers).encode(), body


def _compare(server: Measured, floor: Measured, request: bytes, size: int) -> None:
    print(f"page of {size} bytes, {CONNECTIONS} connections, {ROUNDS} rounds of {SECONDS:g} s each in turn")
    for warm in (server, floor):
        requests_per_second(warm.port, request, 1.0)
    wall, processor = [], []
    for number in range(ROUNDS):
        ours, ours_each = _measured(server, request)
        bare, bare_each = _measured(floor, request)
        wall.append(ours / bare)
        processor.append(bare_each / ours_each)
        print(
            f"  round {number + 1}: pywharf {ours:6.0f}/s ({ours_each:4.0f} us of processor each), "
            f"bare {bare:6.0f}/s ({bare_each:4.0f} us), ratio {wall[-1]:.3f} (processor {processor[-1]:.3f})",
            flush=True,
        )
    for name, ratios in (("requests/s", wall), ("requests per second of processor", processor)):
        print(f"{name}, pywharf / bare: median {statistics.median(ratios):.3f}, {min(ratios):.3f} to {max(ratios):.3f}")


def _measured(server: Measured, request: bytes) -> tuple[float, float]:
    """Requests a second, and microseconds of the worker's processor time for each."""
    before = server.processor_seconds()
    rate = requests_per_second(server.port, request, SECONDS)
    return rate, (server.processor_seconds() - before) / (rate * SECONDS) * 1e6
