"""What is remembered of projects beside their files: one TOML file on the branch, changed by compare and swap."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from packaging.utils import NormalizedName

from pywharf_core import ProjectState, ProjectStatus, StorageUnavailable, toml_text
from pywharf_github.branch import Branch, blob_hash
from pywharf_github.remote_index import SUFFIX

_VERSION = 1
_TRIES = 8  # at a write that others' commits came before


@dataclass(frozen=True, slots=True)
class Remembered:
    """The whole file.

    :ivar deleted: SHA-256 by filename, of files whose releases could not stay as tombstones.
    """

    states: Mapping[NormalizedName, ProjectState] = field(default_factory=dict)
    deleted: Mapping[str, str] = field(default_factory=dict)


class ProjectStates:
    """Reads and changes the file on ``branch``, which lies beside the index."""

    def __init__(self, branch: Branch, index_filename: str) -> None:
        self._branch = branch
        self._path = f"{index_filename.removesuffix(SUFFIX)}.projects{SUFFIX}"

    def read(self) -> Remembered:
        """:raises StorageUnavailable: also when it is damaged: it must not be written over."""
        return self._read()[0]

    def put(self, state: ProjectState) -> None:
        """Remember ``state``; a reservation stays."""

        def change(now: Remembered) -> Remembered:
            old = now.states.get(state.name)
            reserved = state.reserved or (old is not None and old.reserved)
            return replace(now, states={**now.states, state.name: replace(state, reserved=reserved)})

        self._change(change, f"Set the status of {state.name}")

    def bury(self, filename: str, sha256: str, project: NormalizedName) -> None:
        """Remember a deleted file here, and reserve its project."""

        def change(now: Remembered) -> Remembered:
            state = replace(now.states.get(project, ProjectState(name=project)), reserved=True)
            return Remembered({**now.states, project: state}, {**now.deleted, filename: sha256})

        self._change(change, f"Remember that {filename} was deleted")

    def _change(self, change: Callable[[Remembered], Remembered], message: str) -> None:
        for _ in range(_TRIES):
            now, revision = self._read()
            new = change(now)
            if new == now or self._branch.put(self._path, _write(new), revision, message):
                return
        raise StorageUnavailable("Others write to the branch all the time; try again.", retry_after=1)

    def _read(self) -> tuple[Remembered, str | None]:
        content = self._branch.read(self._path)
        return (Remembered(), None) if content is None else (_parse(content), blob_hash(content))


def _write(remembered: Remembered) -> bytes:
    projects = {
        name: {"status": state.status.value, "reason": state.reason, "reserved": state.reserved}
        for name, state in sorted(remembered.states.items())
    }
    document = {"pywharf": _VERSION, "projects": projects, "deleted": dict(sorted(remembered.deleted.items()))}
    return toml_text.dumps(document).encode()


def _parse(content: bytes) -> Remembered:
    try:
        document = toml_text.loads(content.decode())
        if int(document["pywharf"]) > _VERSION:
            raise StorageUnavailable("The projects file on the branch was written by a newer pywharf; update this one.")
        projects: Mapping[str, Mapping[str, Any]] = document.get("projects", {})
        states = {
            NormalizedName(name): ProjectState(
                name=NormalizedName(name),
                status=ProjectStatus(entry.get("status", "active")),
                reason=entry.get("reason"),
                reserved=bool(entry.get("reserved")),
            )
            for name, entry in projects.items()
        }
        deleted = {str(name): str(sha256) for name, sha256 in document.get("deleted", {}).items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StorageUnavailable("The projects file on the branch is damaged; restore it from its history.") from error
    return Remembered(states, deleted)
