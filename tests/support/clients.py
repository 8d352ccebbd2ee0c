"""pip, uv and twine as a user runs them, each in an environment without anything of ours."""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.clean_environment import clean_environment

_LONGEST = 120  # seconds


@dataclass(frozen=True)
class Ran:
    """:ivar output: standard output and error together."""

    status: int
    output: str


class Clients:
    """:param home: an empty folder: caches and configuration of the clients are there, shared by all calls.
    :param more: further environment variables.
    """

    def __init__(self, home: Path, more: Mapping[str, str] | None = None) -> None:
        self.home = home
        self._more = more or {}
        home.mkdir(exist_ok=True)
        self._environments = 0

    def pip(self, *arguments: str) -> Ran:
        return self._run([sys.executable, "-m", "pip", *arguments])

    def uv(self, *arguments: str) -> Ran:
        return self._run([sys.executable, "-m", "uv", "--color", "never", *arguments])

    def module(self, tool: str, *arguments: str) -> Ran:
        """A tool by its own command line."""
        return self._run([sys.executable, "-m", tool, *arguments])

    def twine_upload(self, url: str, repository: str, secret: str, *files: Path) -> Ran:
        flags = ["--repository-url", url, "--username", repository, "--password", secret, "--disable-progress-bar"]
        return self._run([sys.executable, "-m", "twine", "--no-color", "upload", *flags, *map(str, files)])

    def uv_publish(self, url: str, repository: str, secret: str, *files: Path) -> Ran:
        flags = ["--publish-url", url, "--username", repository, "--password", secret]
        return self.uv("publish", "--trusted-publishing", "never", *flags, *map(str, files))

    def fresh_environment(self) -> FreshEnvironment:
        self._environments += 1
        folder = self.home / f"environment-{self._environments}"
        venv.create(folder, symlinks=True)  # without pip: ours installs into it
        return FreshEnvironment(self, folder / "bin" / "python")

    def _run(self, command: Sequence[str]) -> Ran:
        done = subprocess.run(
            command,
            env={**clean_environment(self.home), **self._more},
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_LONGEST,
            check=False,
        )
        return Ran(done.returncode, done.stdout)


@dataclass(frozen=True)
class FreshEnvironment:
    """A virtual environment with nothing in it."""

    clients: Clients
    python: Path

    def pip_install(self, *arguments: str) -> Ran:
        return self.clients.pip("--python", str(self.python), "install", *arguments)

    def uv_install(self, *arguments: str) -> Ran:
        return self.clients.uv("pip", "install", "--python", str(self.python), *arguments)

    def version_of(self, module: str) -> str:
        """``__version__`` of an installed module of ``make_wheel``; what went wrong if it is not there."""
        code = f"import {module}; print({module}.__version__)"
        done = subprocess.run([self.python, "-I", "-c", code], capture_output=True, text=True, check=False)
        return (done.stdout or done.stderr).strip()
