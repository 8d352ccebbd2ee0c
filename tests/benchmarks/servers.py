"""Servers to measure: a real ``pywharf server``, and any ASGI factory in the same kind of worker."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from pywharf_core.configuration_in_force import ConfigurationInForce
from pywharf_core.root import Root

REPOSITORY, READ_SECRET, WRITE_SECRET = "local", "reader", "writer"
CONFIG = f"""
[{REPOSITORY}]
type = "file_system"
read_secret = "{READ_SECRET}"
write_secret = "{WRITE_SECRET}"
private = ["*"]
sync_index_interval = 3600
"""


class Measured:
    """A running server.

    :ivar url: without a slash at its end.
    """

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process = process
        self.url = url

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def worker(self) -> int:
        """The process id of the (first) worker."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(children[0])

    def processor_seconds(self) -> float:
        """User and system time of the worker until now."""
        fields = Path(f"/proc/{self.worker()}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> dict[str, float]:
        """Resident memory of the worker now and at its peak, MiB."""
        status = Path(f"/proc/{self.worker()}/status").read_text()
        found = dict(re.findall(r"(VmRSS|VmHWM):\s+(\d+) kB", status))
        return {"now": int(found["VmRSS"]) / 1024, "peak": int(found["VmHWM"]) / 1024}

    def publish(self, path: Path, name: str, version: str) -> None:
        """Upload a wheel as twine would."""
        fields = {
            ":action": "file_upload",
            "name": name,
            "version": version,
            "filetype": "bdist_wheel",
            "pyversion": "py3",
        }
        with path.open("rb") as content:
            answer = httpx2.post(
                f"{self.url}/simple/",
                data={**fields, "metadata_version": "2.1"},
                files={"content": (path.name, content)},
                auth=(REPOSITORY, WRITE_SECRET),
            )
        if answer.status_code != 200:
            raise RuntimeError(answer.text)

    def wait_until_ready(self) -> None:
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/readyz") as answer:
                    if json.load(answer)["ready"]:
                        return
            except OSError:
                time.sleep(0.01)


@contextmanager
def pywharf_server(root: Path, *options: str) -> Iterator[Measured]:
    """``pywharf server`` on a free port of loopback, as it is installed, with the file-system storage in ``root``."""
    Root(root).make()
    if ConfigurationInForce(Root(root)).read() is None:
        ConfigurationInForce(Root(root)).start_with(CONFIG, None)
    command = [f"{sys.prefix}/bin/pywharf", "server", str(root), "--host", "127.0.0.1", "--port", "0"]
    with _running([*command, *options]) as server:
        yield server


@contextmanager
def bare_server(root: Path, application: str) -> Iterator[Measured]:
    """The ASGI application of a factory (``module:name``), in a worker like pywharf's own."""
    with _running([sys.executable, "-m", "benchmarks.bare_server", str(root), application]) as server:
        yield server


@contextmanager
def _running(command: list[str]) -> Iterator[Measured]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if match := re.search(r"listening on (http://\S+)", line):
                yield Measured(process, match[1])
                break
        else:
            raise RuntimeError(f"{command} ended without listening")
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate()
