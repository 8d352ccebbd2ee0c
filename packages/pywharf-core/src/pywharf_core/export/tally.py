"""What becomes of files and projects while an export runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pywharf_core.chosen_projects import Project
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
    problems: list[Problem]
    projects: int = 0
    copied: int = 0
    bytes: int = 0
    there: int = 0

    def add(self, project: Project, done: Sequence[Done]) -> None:
        self.projects += 1 if project.has_page else 0
        for it in done:
            self.problems.extend(it.problems)
            self.copied += it.present and it.copied
            self.bytes += it.file.size if it.present and it.copied else 0
            self.there += it.present and not it.copied

    def report(self, *, stale: Sequence[str], removed: Sequence[str]) -> ExportReport:
        return ExportReport(
            projects=self.projects,
            copied=self.copied,
            bytes=self.bytes,
            there=self.there,
            problems=self.problems,
            stale=stale,
            removed=removed,
        )
