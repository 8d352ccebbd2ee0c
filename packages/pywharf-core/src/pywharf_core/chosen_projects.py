"""The projects of a repository that somebody chose by globs of names, with all that is known of each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from packaging.utils import NormalizedName

from pywharf_core.errors import NotFound
from pywharf_core.filenames import normalise
from pywharf_core.model import DistributionFile, ProjectPage, ProjectState, ProjectStatus
from pywharf_core.names import PrivateNames
from pywharf_core.repository import Repository
from pywharf_core.storage import Deleted

_WILDCARD = re.compile(r"[*?\[]")


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
        self._given = globs
        self._globs = PrivateNames(globs) if globs else None

    def names(self) -> Sequence[NormalizedName]:
        """Sorted."""
        with self._repository.index.reading() as snapshot:
            return sorted(name for name in map(normalise, snapshot.states()) if self.covers(name))

    def covers(self, name: NormalizedName) -> bool:
        return self._globs is None or self._globs.match(name) is not None

    def demand_some(self) -> None:
        """
        :raises NotFound: what was given covers no project, or one of it is the plain name of none; it may be misspelt.
        """
        names = self.names()
        plain = [given for given in self._given if not _WILDCARD.search(given) and normalise(given) not in names]
        absent = plain or (() if names else self._given)
        if absent:
            raise NotFound(f"The repository {self._repository.name} has no project {absent[0]}; look at the spelling.")

    def count_files(self) -> int:
        with self._repository.index.reading() as snapshot:
            if self._globs is None:
                return snapshot.counts()[0]
            rows = (snapshot.project(name) for name in snapshot.states() if self.covers(normalise(name)))
            return sum(row.files for row in rows if row is not None)

    def projects(self) -> Iterator[Project]:
        """One after the other, each of its own moment; those that vanished meanwhile are left out."""
        for name in self.names():
            with self._repository.index.reading() as snapshot:
                row = snapshot.project(name)
                if row is None:
                    continue
                project = Project(row.state, snapshot.files(name), snapshot.tombstones_of(name))
            yield project
