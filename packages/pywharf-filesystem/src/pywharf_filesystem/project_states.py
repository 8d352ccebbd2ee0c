"""What the store remembers of a project beside its files: status, reservation, and the files that were deleted."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pywharf_core import ProjectState, ProjectStatus, StorageUnavailable, is_project_name, normalise, toml_text
from pywharf_filesystem.durable import replace_file, sync

_SUFFIX = ".toml"


@dataclass(frozen=True, slots=True)
class Remembered:
    """One project's page of memory.

    :ivar deleted: sha256 by filename of every file that was ever deleted; it stays when the same file comes back.
    """

    state: ProjectState
    deleted: Mapping[str, str] = field(default_factory=dict)


class ProjectStates:
    """The folder ``.pywharf/projects``. The writer of a project's page holds that project's lock."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._cache: dict[str, tuple[tuple[int, ...], Remembered]] = {}

    def read(self, project: str) -> Remembered | None:
        """:raises OSError: the store cannot be read."""
        path = self._path(project)
        try:
            return _parse(project, path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None

    def read_all(self) -> Mapping[str, Remembered]:
        """By project; only what changed since the last call is read again.

        :raises OSError: the store cannot be read.
        """
        found: dict[str, tuple[tuple[int, ...], Remembered]] = {}
        with os.scandir(self._folder) as entries:
            for entry in entries:
                project = entry.name.removesuffix(_SUFFIX)
                if entry.name == project or not is_project_name(project):
                    continue
                stat = entry.stat()
                signature = (stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
                cached = self._cache.get(project)
                if cached is not None and cached[0] == signature:
                    found[project] = cached
                elif (remembered := self.read(project)) is not None:
                    found[project] = (signature, remembered)
        self._cache = found
        return {project: remembered for project, (_, remembered) in found.items()}

    def write(self, remembered: Remembered) -> None:
        """Durable on return.

        :raises OSError: the store cannot be written.
        """
        state = remembered.state
        document: dict[str, object] = {"pywharf": 1, "status": state.status.value, "reserved": state.reserved}
        if state.reason is not None:
            document["reason"] = state.reason
        document["deleted"] = [
            {"filename": filename, "sha256": sha256} for filename, sha256 in remembered.deleted.items()
        ]
        replace_file(self._path(state.name), toml_text.dumps(document).encode())
        sync(self._folder)

    def _path(self, project: str) -> Path:
        return self._folder / f"{project}{_SUFFIX}"


def _parse(project: str, text: str) -> Remembered:
    try:
        document = toml_text.loads(text)
        return Remembered(
            state=ProjectState(
                name=normalise(project),
                status=ProjectStatus(document.get("status", ProjectStatus.ACTIVE)),
                reason=document.get("reason"),
                reserved=bool(document.get("reserved", False)),
            ),
            deleted={str(entry["filename"]): str(entry["sha256"]) for entry in document.get("deleted", [])},
        )
    except (ValueError, KeyError, TypeError) as error:
        # Guessing would list a quarantined project, or give a deleted name to the extra index.
        raise StorageUnavailable(f"The store's page .pywharf/projects/{project}.toml is damaged: {error}.") from error
