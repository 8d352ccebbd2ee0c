"""What a repository has, for its readers: lists, pages, releases. All of it comes out of the local index."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from packaging.utils import NormalizedName
from packaging.version import InvalidVersion

from pywharf_core.errors import NotFound, ProjectNotFound
from pywharf_core.filenames import parse_version
from pywharf_core.index.catalogue import CataloguePage, Order
from pywharf_core.index.local import LocalIndex
from pywharf_core.index.release_lines import ReleaseLine
from pywharf_core.index.snapshot import IndexedProject
from pywharf_core.model import ProjectPage, ProjectState, ProjectStatus
from pywharf_core.names import Answer, PrivateNames, answer_for
from pywharf_core.releases import Release, by_release
from pywharf_core.synchronisation import Synchronisation


@dataclass(frozen=True, kw_only=True, slots=True)
class ReleasePage:
    """A project as people see it.

    :ivar release: the one that was asked for; None: no file is offered.
    :ivar latest: the version that people mean by it.
    :ivar releases: the highest version first.
    :ivar total: how many releases there are.
    :ivar synchronised_at: Unix seconds.
    """

    state: ProjectState
    release: Release | None
    latest: str | None
    releases: Sequence[ReleaseLine]
    total: int
    synchronised_at: float


class RepositoryPages:
    """Questions about projects and releases; the storage is never asked."""

    index: LocalIndex
    synchronisation: Synchronisation
    private: PrivateNames
    extra_index_url: str

    def project_list(self) -> tuple[Sequence[str], int]:
        """Normalised names of all projects, sorted, and the revision they are of.

        :raises NotSynchronised: what exists is not known yet.
        """
        with self.index.reading() as snapshot:
            self.synchronisation.demanded(snapshot)
            return snapshot.projects(), snapshot.listing_revision()

    def listing_revision(self) -> int:
        with self.index.reading() as snapshot:
            return snapshot.listing_revision()

    def project_revision(self, project: NormalizedName) -> int:
        """Changes whenever the project's page does; 0: nothing was ever known of it."""
        with self.index.reading() as snapshot:
            row = snapshot.project(project)
            return 0 if row is None else row.revision

    def project_page(self, project: NormalizedName) -> tuple[ProjectPage, int]:
        """A project's page, and the revision it is of.

        :raises ProjectNotFound: no file of it is here.
        :raises NotSynchronised: what exists is not known completely yet.
        """
        with self.index.reading() as snapshot:
            self.synchronisation.demanded(snapshot)  # a page of what was read so far would hide releases
            row = snapshot.project(project)
            if row is None or not _is_here(row):
                raise ProjectNotFound(f"There is no project {project} in this repository.")
            files = snapshot.files(project)
        page = ProjectPage(project=project, files=files, status=row.state.status, status_reason=row.state.reason)
        return page, row.revision

    def releases(self, project: NormalizedName) -> tuple[Sequence[Release], int]:
        """A project's releases, ascending, at least one, and the revision that they are of.

        :raises ProjectNotFound: no file of it is here, or none is offered.
        :raises NotSynchronised: what exists is not known completely yet.
        """
        page, revision = self.project_page(project)
        if page.status is ProjectStatus.QUARANTINED:
            raise ProjectNotFound(f"The project {project} is quarantined; none of its files are offered.")
        if not page.files:
            raise ProjectNotFound(f"The project {project} has no files.")
        return by_release(page.files), revision

    def catalogue(self, *, order: Order = Order.NAME, offset: int = 0, limit: int = 50) -> CataloguePage:
        """All projects that have files, in a line each.

        :raises NotSynchronised: what exists is not known yet; likewise in ``search``.
        """
        with self.index.reading() as snapshot:
            self.synchronisation.demanded(snapshot)
            return snapshot.catalogue(order=order, offset=offset, limit=limit)

    def search(self, text: str, *, offset: int = 0, limit: int = 50) -> CataloguePage:
        """Projects whose name or summary has what somebody typed; the best come first."""
        with self.index.reading() as snapshot:
            self.synchronisation.demanded(snapshot)
            return snapshot.search(text, offset=offset, limit=limit)

    def release_page(
        self, project: NormalizedName, version: str | None = None, *, most_releases: int = -1
    ) -> ReleasePage:
        """One release for people, and the others in a line each. Its cost grows little with what the project has.

        :param version: None: the latest.
        :param most_releases: so many lines at most, the highest versions; -1: all.
        :raises ProjectNotFound: the project is not here.
        :raises NotFound: it has no such release.
        :raises NotSynchronised: what exists is not known completely yet.
        """
        with self.index.reading() as snapshot:
            synchronised_at = self.synchronisation.demanded(snapshot)
            row = snapshot.project(project)
            if row is None or not _is_here(row):
                raise ProjectNotFound(f"There is no project {project} in this repository.")
            latest, release, lines, count = None, None, [], 0
            if row.state.status is not ProjectStatus.QUARANTINED:
                latest = snapshot.latest_version(project)
                wanted = latest if version is None else version
                release = None if wanted is None else snapshot.release(project, wanted)
                lines = snapshot.releases(project, limit=most_releases)
                count = snapshot.count_releases(project)
        if release is None and version is not None:
            raise _no_release(project, version)
        return ReleasePage(
            state=row.state,
            release=release,
            latest=latest,
            releases=lines,
            total=count,
            synchronised_at=synchronised_at,
        )

    def release(self, project: NormalizedName, version: str) -> tuple[Release, int]:
        """One release, offered or not, for who may change it; and the revision of the index that it is of.

        :raises NotFound: the project has no such release, or this is no version.
        :raises NotSynchronised: what exists is not known completely yet, so a part of it could be missing.
        """
        try:
            parse_version(version)
        except InvalidVersion:
            raise NotFound(f"{version!r} is no version as in PEP 440, so {project} has no such release.") from None
        with self.index.reading() as snapshot:
            self.synchronisation.demanded(snapshot)
            release, revision = snapshot.release(project, version), snapshot.revision()
        if release is None:
            raise _no_release(project, version)
        return release, revision

    def listed_among(self, projects: Collection[str]) -> set[str]:
        """Those of these names, normalised, that have files here."""
        with self.index.reading() as snapshot:
            return snapshot.listed_among(projects)

    def answer_for(self, project: NormalizedName) -> Answer:
        """Who answers for this name: here, reserved, private, the extra index, or nobody."""
        with self.index.reading() as snapshot:
            row = snapshot.project(project)
            not_ready = self.synchronisation.why_not_ready(snapshot)
        return answer_for(
            project,
            here=row is not None and _is_here(row),
            reserved=row is not None,  # a row without files is all that is left of a project
            not_ready=not_ready,
            private=self.private,
            extra_index_url=self.extra_index_url,
        )


def _no_release(project: NormalizedName, version: str) -> NotFound:
    return NotFound(f"There is no release {project} {version} in this repository.")


def _is_here(row: IndexedProject) -> bool:
    return row.files > 0 or row.state.status is not ProjectStatus.ACTIVE
