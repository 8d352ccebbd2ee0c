"""What is wrong in a store that a scan does not say; and the removal of what nobody needs.

Whoever publishes or changes a file holds its project's lock, and so does whoever removes what a dead one left: nothing
that is being written is taken away.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from packaging.utils import NormalizedName

from pywharf_core import Flaw
from pywharf_filesystem import sidecar as sidecars
from pywharf_filesystem import version_0_2
from pywharf_filesystem.durable import locked
from pywharf_filesystem.layout import SIDECAR_SUFFIX, UNFINISHED_SUFFIXES, Layout
from pywharf_filesystem.project_folders import ProjectFolders
from pywharf_filesystem.project_states import ProjectStates
from pywharf_filesystem.reading import open_at_once

#: Younger names may be somebody's who is at work.
_OLD_AFTER = 60.0  # seconds
_FORGOTTEN_AFTER = 3600.0  # seconds: what other programs copy into a store may take long


class Flaws:
    """Of one store; asked from many threads and processes."""

    def __init__(self, layout: Layout, folders: ProjectFolders, states: ProjectStates) -> None:
        self._layout = layout
        self._folders = folders
        self._states = states

    def find(self) -> Iterator[Flaw]:
        """:raises OSError: the store cannot be read."""
        for path in self._unfinished_of_the_store():
            yield Flaw(self._name(path), f"{self._name(path)} is a note that was never finished.", swept=True)
        states = self._states.read_all()
        for project, names in self._folders.read().folders.items():
            remembered = states.get(project)
            deleted: Mapping[str, str] = {} if remembered is None else remembered.deleted
            for name in names:
                with contextlib.suppress(FileNotFoundError):  # removed by hand while we look
                    yield from self._in_folder(self._layout.path / name, project, deleted)

    def sweep(self) -> int:
        """Remove the flaws that nobody needs; how many these were.

        :raises OSError: the store cannot be read or written.
        """
        swept = sum(_remove(path) for path in self._unfinished_of_the_store())
        for project, names in self._folders.read().folders.items():
            for name in names:
                folder = self._layout.path / name
                with contextlib.suppress(FileNotFoundError):
                    if next(self._garbage(folder, project), None) is not None:
                        with self._alone(project):  # so whoever wrote these is gone
                            swept += sum(_remove(path) for path in self._garbage(folder, project))
        return swept

    def _in_folder(self, folder: Path, project: NormalizedName, deleted: Mapping[str, str]) -> Iterator[Flaw]:
        names = {entry.name for entry in os.scandir(folder)}
        for name in sorted(names):
            path = folder / name
            if _is_ours_unfinished(name):
                if _is_old(path, _OLD_AFTER):
                    yield Flaw(self._name(path), f"{self._name(path)} is of an upload that died.", swept=True)
            elif name.endswith(UNFINISHED_SUFFIXES) and not name.startswith("."):
                if _is_old(path, _FORGOTTEN_AFTER):
                    sentence = (
                        "looks half copied, and nothing of such a name is listed; give it its right name, or remove it"
                    )
                    yield Flaw(self._name(path), f"{self._name(path)} {sentence}.")
            elif name.endswith(SIDECAR_SUFFIX) and not name.startswith("."):
                filename = name.removesuffix(SIDECAR_SUFFIX)
                with contextlib.suppress(FileNotFoundError):
                    if filename in names:
                        yield from self._unreadable(path)
                    elif _is_old(path, _OLD_AFTER) and self._is_lone(path, folder / filename, project):
                        yield self._lone_sidecar(path, is_deleted=filename in deleted)

    def _is_lone(self, sidecar: Path, file: Path, project: NormalizedName) -> bool:
        with self._alone(project):  # a deletion takes the one first, and then the other
            return os.path.lexists(sidecar) and not os.path.lexists(file)

    def _lone_sidecar(self, sidecar: Path, *, is_deleted: bool) -> Flaw:
        if is_deleted:
            return Flaw(self._name(sidecar), f"{self._name(sidecar)} is of a file that was deleted.", swept=True)
        return Flaw(
            self._name(sidecar),
            f"{self._name(sidecar)} is of a file that is not there: its upload died, or it was removed by hand. Put the file "
            "back, or publish it again; else remove this one.",
        )

    def _unreadable(self, sidecar: Path) -> Iterator[Flaw]:
        content = _read(sidecar)
        with contextlib.suppress(sidecars.NewerSidecar):  # the scan says so
            if sidecars.read(content) is None and version_0_2.read(content) is None:
                yield Flaw(
                    self._name(sidecar),
                    f"{self._name(sidecar)} cannot be read, so the file beside it is listed without what it said (time, "
                    "yank, provenance). Put it back out of a backup, or remove it.",
                )

    def _garbage(self, folder: Path, project: NormalizedName) -> Iterator[Path]:
        """What ``sweep`` removes, as it is now."""
        remembered = self._states.read(project)
        deleted: Mapping[str, str] = {} if remembered is None else remembered.deleted
        names = {entry.name for entry in os.scandir(folder)}
        for name in names:
            filename = name.removesuffix(SIDECAR_SUFFIX)
            is_of_deleted = filename != name and filename in deleted and filename not in names
            if (_is_ours_unfinished(name) or is_of_deleted) and _is_old(folder / name, _OLD_AFTER):
                yield folder / name

    def _alone(self, project: NormalizedName) -> contextlib.AbstractContextManager[None]:
        return locked(self._layout.locks / project)

    def _unfinished_of_the_store(self) -> Iterator[Path]:
        for folder in (self._layout.own, self._layout.projects):
            with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
                for entry in entries:
                    path = Path(entry.path)
                    if entry.name.startswith(".") and entry.name.endswith(".tmp") and _is_old(path, _FORGOTTEN_AFTER):
                        yield path

    def _name(self, path: Path) -> str:
        """As it is written below the store; a name may be any bytes."""
        text = path.relative_to(self._layout.path).as_posix()
        return text.encode("utf-8", "backslashreplace").decode()


def _is_ours_unfinished(name: str) -> bool:
    """``.<file>.part`` and ``.<file>.meta.tmp``, see ``layout``."""
    return name.startswith(".") and name.endswith((".part", f"{SIDECAR_SUFFIX}.tmp"))


def _is_old(path: Path, seconds: float) -> bool:
    try:
        stat = path.lstat()
    except FileNotFoundError:
        return False
    return stat.st_mtime < time.time() - seconds


def _read(path: Path) -> bytes:
    with open(path, "rb", buffering=0, opener=open_at_once) as stream:
        return stream.read()


def _remove(path: Path) -> bool:
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True
