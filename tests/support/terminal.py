"""Somebody's terminal, into which the commands of a page are typed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from pywharf_core.testing import make_wheel
from support.clean_environment import clean_environment
from support.clean_shell import clean_shell, run
from support.initialised import Initialised
from support.served import Served, serving
from support.shell_blocks import commands, script

_TOOLS = ("granian", "pywharf", "twine", "uv", "uvicorn")


class Terminal:
    """pip is that of a fresh virtual environment, which uv uses too; beside it pywharf and the tests' tools.

    :param folder: where commands run; made if need be. The home is ``home`` in it.
    :param words: what a reader puts in the place of a page's words, such as a port.
    :param online: what the machine's own settings say of the way to its package index holds here.
    :param variables: of the environment.
    """

    def __init__(
        self,
        folder: Path,
        words: Mapping[str, str] | None = None,
        *,
        online: bool = False,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir(parents=True, exist_ok=True)
        self.words = dict(words or {})
        self.variables = dict(variables or {})
        self._online = online
        self._environment = folder / ".environment"
        tools = folder / ".tools"
        tools.mkdir()
        for name in _TOOLS:
            (tools / name).symlink_to(Path(sys.executable).with_name(name))
        self._path = f"{self._environment}/bin:{tools}:/usr/local/bin:/usr/bin:/bin"

    @property
    def environment(self) -> dict[str, str]:
        clean = clean_environment(self.home)
        for name in ("PIP_CONFIG_FILE", "UV_NO_CONFIG"):  # pages tell of such files
            del clean[name]
        settings = clean_shell() if self._online else {}
        paths = {"PATH": self._path, "HOME": str(self.home), "VIRTUAL_ENV": str(self._environment)}
        return {**settings, **clean, **paths, "NO_COLOR": "1", "COLUMNS": "200", **self.variables}

    def type(self, line: str) -> str:
        """Run a line, or a script that ends at the first error, and return what it printed; it must succeed."""
        if not self._environment.exists():
            subprocess.run([sys.executable, "-m", "venv", str(self._environment)], check=True)
        return run("bash", "-euo", "pipefail", "-c", self.meant(line), cwd=self.folder, env=self.environment)

    def meant(self, line: str) -> str:
        for word, meaning in self.words.items():
            # Not a variable of that name.
            line = re.sub(rf"(?<![$\w{{]){re.escape(word)}(?!\w)", meaning.replace("\\", r"\\"), line)
        return line

    def follow(self, page: Path, *headings: str) -> str:
        """Run the commands below these headings, a line at a time; what all of them printed."""
        return "".join(self.type(line) for heading in headings for line in commands(page, heading))

    def follow_script(self, page: Path, heading: str) -> str:
        """Run the commands below the heading as one script."""
        return self.type(script(page, heading))

    def serve(self, line: str, port: int) -> AbstractContextManager[Served]:
        """Run a line that starts a server on ``port``, and wait until it is ready."""
        number = len(list(self.folder.glob("served-*.txt")))
        output = self.folder / f"served-{number}.txt"
        return serving(self.meant(line), cwd=self.folder, env=self.environment, port=port, output=output)

    def installed(self, distribution: str) -> str | None:
        """The version that is installed in the environment; None: it is not."""
        code = f"import importlib.metadata as m; print(m.version({distribution!r}))"
        python = self._environment / "bin/python"
        done = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=False)
        return done.stdout.strip() or None

    def make_package(self, name: str, version: str = "1.0") -> Path:
        """A wheel in ``dist``."""
        return make_wheel(self.folder / "dist", name, version)

    def write(self, path: str, text: str) -> Path:
        """A file that the page tells to write, relative to the home for ``~/…``, with the reader's own words in it."""
        place = self.home / path[2:] if path.startswith("~/") else self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch(0o600)
        place.write_text(self.meant(text), encoding="utf-8")
        return place

    def forget(self, *names: str) -> None:
        """Begin again without what is there of these names."""
        for name in names:
            shutil.rmtree(self.folder / name, ignore_errors=True)


def words_for(port: int, secrets: Initialised | None = None) -> dict[str, str]:
    """What pages write for the port of a server and for the secrets of its repository ``local``."""
    words = {"8888": str(port)}
    if secrets is not None:
        words |= {
            "WRITE_SECRET": secrets.write,
            "READ_SECRET": secrets.read,
            "ADMIN_SECRET": secrets.admin,
            "<read secret>": secrets.read,
            "<write secret>": secrets.write,
        }
    return words


def secrets_in_variables(secrets: Initialised) -> dict[str, str]:
    """The variables that pages use."""
    return {"READ_SECRET": secrets.read, "WRITE_SECRET": secrets.write, "ADMIN_SECRET": secrets.admin}


def delete_caches(home: Path) -> None:
    """What clients remember of earlier answers."""
    for name in (".cache", "uv-cache"):
        shutil.rmtree(home / name, ignore_errors=True)
