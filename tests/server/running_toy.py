"""Starting ``server.toy_server`` in a process of its own, and looking at its workers."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PATIENCE = 20.0  # seconds


class RunningToy:
    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process = process
        self.url = url
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self.host = parts.hostname
        self.port = parts.port

    def workers(self) -> set[int]:
        return children_of(self.process.pid)

    def get(self, path: str) -> str:
        connection = HTTPConnection(self.host, self.port, timeout=PATIENCE)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def connect(self) -> socket.socket:
        return socket.create_connection((self.host, self.port), timeout=PATIENCE)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


def start_toy(root: Path, **orders: Any) -> subprocess.Popen[str]:
    settings = {"root": str(root), **orders.pop("settings", {})}
    return subprocess.Popen(
        [sys.executable, "-m", "server.toy_server", json.dumps({"settings": settings, **orders})],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        start_new_session=True,
    )


@contextmanager
def running_toy(root: Path, **orders: Any) -> Iterator[RunningToy]:
    """Yields when all workers are up; at the end nothing of it is left."""
    process = start_toy(root, **orders)
    workers: set[int] = set()
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("listening on "), process.communicate()[1]
        yield RunningToy(process, line.removeprefix("listening on ").strip())
    finally:
        workers = children_of(process.pid)
        process.kill()
        process.communicate()
        for worker in workers:
            kill(worker)


def children_of(pid: int) -> set[int]:
    try:
        return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
    except FileNotFoundError:
        return set()


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"still not: {what}"
        time.sleep(0.01)


def read_response(connection: socket.socket) -> tuple[int, str, bytes]:
    """Status, reason phrase and body of the next answer on a raw connection."""
    with HTTPResponse(connection) as response:
        response.begin()
        return response.status, response.reason, response.read()
