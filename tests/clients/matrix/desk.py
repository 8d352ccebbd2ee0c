"""Where one run of a client happens: a home, a folder to work in, an environment to install into, and its secrets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from clients.matrix.environments import Tool
from support.clean_environment import clean_environment
from support.clients import Ran

_LONGEST = 120  # seconds


class Desk:
    """:param folder: made here; its name is good for a project's.
    :ivar work: the client's working folder.
    :ivar project: the name for what is published from here.
    """

    def __init__(self, folder: Path, tool: Tool) -> None:
        self.folder = folder
        self.project = f"acme-{folder.name}"
        self.work = folder / "work"
        self.work.mkdir(parents=True)
        self._home = folder / "home"
        self._home.mkdir()
        self._tool = tool
        self._keyring: dict[str, dict[str, str]] = {}
        self._environment = folder / "environment"

    @property
    def python(self) -> Path:
        """The interpreter of a virtual environment with nothing in it."""
        if not self._environment.exists():
            making = [sys.executable, "-m", "uv", "venv", "--quiet", "--no-config", "--python", sys.executable]
            subprocess.run([*making, self._environment], check=True)
        return self._environment / "bin" / "python"

    def version_of(self, module: str) -> str | None:
        """``__version__`` of a module of ``make_wheel``, if it is installed."""
        code = f"import {module}; print({module}.__version__)"
        done = subprocess.run([self.python, "-I", "-c", code], capture_output=True, text=True, check=False)
        return done.stdout.strip() or None

    def write_netrc(self, host: str, username: str, secret: str) -> None:
        path = self._home / ".netrc"
        path.touch(0o600)
        path.write_text(f"machine {host}\nlogin {username}\npassword {secret}\n")

    def fill_keyring(self, service: str, username: str, secret: str) -> None:
        self._keyring.setdefault(service, {})[username] = secret
        (self.folder / "keyring.json").write_text(json.dumps(self._keyring))

    def run(self, program: str, *arguments: str | Path, env: Mapping[str, str] | None = None) -> Ran:
        """Run one of the client's programs in ``work``; ``env`` is added to a clean environment."""
        done = subprocess.run(
            [self._tool.program(program), *arguments],
            cwd=self.work,
            env={**self._variables(), **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_LONGEST,
            check=False,
        )
        return Ran(done.returncode, done.stdout)

    def _variables(self) -> Mapping[str, str]:
        return {
            **clean_environment(self._home),
            "COLUMNS": "1000",  # nothing is broken where the length of a path or port would decide
            "NO_COLOR": "1",
            "TERM": "dumb",
            "PATH": f"{self._tool.bin}{os.pathsep}{os.environ['PATH']}",
            "KEYRING_FILE": str(self.folder / "keyring.json"),
            "PYTHON_KEYRING_BACKEND": "keyring_in_a_file.Keyring",
        }
