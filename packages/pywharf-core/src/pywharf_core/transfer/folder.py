"""Packages from files: folders with all that is below them, single files, the store of a pypiserver.

A folder says nothing of its files but their names. Their times tell when they were copied or downloaded, so
files of a folder are published as of now; but pypiserver writes a file in the moment of its upload, and has no other
word on when that was.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from packaging.utils import NormalizedName

from pywharf_core.amounts import named
from pywharf_core.errors import InvalidUpload
from pywharf_core.filenames import parse_filename
from pywharf_core.project_choice import ProjectChoice
from pywharf_core.transfer.local_files import LocalFiles
from pywharf_core.transfer.offers import (
    Finding,
    Findings,
    Offer,
    PassedOver,
    Unusable,
    why_passed_over,
)

_NAMED = 3  # places in a sentence


class FolderSource(LocalFiles):
    """:param paths: folders and files.
    :param of_pypiserver: the folders are stores of a pypiserver: times of files are those of uploads.
    """

    def __init__(
        self, paths: Sequence[Path], *, projects: ProjectChoice | None = None, of_pypiserver: bool = False
    ) -> None:
        self._paths = paths
        self._projects = projects or ProjectChoice()
        self._of_pypiserver = of_pypiserver

    def look(self) -> Findings:
        """Folders that cannot be read are among the findings.

        :raises NotFound: a project that is wanted is not there.
        """
        places: list[str | PassedOver | Unusable] = []
        for path in self._paths:
            if path.is_dir():
                places.extend(_below(path))
            else:
                places.append(str(path))
        if self._projects.globs:
            known = {project for place in places if isinstance(place, str) and (project := _project(place)) is not None}
            self._projects.demand_some(known, ", ".join(map(str, self._paths[:_NAMED])))
        return _Places(places, self._projects, of_pypiserver=self._of_pypiserver)

    def nothing_found(self) -> str:
        return f"There is no wheel or sdist in {named([str(path) for path in self._paths], _NAMED)}."


class _Places:
    """Paths alone are kept; what they mean is found out when it is their turn."""

    def __init__(
        self, places: Sequence[str | PassedOver | Unusable], projects: ProjectChoice, *, of_pypiserver: bool
    ) -> None:
        self._places = places
        self._projects = projects
        self._of_pypiserver = of_pypiserver

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Finding]:
        for place in self._places:
            yield self._found(place) if isinstance(place, str) else place

    def _found(self, place: str) -> Finding:
        filename = os.path.basename(place)
        reason = why_passed_over(filename)
        if reason is not None:
            return PassedOver(place, reason)
        try:
            project = parse_filename(filename).project
        except InvalidUpload as error:
            return Unusable(place, str(error))
        if project not in self._projects:
            return PassedOver(place, "of a project that nobody asked for")
        try:
            found = os.stat(place)
        except OSError as error:
            return Unusable(place, f"It cannot be read: {error.strerror}.")
        if not stat.S_ISREG(found.st_mode):
            return PassedOver(place, "not a file")
        uploaded = datetime.fromtimestamp(found.st_mtime_ns // 1000 / 1_000_000, UTC) if self._of_pypiserver else None
        return Offer(filename=filename, place=place, size=found.st_size, upload_time=uploaded)


def _project(place: str) -> NormalizedName | None:
    try:
        return parse_filename(os.path.basename(place)).project
    except InvalidUpload:
        return None


def _below(folder: Path) -> Iterator[str | PassedOver | Unusable]:
    """All files, sorted by folder; what is hidden is left alone, as pypiserver does, and so are links to folders."""
    problems: list[Unusable] = []

    def remember(error: OSError) -> None:
        problems.append(Unusable(str(error.filename), f"The folder cannot be read: {error.strerror}."))

    for path, folders, files in os.walk(folder, onerror=remember):
        yield from problems
        problems.clear()
        left_alone = {name: "hidden" for name in [*folders, *files] if name.startswith(".")}
        for name in folders:
            if os.path.islink(os.path.join(path, name)):
                left_alone.setdefault(name, "a link to a folder")
        for name, reason in sorted(left_alone.items()):
            yield PassedOver(os.path.join(path, name), reason)
        folders[:] = sorted(name for name in folders if name not in left_alone)
        yield from (os.path.join(path, name) for name in sorted(files) if name not in left_alone)
    yield from problems
