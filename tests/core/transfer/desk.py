"""A ROOT with two repositories on the file system, and the commands that move packages between them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from pywharf_core import shared_secrets
from pywharf_core.cli.root import make_root
from pywharf_core.config import load_configuration
from pywharf_core.filenames import normalise
from pywharf_core.model import DistributionFile, ProjectState
from pywharf_core.plugins import Plugins
from pywharf_core.repository import Repository
from pywharf_core.root import Root
from pywharf_core.wharf import Wharf
from pywharf_filesystem import plugin as file_system

CONFIG = """
[local]
type = "file_system"
read_secret = "reads"
write_secret = "writes"

[other]
type = "file_system"
read_secret = "reads-other"
write_secret = "writes-other"
max_file_bytes = 100000
"""
PLUGINS = Plugins.of(file_system, shared_secrets)


class Desk:
    """:ivar root: its ROOT."""

    def __init__(self, folder: Path, config: str = CONFIG, plugins: Plugins = PLUGINS) -> None:
        self.root = folder / "root"
        self.root.mkdir()
        (self.root / "config.toml").write_text(config)
        self._config = config
        self._plugins = plugins

    def run(self, *arguments: object, stdin: str | None = None, **environment: str) -> Result:
        """A command below the ROOT; an unexpected error is the test's."""
        env = {"PYWHARF_ROOT": str(self.root), **environment}
        result = CliRunner(env=env).invoke(make_root(self._plugins), [str(word) for word in arguments], input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def told(self, *arguments: object, status: int = 0) -> dict[str, Any]:
        """What the command says to programs."""
        result = self.run(*arguments, "--json")
        assert result.exit_code == status, result.output
        answer: dict[str, Any] = json.loads(result.stdout)
        return answer

    @contextmanager
    def open(self) -> Iterator[Mapping[str, Repository]]:
        """The repositories, as a server of the ROOT has them."""
        configurations = load_configuration(self._config, None, self._plugins)
        with Wharf.open(configurations, Root(self.root)) as wharf:
            yield wharf.repositories

    def listed(self, repository: str = "local") -> Mapping[str, DistributionFile]:
        """By filename; each has the bytes that its hash says."""
        found = {}
        with self.open() as repositories:
            opened = repositories[repository]
            with opened.index.reading() as snapshot:
                states = snapshot.states()
                for name in states:
                    found.update({file.filename: file for file in snapshot.files(name)})
            for file in found.values():
                with opened.storage.open_file(file) as stream:
                    assert hashlib.sha256(stream.read()).hexdigest() == file.sha256
        return found

    def state(self, project: str, repository: str = "local") -> ProjectState | None:
        with self.open() as repositories, repositories[repository].index.reading() as snapshot:
            row = snapshot.project(normalise(project))
            return None if row is None else row.state


def named(answer: Mapping[str, Any], what: str) -> Mapping[str, str]:
    """Reasons by the last part of the place, of what was ``refused`` or ``passed_over``."""
    return {entry["file"].rstrip("/").rpartition("/")[2]: entry["reason"] for entry in answer[what]}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
