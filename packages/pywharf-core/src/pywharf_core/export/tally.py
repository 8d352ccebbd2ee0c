"""What becomes of files and projects while an export runs."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from pywharf_core.export.folder import ExportFolder
from pywharf_core.export.report import ExportReport, Problem
from pywharf_core.model import DistributionFile


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a file.

    :ivar file: as it is announced.
    :ivar present: it is in the folder, or would be.
    :ivar copied: now.
    """

    file: DistributionFile
    present: bool = False
    copied: bool = False
    problems: Sequence[Problem] = ()


@dataclass(slots=True)
class Stale:
    """What an export of earlier times has written and this one would not.

    :ivar paths: below the folder.
    :ivar projects: those that are in this export.
    """

    paths: list[str] = field(default_factory=list)
    projects: set[str] = field(default_factory=set)

    def look_into(self, folder: ExportFolder, project: str, belong: frozenset[str]) -> None:
        self.projects.add(project)
        self.paths.extend(f"{project}/{name}" for name in folder.own(project) if name not in belong)

    def look_beside(self, folder: ExportFolder) -> None:
        for project in folder.projects():
            if project not in self.projects:
                self.paths.extend(f"{project}/{name}" for name in folder.own(project))


@dataclass(slots=True)
class Tally:
    """Right at any moment, also when the export ends early; see ``ExportReport``."""

    problems: list[Problem] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    projects: int = 0
    copied: int = 0
    bytes: int = 0
    there: int = 0
    complete: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, done: Done) -> None:
        """Count a file; any thread may."""
        with self._lock:
            self.problems.extend(done.problems)
            if done.present and done.copied:
                self.copied += 1
                self.bytes += done.file.size
            elif done.present:
                self.there += 1

    def report(self) -> ExportReport:
        return ExportReport(
            projects=self.projects,
            copied=self.copied,
            bytes=self.bytes,
            there=self.there,
            problems=sorted(self.problems, key=lambda problem: problem.name),  # several threads have no order
            stale=self.stale,
            removed=self.removed,
            complete=self.complete,
        )
