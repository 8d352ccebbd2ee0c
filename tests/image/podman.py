"""Podman with a store of its own, on machines without systemd and without a registry.

What it needs there was found by trying: runc instead of crun, which refuses machines with both kinds of cgroups; limits
that are no higher than the machine's own; no health checks on a timer, since systemd would be the timer. Its locks are
files, since those in shared memory are all engines' of this machine, and each new store's first step is to free them.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from support.running_server import PATIENCE, Answer, wait_until
from support.uploads import basic

#: As an operator who cares would run it. Docker gives no /tmp with a read-only root, so neither does this.
HARDENED = ("--read-only", "--read-only-tmpfs=false", "--cap-drop=ALL", "--security-opt=no-new-privileges")

_LONGEST = 600  # seconds
_STOP = 20  # seconds until a stop becomes a SIGKILL, which is exit status 137

_ENGINE = """
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
lock_type = "file"
runtime = "runc"
tmp_dir = "{folder}/tmp"
"""

_STORE = """
[storage]
driver = "{driver}"
graphroot = "{folder}/storage"
runroot = "{folder}/run"
"""


@dataclass(frozen=True)
class Ran:
    """:ivar output: standard output and error together."""

    status: int
    output: str


class Podman:
    """:param folder: for its store; ``close`` removes it.
    :ivar environment: in which podman uses that store, whoever starts it.
    """

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder
        driver = "overlay" if _has_overlays(folder) else "vfs"
        engine, store = folder / "containers.conf", folder / "storage.conf"
        engine.write_text(_ENGINE.format(folder=folder))
        store.write_text(_STORE.format(folder=folder, driver=driver))
        self.environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(folder),
            "CONTAINERS_CONF": str(engine),
            "CONTAINERS_STORAGE_CONF": str(store),
        }

    def run(self, *arguments: str | Path) -> Ran:
        done = subprocess.run(
            [self._program, *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_LONGEST,
            check=False,
        )
        return Ran(done.returncode, done.stdout)

    def __call__(self, *arguments: str | Path) -> str:
        """What it printed; it must succeed."""
        ran = self.run(*arguments)
        assert ran.status == 0, f"podman {' '.join(map(str, arguments))}\n{ran.output}"
        return ran.output

    def inspect(self, name: str, kind: str = "container") -> dict[str, Any]:
        [found] = json.loads(self(kind, "inspect", name))
        described: dict[str, Any] = found
        return described

    def program(self, image: str, *arguments: str, flags: Sequence[str] = ()) -> Ran:
        """Run the image's program until its end, as an operator would run a command beside the server."""
        return self.run("run", "--rm", "--no-healthcheck", "--network=none", *HARDENED, *flags, image, *arguments)

    @contextmanager
    def container(self, image: str, *arguments: str, flags: Sequence[str] = ()) -> Iterator[Container]:
        """A hardened container, not yet started; removed at the end, its unnamed volumes too."""
        name = f"pywharf-{time.monotonic_ns()}"
        self("create", "--name", name, "--health-interval=disable", *HARDENED, *flags, image, *arguments)
        container = Container(self, name)
        try:
            yield container
        except BaseException:
            print(self.run("logs", name).output)
            raise
        finally:
            self.run("rm", "--force", "--volumes", "--time", "1", name)

    def close(self) -> None:
        self.run("rm", "--force", "--all", "--volumes", "--time", "1")
        self.run("rmi", "--force", "--all")
        mounted = (line.split()[1] for line in Path("/proc/mounts").read_text().splitlines())
        for place in sorted((place for place in mounted if place.startswith(f"{self._folder}/")), reverse=True):
            subprocess.run(["umount", place], check=False)
        shutil.rmtree(self._folder)


@dataclass
class Container:
    """:ivar started_in: seconds from the engine's start command until the server answered."""

    podman: Podman
    name: str
    port: int = 0
    started_in: float = field(default=0.0, init=False)

    def start(self, *, port: int = 0) -> None:
        """:param port: of the machine's own loopback, asked until it answers; 0: nobody is asked."""
        self.port = port
        before = time.monotonic()
        self.podman("start", self.name)
        if port:
            wait_until(self._answers, f"{self.name} answers")
            self.started_in = time.monotonic() - before

    def _answers(self) -> bool:
        assert self.podman.inspect(self.name)["State"]["Running"], self.said()
        try:
            return self.ask("/healthz").status == 200
        except (OSError, HTTPException):
            return False

    def ask(
        self,
        path: str,
        credentials: tuple[str, str] | None = None,
        *,
        method: str = "GET",
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, {**(basic(*credentials) if credentials else {}), **(headers or {})})
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, response.reason, names, response.read())
        finally:
            connection.close()

    def healthcheck(self) -> Ran:
        """What the image's HEALTHCHECK says now, run as the engine runs it."""
        command: list[str] = self.podman.inspect(self.name)["Config"]["Healthcheck"]["Test"]
        assert command[0] == "CMD", "exec form"
        return self.run(*command[1:])

    def run(self, *command: str) -> Ran:
        return self.podman.run("exec", self.name, *command)

    def run_as_root(self, *command: str) -> Ran:
        return self.podman.run("exec", "--user", "0", self.name, *command)

    def said(self) -> str:
        return self.podman("logs", self.name)

    def stop(self) -> int:
        """The exit status."""
        self.podman("stop", "--time", str(_STOP), self.name)
        return self.exit_status()

    def wait(self) -> int:
        """Until it ends by itself; the exit status."""
        self.podman("wait", self.name)
        return self.exit_status()

    def exit_status(self) -> int:
        status: int = self.podman.inspect(self.name)["State"]["ExitCode"]
        return status

    def processes(self) -> Sequence[int]:
        """Ids as this machine has them: the server first, then its workers."""
        first: int = self.podman.inspect(self.name)["State"]["Pid"]
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        return [first, *map(int, children)]


def _has_overlays(folder: Path) -> bool:
    """Whether overlays can be mounted there: several times faster, and smaller, than copies of all layers."""
    lower, upper, work, merged = (folder / name for name in ("lower", "upper", "work", "merged"))
    for each in (lower, upper, work, merged):
        each.mkdir()
    options = f"lowerdir={lower},upperdir={upper},workdir={work}"
    mount: list[str | Path] = ["mount", "-t", "overlay", "overlay", "-o", options, merged]
    mounted = subprocess.run(mount, stderr=subprocess.DEVNULL, check=False).returncode == 0
    if mounted:
        subprocess.run(["umount", merged], check=True)
    return mounted
