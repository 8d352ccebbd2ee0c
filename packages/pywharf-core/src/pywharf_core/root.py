"""ROOT: the one folder in which a server, its workers and the commands beside it keep what is theirs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pywharf_core.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Root:
    """The layout below ``path``, which must be on a local disk (SQLite's locks)."""

    path: Path

    @property
    def config_file(self) -> Path:
        return self.path / "config.toml"

    @property
    def admin_secret_file(self) -> Path:
        return self.path / "admin_secret.toml"

    @property
    def server_database(self) -> Path:
        return self.path / "server.sqlite3"

    @property
    def log(self) -> Path:
        return self.path / "log"

    @property
    def metrics(self) -> Path:
        """What the processes of a server counted."""
        return self.path / "metrics"

    def index_database(self, repository: str) -> Path:
        return self.path / "index" / f"{repository}.sqlite3"

    def work(self, repository: str) -> Path:
        """The storage's own folder: caches, and the file system's default store."""
        return self.path / "cache" / repository

    def staging(self, repository: str) -> Path:
        """Where uploads are spooled for storages without a staging folder of their own."""
        return self.path / "staging" / repository

    def lock(self, name: str) -> Path:
        return self.path / "lock" / f"{name}.lock"

    def make(self) -> None:
        """Create what is missing, readable by nobody else.

        :raises ConfigurationError: the folder cannot be made or written.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name in ("index", "cache", "staging", "lock", "log"):
                (self.path / name).mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                [f"{self.path} cannot be used as ROOT ({error.strerror}); it should be a folder that can be written."]
            ) from error
