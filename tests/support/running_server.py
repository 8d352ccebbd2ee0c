"""A real ``pywharf server`` in processes of its own, on loopback and a free port."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import IO
from urllib.parse import quote, urlsplit

from support.clean_environment import clean_environment
from support.uploads import basic

PATIENCE = 30.0  # seconds
PYWHARF = str(Path(sys.executable).with_name("pywharf"))


@dataclass(frozen=True)
class Answer:
    """:ivar headers: by lower-case name."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


class RunningServer:
    """:ivar url: without a slash at its end."""

    def __init__(self, process: subprocess.Popen[str], url: str, root: Path) -> None:
        self.process = process
        self.url = url
        self.root = root
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self.host, self.port = parts.hostname, parts.port

    def index_url(self, repository: str, secret: str) -> str:
        """For pip and uv."""
        return f"http://{repository}:{quote(secret, safe='')}@{self.host}:{self.port}/simple/"

    def connect(self) -> HTTPConnection:
        return HTTPConnection(self.host, self.port, timeout=PATIENCE)

    def ask(
        self,
        path: str,
        credentials: tuple[str, str] | None = None,
        *,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        connection: HTTPConnection | None = None,
    ) -> Answer:
        """One request, on a connection of its own unless one is given."""
        used = connection or self.connect()
        try:
            used.request(method, path, body, {**(basic(*credentials) if credentials else {}), **(headers or {})})
            response = used.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, response.reason, names, response.read())
        finally:
            if connection is None:
                used.close()

    def workers(self) -> set[int]:
        """Process ids."""
        pid = self.process.pid
        return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}

    def wait_until_ready(self) -> None:
        wait_until(lambda: self.ask("/readyz").status == 200, "ready")

    def stop(self) -> None:
        """Stop as an operator does; the exit status is 0, and no process is left."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0
        assert not _group_exists(self.process.pid)

    def kill(self) -> None:
        """``kill -9`` of all its processes at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)
        wait_until(lambda: not _group_exists(self.process.pid), "every process is gone")


@contextmanager
def running_server(
    root: Path, *flags: str, ready: bool = True, environment: Mapping[str, str] | None = None
) -> Iterator[RunningServer]:
    """A server that accepts connections, and whose repositories are read if ``ready``.

    At the end it is stopped as an operator does, and must have ended well, unless the test ended it already. Whatever
    it wrote on the terminal is shown when something fails.
    """
    # Not a pipe, which somebody would have to read all the time.
    with tempfile.TemporaryFile("w+") as complaints:
        process = subprocess.Popen(
            [PYWHARF, "server", str(root), "--host", "127.0.0.1", "--port", "0", "--grace", "10", *flags],
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            env={**clean_environment(root.parent), **(environment or {})},
            start_new_session=True,  # one group, to be killed at once
        )
        assert process.stdout is not None
        server = None
        try:
            first = process.stdout.readline()
            assert first.startswith("listening on "), f"the server did not start: {_read(complaints)}"
            server = RunningServer(process, first.removeprefix("listening on ").strip(), root)
            if ready:
                server.wait_until_ready()
            yield server
            if process.poll() is None:
                server.stop()
        except BaseException:
            sys.stderr.write(_read(complaints))
            raise
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            process.stdout.close()


def wait_until(condition: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"still not: {what}"
        time.sleep(0.02)


def _group_exists(group: int) -> bool:
    """Whether any process of the group lives; zombies that nobody collects here do not count."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[2]) == group and fields[0] != "Z":
                    return True
    return False


def _read(file: IO[str]) -> str:
    file.seek(0)
    return file.read()
