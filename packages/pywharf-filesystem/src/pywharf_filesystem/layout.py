"""Where things lie in a store.

::

    <path>/<project>/<file>                a distribution file; the folder's name may be any spelling of the project's
    <path>/<project>/<file>.meta           its sidecar
    <path>/<project>/.<file>.meta.tmp      a sidecar being written; hidden names are never listed
    <path>/<project>/.<file>.part          an upload being copied from another file system
    <path>/.pywharf/store.toml             the marker: this is a store, and which
    <path>/.pywharf/projects/<project>.toml   status, reservation and deleted files of a project
    <path>/.pywharf/spellings.toml         folders whose names are not normalised, as the last scan saw them
    <path>/.pywharf/lock/<project>         locked while something of the project changes; never removed
    <path>/.pywharf/staging/               uploads that are not published yet
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SIDECAR_SUFFIX = ".meta"
UNFINISHED_SUFFIXES = (".part", ".tmp")


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one store."""

    path: Path

    @property
    def own(self) -> Path:
        return self.path / ".pywharf"

    @property
    def marker(self) -> Path:
        return self.own / "store.toml"

    @property
    def projects(self) -> Path:
        return self.own / "projects"

    @property
    def spellings(self) -> Path:
        return self.own / "spellings.toml"

    @property
    def locks(self) -> Path:
        return self.own / "lock"

    @property
    def staging(self) -> Path:
        return self.own / "staging"


def sidecar_of(file: Path) -> Path:
    return file.with_name(file.name + SIDECAR_SUFFIX)


def part_of(file: Path) -> Path:
    return file.with_name(f".{file.name}.part")
