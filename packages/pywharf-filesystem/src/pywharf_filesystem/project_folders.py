"""Which folders of a store belong to which project: 0.2 and people spell names as they like."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import NormalizedName

from pywharf_core import is_project_name, normalise, toml_text
from pywharf_filesystem.durable import locked, replace_file
from pywharf_filesystem.layout import Layout

_DISTRIBUTION_SUFFIXES = (".whl", ".tar.gz", ".zip")


_Spellings = Mapping[str, NormalizedName]  # project by the folder's name


@dataclass(frozen=True, slots=True)
class Listing:
    """A store's top folder.

    :ivar folders: names of folders by project, the normalised one first.
    :ivar misplaced: distribution files that lie beside the folders instead of in them.
    """

    folders: Mapping[NormalizedName, Sequence[str]]
    misplaced: Sequence[str]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError as error:
        if error.errno == errno.ELOOP:  # a symbolic link to itself leads nowhere, as a broken one does
            return False
        raise


class ProjectFolders:
    """Safe from many threads and processes.

    Folders with other than normalised names, as the last scan saw them, are written down in ``.pywharf/spellings.toml``,
    so that an upload need not look through all folders for other spellings of its project.
    """

    def __init__(self, layout: Layout) -> None:
        self._path = layout.path
        self._memory = layout.spellings
        self._cache: tuple[tuple[int, ...], _Spellings] | None = None

    def read(self) -> Listing:
        """:raises OSError: the store cannot be read."""
        folders: dict[NormalizedName, list[str]] = {}
        misplaced: list[str] = []
        with os.scandir(self._path) as entries:
            for entry in entries:
                name = entry.name
                if name.startswith("."):
                    continue
                if _is_folder(entry):
                    if is_project_name(name):  # `lost+found` is none
                        spelt_so = folders.setdefault(normalise(name), [])
                        spelt_so.insert(0 if name == normalise(name) else len(spelt_so), name)
                elif name.endswith(_DISTRIBUTION_SUFFIXES):
                    misplaced.append(name)
        spellings = {
            name: project
            for project, names in folders.items()
            if len(names) > 1 or names[0] != project
            for name in names
            if name != project
        }
        if spellings != self._remembered():
            self._remember(spellings)
        return Listing(folders, misplaced)

    def of(self, project: NormalizedName) -> Sequence[Path]:
        """The folders that may hold files of ``project``, the normalised one first, there or not.

        :raises OSError: the store cannot be read.
        """
        spellings = self._remembered()
        if spellings is None:  # before the first scan
            self.read()
            spellings = self._remembered() or {}
        names = [project, *(name for name, spelt in spellings.items() if spelt == project)]
        return [self._path / name for name in names]

    def _remembered(self) -> _Spellings | None:
        try:
            stat = os.stat(self._memory)
            signature = (stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
            if self._cache is None or self._cache[0] != signature:
                document = toml_text.loads(self._memory.read_text(encoding="utf-8"))
                spellings = {str(it["name"]): normalise(str(it["name"])) for it in document.get("folders", [])}
                self._cache = signature, spellings
            return self._cache[1]
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def _remember(self, spellings: _Spellings) -> None:
        document = {"pywharf": 1, "folders": [{"name": name} for name in spellings]}
        with locked(self._memory.with_suffix(".lock")):
            replace_file(self._memory, toml_text.dumps(document).encode())
