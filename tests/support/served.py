"""A server that was started by a line of shell, as a reader of the pages does it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

_READY_WITHIN = 240.0  # seconds, the installation included
_GONE_WITHIN = 60.0  # seconds: twice the server's own --grace


@dataclass(frozen=True)
class Served:
    """:ivar output: where what it prints goes."""

    process: subprocess.Popen[bytes]
    port: int
    output: Path

    def said(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace")

    def stop(self, number: signal.Signals = signal.SIGTERM, *, everybody: bool = False) -> int:
        """The exit status after a signal to the process, or to ``everybody``, as a terminal sends Ctrl-C."""
        if everybody:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)
        return self.process.wait(_GONE_WITHIN)

    def processes(self) -> Sequence[int]:
        """Those that live, of all that the line started."""
        listing = subprocess.run(["ps", "-eo", "pid=,sid=,stat="], capture_output=True, text=True, check=True).stdout
        rows = (line.split() for line in listing.splitlines())
        return [int(pid) for pid, session, state in rows if int(session) == self.process.pid and state[0] != "Z"]


@contextmanager
def serving(line: str, *, cwd: Path, env: Mapping[str, str], port: int, output: Path) -> Iterator[Served]:
    """Run ``line``, and wait until the server on ``port`` is ready. What was not stopped inside is killed at the end.

    :param line: its last command becomes the process itself, so that there is no shell that signals would have to pass.
    """
    *before, last = line.split("&&")
    line = "&&".join([*before, f" exec {last.strip()}"])
    with output.open("wb") as stream:
        process = subprocess.Popen(
            ["bash", "-c", line],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    served = Served(process, port, output)
    try:
        _wait_until_ready(served)
        yield served
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(served: Served) -> None:
    deadline = time.monotonic() + _READY_WITHIN
    while time.monotonic() < deadline:
        assert served.process.poll() is None, served.said()
        try:
            with urlopen(f"http://127.0.0.1:{served.port}/readyz", timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"not ready within {_READY_WITHIN} s:\n{served.said()}")
