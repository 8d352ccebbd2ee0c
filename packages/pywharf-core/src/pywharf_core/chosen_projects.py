"""The projects of a repository that somebody chose by globs of names, with all that is known of each."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from packaging.utils import NormalizedName

from pywharf_core.filenames import normalise
from pywharf_core.model import DistributionFile, ProjectPage, ProjectState, ProjectStatus
from pywharf_core.project_choice import ProjectChoice
from pywharf_core.repository import Repository
from pywharf_core.storage_answers import Deleted


@dataclass(frozen=True, slots=True)
class Project:
    """All that is known of a project, at one moment.

    :ivar deleted: files that were deleted on purpose.
    """

    state: ProjectState
    files: Sequence[DistributionFile]
    deleted: Sequence[Deleted]

    @property
    def name(self) -> NormalizedName:
        return self.state.name

    @property
    def has_page(self) -> bool:
        """Whether the server has a page for it."""
        return bool(self.files) or self.state.status is not ProjectStatus.ACTIVE

    @property
    def offered(self) -> Sequence[DistributionFile]:
        """The files that the server hands out."""
        return () if self.state.status is ProjectStatus.QUARANTINED else self.files

    def page(self, files: Sequence[DistributionFile]) -> ProjectPage:
        """Its page with these files."""
        return ProjectPage(project=self.name, files=files, status=self.state.status, status_reason=self.state.reason)


class Chosen:
    """The projects of a repository whose normalised names a glob covers; no globs: all."""

    def __init__(self, repository: Repository, globs: Sequence[str]) -> None:
        self._repository = repository
        self._choice = ProjectChoice(globs)

    def names(self) -> Sequence[NormalizedName]:
        """Sorted."""
        return sorted(name for name in self._known() if self.covers(name))

    def covers(self, name: NormalizedName) -> bool:
        return name in self._choice

    def demand_some(self, also: Collection[NormalizedName] = ()) -> None:
        """
        :param also: projects that are there beside those of the index.
        :raises NotFound: see ``ProjectChoice``.
        """
        self._choice.demand_some({*self._known(), *also}, f"The repository {self._repository.name}")

    def count_files(self, *, quarantined: bool = True) -> int:
        """
        :param quarantined: count those of quarantined projects too.
        """
        with self._repository.index.reading() as snapshot:
            if not self._choice.globs and quarantined:
                return snapshot.counts()[0]
            wanted = [
                name
                for name, state in snapshot.states().items()
                if self.covers(normalise(name)) and (quarantined or state.status is not ProjectStatus.QUARANTINED)
            ]
            return sum(row.files for row in map(snapshot.project, wanted) if row is not None)

    def projects(self) -> Iterator[Project]:
        """One after the other, each of its own moment; those that vanished meanwhile are left out."""
        for name in self.names():
            with self._repository.index.reading() as snapshot:
                row = snapshot.project(name)
                if row is None:
                    continue
                project = Project(row.state, snapshot.files(name), snapshot.tombstones_of(name))
            yield project

    def _known(self) -> Sequence[NormalizedName]:
        with self._repository.index.reading() as snapshot:
            return [normalise(name) for name in snapshot.states()]
