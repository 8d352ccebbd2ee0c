"""A plain static web server in a process of its own."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_READY_WITHIN = 30.0  # seconds


@contextmanager
def hosting(
    command: Sequence[str | Path], port: int, *, cwd: Path, env: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Run a command that serves on ``port`` of loopback, as long as the block lasts."""
    output = cwd / f"host-{port}.txt"
    with output.open("wb") as stream:
        process = subprocess.Popen(
            command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + _READY_WITHIN
        while not _listens(port):
            assert process.poll() is None, output.read_text()
            assert time.monotonic() < deadline, f"nobody listens on {port}:\n{output.read_text()}"
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
