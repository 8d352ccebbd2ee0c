"""One repository for its readers: lists, pages, files. Everything but bytes comes out of the local index."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from packaging.utils import NormalizedName
from packaging.version import InvalidVersion

from pywharf_core.auth import Auth
from pywharf_core.config import RepositoryConfiguration
from pywharf_core.errors import (
    FileChanged,
    FileNotFound,
    InvalidUpload,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    ProjectNotFound,
    StorageUnavailable,
    WharfError,
)
from pywharf_core.filenames import parse_filename, parse_version
from pywharf_core.index.catalogue import CataloguePage, Order
from pywharf_core.index.local import IndexedProject, LocalIndex
from pywharf_core.index.pending import PendingKind
from pywharf_core.index.release_lines import ReleaseLine
from pywharf_core.index.sync import SyncReport, with_what_was_computed
from pywharf_core.model import (
    AttachmentKind,
    DistributionFile,
    ProjectPage,
    ProjectState,
    ProjectStatus,
)
from pywharf_core.names import Answer, PrivateNames, answer_for
from pywharf_core.releases import Release, by_release
from pywharf_core.secret import Secret
from pywharf_core.simple.namespaces import declared_namespaces
from pywharf_core.storage import LocalPath, RedirectTo, Storage
from pywharf_core.synchronisation import RepositoryStatus, Synchronisation
from pywharf_core.upload.archive import read_metadata_file
from pywharf_core.upload.core_metadata import description_of
from pywharf_core.upload.staging import StagingArea, StagingFile
from pywharf_core.verdicts import Verdicts

logger = logging.getLogger(__name__)

_SWEEP_EVERY = 86400.0  # seconds: looking for what died may be as dear as a scan


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


class Repository:
    """Answers readers; blocks on SQLite for microseconds, on the storage only where a docstring says so.

    :param staging_folder: for uploads, where the storage has no place of its own for them.
    :param extra_index_url: base of the index that answers for unknown names; "": none does.
    :ivar namespaces: that belong to the repository (PEP 752); None: it says nothing of namespaces.
    """

    def __init__(
        self,
        configuration: RepositoryConfiguration,
        *,
        storage: Storage,
        auth: Auth,
        index: LocalIndex,
        verdicts: Verdicts,
        staging_folder: Path,
        private: Sequence[str] = (),
        extra_index_url: str = "",
    ) -> None:
        self.name = configuration.name
        self.configuration = configuration
        self.storage = storage
        self.auth = auth
        self.index = index
        self.verdicts = verdicts
        globs = [*configuration.private, *private]
        self.namespaces = declared_namespaces(globs) if configuration.namespaces else None
        # A namespace owns the project of its own name too, which the glob that declares it does not cover.
        self.private = PrivateNames([*globs, *(self.namespaces or ())])
        own = configuration.extra_index_url
        self.extra_index_url = extra_index_url if own is None else own
        self._staging_folder = staging_folder
        self.synchronisation = Synchronisation(configuration, index)
        self.store = self.synchronisation.store

    # --- pages --------------------------------------------------------------------------------------------

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

    # --- files --------------------------------------------------------------------------------------------

    def file(self, project: NormalizedName, filename: str) -> DistributionFile:
        """A listed file.

        :raises FileNotFound: the project lists no such file, or is quarantined.
        :raises NotSynchronised: it is not here, and what exists is not known yet.
        """
        with self.index.reading() as snapshot:
            file = snapshot.file(filename)
            row = snapshot.project(project)
            if file is None:
                self.synchronisation.demanded(snapshot)
        quarantined = row is not None and row.state.status is ProjectStatus.QUARANTINED
        if file is None or file.project != project or quarantined:
            raise FileNotFound(f"{project} has no file {filename}.")
        return file

    def open_file(self, file: DistributionFile, secret: Secret | None = None) -> BinaryIO | RedirectTo:
        """The file's bytes, from the start, or where else they can be had. Asks the storage.

        :raises FileNotFound: the storage no longer has it, or has other content now; the index was corrected.
        :raises StorageUnavailable: the storage is not there.
        """
        try:
            with self._acting(secret) as storage:
                match storage.locate_file(file):
                    case LocalPath(path):
                        return _opened(path)
                    case RedirectTo() as elsewhere:
                        return elsewhere
                    case None:
                        return storage.open_file(file)
        except (FileNotFound, FileChanged) as error:
            raise self.correct(file, error, secret) from error

    def core_metadata(self, file: DistributionFile, secret: Secret | None = None) -> bytes:
        """The core metadata file, as announced. Asks the storage.

        :param secret: the caller's, for storages that decide themselves; so in all functions below.
        :raises FileNotFound: none is announced.
        """
        if file.core_metadata_sha256 is None:
            raise FileNotFound(f"{file.filename} has no separate metadata.")
        return self._attachment(file, AttachmentKind.METADATA, secret)

    def provenance(self, file: DistributionFile, secret: Secret | None = None) -> bytes:
        """The file's provenance object (PEP 740). Asks the storage.

        :raises FileNotFound: it has none.
        """
        if file.provenance_sha256 is None:
            raise FileNotFound(f"{file.filename} has no provenance.")
        return self._attachment(file, AttachmentKind.PROVENANCE, secret)

    def _attachment(self, file: DistributionFile, kind: AttachmentKind, secret: Secret | None) -> bytes:
        try:
            with self._acting(secret) as storage:
                return storage.read_attachment(file, kind)
        except (FileNotFound, FileChanged) as error:
            raise self.correct(file, error, secret) from error

    def description(self, file: DistributionFile, secret: Secret | None = None) -> str:
        """What a file's core metadata has as description, as it was written; "": none that can be read. Asks the storage.

        :raises StorageUnavailable: nobody knows now.
        """
        try:
            with self._acting(secret) as storage:
                if file.core_metadata_sha256 is not None:
                    return description_of(storage.read_attachment(file, AttachmentKind.METADATA))
                with storage.open_file(file) as stream:
                    return description_of(read_metadata_file(stream, parse_filename(file.filename, file.project)))
        except (FileNotFound, FileChanged, InvalidUpload) as error:
            logger.warning("description not readable", extra={"file": file.filename, "error": str(error)})
            if isinstance(error, FileChanged):
                self.correct(file, error, secret)
            return ""

    def view(self, secret: Secret | None) -> Storage:
        """The storage as the caller sees it, where the storage decides; else as the server itself does."""
        by_storage = self.configuration.auth_type is None
        return self.storage.acting_as(secret if by_storage and secret else self.configuration.admin_secret)

    @contextmanager
    def _acting(self, secret: Secret | None) -> Iterator[Storage]:
        """``view``; what the storage says against the server's own secret is nothing that a caller can mend."""
        try:
            yield self.view(secret)
        except (NotAuthenticated, NotPermitted) as error:
            if secret is not None and self.configuration.auth_type is None:
                raise
            raise StorageUnavailable(
                f"The storage of the repository {self.name} does not let this server in; its operator should look at the "
                "admin secret."
            ) from error

    def correct(self, file: DistributionFile, error: WharfError, secret: Secret | None = None) -> FileNotFound:
        """Bring one file's row in line with the storage, which contradicted it. Asks the storage.

        :param error: what the storage said.
        :returns: what to say to whoever wanted the file.
        :raises StorageUnavailable: the storage is not there, which says nothing of the file; or it contradicts itself.
        """
        with self._acting(secret) as storage:
            found = storage.find_file(file)
        if isinstance(error, FileChanged) and found is not None and found.fingerprint == file.fingerprint:
            raise StorageUnavailable(
                f"The storage gives other bytes for {file.filename} than it says it has; try again, and if it stays so, "
                "its operator should look at it."
            ) from error
        with self.index.changing() as change:
            if change.file(file.filename) == file:
                if found is None:
                    change.remove_file(file.filename)
                else:
                    change.put_file(with_what_was_computed(file, found))
                if storage.keeps_index:  # else the remote index, which does not know, would bring it back
                    kind = PendingKind.DELETE if found is None else PendingKind.UPDATE
                    change.put_pending(self.store, kind, found or file, made=True)
        return FileNotFound(f"{file.filename} is no longer what was listed; ask for the project's page again.")

    def new_staging_file(self) -> StagingFile:
        """A file to spool an upload into, where the storage can take it without a copy if it has such a place.

        :raises StorageUnavailable: the disk does not take it.
        """
        folder = self.storage.staging_folder() or self._staging_folder
        return StagingArea(folder).create(self.configuration.max_file_bytes)

    def scratch_file(self) -> BinaryIO:
        """A file without a name, on the disk of ROOT, gone when it is closed.

        :raises OSError: the disk does not take it.
        """
        self._staging_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return cast(BinaryIO, tempfile.TemporaryFile(dir=self._staging_folder))

    def unfinished_uploads(self) -> Sequence[Path]:
        """What uploads left on disk whose process died. Asks the storage."""
        return [path for area in self._staging_areas() for path in area.dead()]

    def sweep(self, *, now: bool = False) -> int:
        """Remove what uploads left on disk whose process died, and once a day what else died in the storage; how many
        these were. Asks the storage.

        :param now: all of it, whenever that was done last.
        """
        swept = sum(area.sweep() for area in self._staging_areas())
        moment = time.time()
        with self.index.reading() as snapshot:
            last = snapshot.swept_at()
        if not now and last is not None and moment - _SWEEP_EVERY < last <= moment:
            return swept
        try:
            swept += self.view(None).sweep()
        except WharfError as error:  # it is no reason to do without what else there is to do
            logger.warning("storage not swept", extra={"repository": self.name, "error": str(error)})
        with self.index.changing() as change:
            change.mark_swept(moment)
        return swept

    def _staging_areas(self) -> Sequence[StagingArea]:
        folders = {self._staging_folder, self.storage.staging_folder() or self._staging_folder}
        return [StagingArea(folder) for folder in folders]

    # --- synchronisation ----------------------------------------------------------------------------------

    def synchronise(self, secret: Secret | None = None) -> SyncReport:
        """Bring the index in line with the storage. Asks the storage; may take minutes the first time.

        :param secret: a reader's, where the server has none of its own.
        :raises StorageUnavailable: the index stays as it was.
        """
        return self.synchronisation.run(self.view(secret))

    def status(self) -> RepositoryStatus:
        return self.synchronisation.status()

    def synchronised_at(self) -> float:
        """Unix seconds of the last whole synchronisation.

        :raises NotSynchronised: there was none yet.
        """
        with self.index.reading() as snapshot:
            return self.synchronisation.demanded(snapshot)

    def close(self) -> None:
        with closing(self.storage), closing(self.auth), closing(self.index):
            pass


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError as error:  # in the moment since it was located
        raise FileNotFound(f"{path.name} is gone.") from error


def _no_release(project: NormalizedName, version: str) -> NotFound:
    return NotFound(f"There is no release {project} {version} in this repository.")


def _is_here(row: IndexedProject) -> bool:
    return row.files > 0 or row.state.status is not ProjectStatus.ACTIVE
