"""One repository for its readers: lists, pages, files. Everything but bytes comes out of the local index."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import BinaryIO

from packaging.utils import NormalizedName

from pywharf_core.auth import Auth, Verdict
from pywharf_core.config import RepositoryConfiguration
from pywharf_core.errors import (
    FileChanged,
    FileNotFound,
    InvalidUpload,
    NotSynchronised,
    ProjectNotFound,
    WharfError,
)
from pywharf_core.filenames import parse_filename
from pywharf_core.index.local import IndexedProject, IndexSnapshot, LocalIndex
from pywharf_core.index.pending import PendingKind
from pywharf_core.index.remote import NoRemoteIndex, pull
from pywharf_core.index.sync import SyncReport, synchronise_by_scan, with_what_was_computed
from pywharf_core.model import (
    AttachmentKind,
    DistributionFile,
    ProjectPage,
    ProjectStatus,
)
from pywharf_core.names import Answer, PrivateNames, answer_for
from pywharf_core.releases import Release, by_release
from pywharf_core.secret import Secret
from pywharf_core.simple.namespaces import declared_namespaces
from pywharf_core.storage import LocalPath, RedirectTo, Storage
from pywharf_core.upload.archive import read_metadata_file
from pywharf_core.upload.core_metadata import description_of
from pywharf_core.upload.staging import StagingArea, StagingFile
from pywharf_core.verdicts import Verdicts

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class RepositoryStatus:
    """How a repository is doing.

    :ivar synchronised_at: Unix seconds of the last whole synchronisation; None: there was none yet.
    :ivar last_error: why the last synchronisation failed, by whichever process; None: it did not.
    """

    files: int
    projects: int
    refused: int
    synchronised_at: float | None
    last_error: str | None


class StorageAuth(Auth):
    """``auth = "storage"``: the storage says what a secret may do."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def access(self, username: str, secret: Secret) -> Verdict:
        del username
        return self._storage.acting_as(secret).access()


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
        self.store = _store(configuration)
        self._synchronising = threading.Lock()

    # --- pages --------------------------------------------------------------------------------------------

    def project_list(self) -> tuple[Sequence[str], int]:
        """Normalised names of all projects, sorted, and the revision they are of.

        :raises NotSynchronised: what exists is not known yet.
        """
        with self.index.reading() as snapshot:
            self.demand_synchronised(snapshot)
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
            self.demand_synchronised(snapshot)  # a page of what was read so far would hide releases
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

    def answer_for(self, project: NormalizedName) -> Answer:
        """Who answers for this name: here, reserved, private, the extra index, or nobody."""
        with self.index.reading() as snapshot:
            row = snapshot.project(project)
            not_ready = self._why_not_ready(snapshot)
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
                self.demand_synchronised(snapshot)
        quarantined = row is not None and row.state.status is ProjectStatus.QUARANTINED
        if file is None or file.project != project or quarantined:
            raise FileNotFound(f"{project} has no file {filename}.")
        return file

    def open_file(self, file: DistributionFile, secret: Secret | None = None) -> BinaryIO | RedirectTo:
        """The file's bytes, from the start, or where else they can be had. Asks the storage.

        :raises FileNotFound: the storage no longer has it, or has other content now; the index was corrected.
        :raises StorageUnavailable: the storage is not there.
        """
        storage = self.view(secret)
        try:
            match storage.locate_file(file):
                case LocalPath(path):
                    return _opened(path)
                case RedirectTo() as elsewhere:
                    return elsewhere
                case None:
                    return storage.open_file(file)
        except (FileNotFound, FileChanged) as error:
            raise self._correct(file) from error

    def core_metadata(self, file: DistributionFile) -> bytes:
        """The core metadata file, as announced. Asks the storage.

        :raises FileNotFound: none is announced.
        """
        if file.core_metadata_sha256 is None:
            raise FileNotFound(f"{file.filename} has no separate metadata.")
        return self._attachment(file, AttachmentKind.METADATA)

    def provenance(self, file: DistributionFile) -> bytes:
        """The file's provenance object (PEP 740). Asks the storage.

        :raises FileNotFound: it has none.
        """
        if file.provenance_sha256 is None:
            raise FileNotFound(f"{file.filename} has no provenance.")
        return self._attachment(file, AttachmentKind.PROVENANCE)

    def _attachment(self, file: DistributionFile, kind: AttachmentKind) -> bytes:
        try:
            return self.view(None).read_attachment(file, kind)
        except (FileNotFound, FileChanged) as error:
            raise self._correct(file) from error

    def description(self, file: DistributionFile, secret: Secret | None = None) -> str:
        """What a file's core metadata has as description, as it was written; "": none that can be read. Asks the storage.

        :param secret: the caller's, for storages that decide themselves.
        :raises StorageUnavailable: nobody knows now.
        """
        storage = self.view(secret)
        try:
            if file.core_metadata_sha256 is not None:
                return description_of(storage.read_attachment(file, AttachmentKind.METADATA))
            with storage.open_file(file) as stream:
                return description_of(read_metadata_file(stream, parse_filename(file.filename, file.project)))
        except (FileNotFound, FileChanged, InvalidUpload) as error:
            logger.warning("description not readable", extra={"file": file.filename, "error": str(error)})
            if isinstance(error, FileChanged):
                self._correct(file)
            return ""

    def view(self, secret: Secret | None) -> Storage:
        """The storage as the caller sees it, where the storage decides; else as the server itself does."""
        by_storage = self.configuration.auth_type is None
        return self.storage.acting_as(secret if by_storage and secret else self.configuration.admin_secret)

    def _correct(self, file: DistributionFile) -> FileNotFound:
        """Bring one file's row in line with the storage, which contradicted it.

        :raises StorageUnavailable: the storage is not there, which says nothing of the file.
        """
        storage = self.view(None)
        found = storage.find_file(file)
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

    def sweep(self) -> int:
        """Remove what uploads left on disk whose process died; how many files these were. Asks the storage."""
        folders = {self._staging_folder, self.storage.staging_folder() or self._staging_folder}
        return sum(StagingArea(folder).sweep() for folder in folders)

    # --- synchronisation ----------------------------------------------------------------------------------

    def synchronise(self) -> SyncReport:
        """Read what the storage has and list it. Asks the storage; may take minutes the first time.

        :raises StorageUnavailable: the index stays as it was.
        """
        with self._synchronising:
            try:
                report = self._read_storage(self.view(None))
                self._reserve(report.orphaned)
            except Exception as error:
                self._remember_failure(str(error))
                raise
            return report

    def _read_storage(self, storage: Storage) -> SyncReport:
        if storage.keeps_index:
            try:
                return pull(self.index, storage, self.store)
            except NoRemoteIndex:
                logger.info("there is no remote index, so everything is read", extra={"repository": self.name})
        return synchronise_by_scan(self.index, storage, self.store)

    def distrust_index(self) -> None:
        """Until the next synchronisation nobody else answers for names that are not here: the storage may be another
        than it was, or not be mounted."""
        with self.index.reading() as snapshot:
            if snapshot.synchronised_at(self.store) is None:
                return
        self._remember_failure("it was not read since this server started")

    def _remember_failure(self, reason: str) -> None:
        """For all processes: while the storage cannot be read, nobody else answers for a name that is not here."""
        with self.index.reading() as snapshot:
            if snapshot.failure() == reason:
                return
        with self.index.changing() as change:
            change.mark_failed(reason)

    def _reserve(self, projects: Sequence[str]) -> None:
        """The index keeps the names reserved in any case; what the storage does not take is tried the next time."""
        storage = self.view(None)
        if not storage.can_update or storage.keeps_index:  # there the remote index keeps them
            return
        for name in projects:
            with self.index.reading() as snapshot:
                row = snapshot.project(name)
            if row is not None and not row.files:
                try:
                    storage.update_project(replace(row.state, reserved=True))
                except WharfError as error:
                    fields = {"repository": self.name, "project": name, "error": str(error)}
                    logger.warning("name not reserved in the storage", extra=fields)

    def status(self) -> RepositoryStatus:
        with self.index.reading() as snapshot:
            files, projects, refused = snapshot.counts()
            synchronised_at = snapshot.synchronised_at(self.store)
            last_error = snapshot.failure()
        return RepositoryStatus(
            files=files,
            projects=projects,
            refused=refused,
            synchronised_at=synchronised_at,
            last_error=last_error,
        )

    def close(self) -> None:
        with closing(self.storage), closing(self.auth), closing(self.index):
            pass

    def synchronised_at(self) -> float:
        """Unix seconds of the last whole synchronisation.

        :raises NotSynchronised: there was none yet.
        """
        with self.index.reading() as snapshot:
            return self.demand_synchronised(snapshot)

    def demand_synchronised(self, snapshot: IndexSnapshot) -> float:
        """Unix seconds of the last whole synchronisation.

        :raises NotSynchronised: the storage was never read completely, so what is not in the index may be there.
        """
        synchronised_at = snapshot.synchronised_at(self.store)
        if synchronised_at is None:
            raise NotSynchronised(self._not_synchronised(snapshot))
        return synchronised_at

    def _not_synchronised(self, snapshot: IndexSnapshot) -> str:
        failure = snapshot.failure()
        reason = f" ({failure})" if failure else ""
        return f"The repository {self.name} was not read from its storage yet{reason}; try again in a moment."

    def _why_not_ready(self, snapshot: IndexSnapshot) -> str | None:
        if snapshot.synchronised_at(self.store) is None:
            return self._not_synchronised(snapshot)
        if snapshot.failure() is not None:
            return (
                f"The storage of the repository {self.name} cannot be read now, so nobody knows whether this project "
                "is in it; try again later."
            )
        return None


def _store(configuration: RepositoryConfiguration) -> str:
    """Tells one configured storage from another: the same name in another configuration may mean another storage."""
    options = configuration.storage_options
    assert is_dataclass(options), "options of a storage type are a dataclass"
    chosen = {
        option.name: getattr(options, option.name)
        for option in fields(options)
        if getattr(options, option.name) != option.default
    }
    return hashlib.sha256(repr((configuration.storage_type.name, chosen)).encode()).hexdigest()


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError as error:  # in the moment since it was located
        raise FileNotFound(f"{path.name} is gone.") from error


def _is_here(row: IndexedProject) -> bool:
    return row.files > 0 or row.state.status is not ProjectStatus.ACTIVE
