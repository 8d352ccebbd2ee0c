"""The files of a repository, for its readers: rows come out of the local index, bytes out of the storage."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import BinaryIO

from packaging.utils import NormalizedName

from pywharf_core.errors import FileChanged, FileNotFound, InvalidUpload, StorageUnavailable, WharfError
from pywharf_core.filenames import parse_filename
from pywharf_core.index.local import LocalIndex
from pywharf_core.index.pending import PendingKind
from pywharf_core.index.sync import with_what_was_computed
from pywharf_core.model import AttachmentKind, DistributionFile, ProjectStatus
from pywharf_core.repository.view import RepositoryView
from pywharf_core.secret import Secret
from pywharf_core.storage_answers import Deleted, LocalPath, OpenedFile, RedirectTo
from pywharf_core.synchronisation import Synchronisation
from pywharf_core.upload.archive import read_metadata_file
from pywharf_core.upload.core_metadata import description_of

logger = logging.getLogger(__name__)


class RepositoryFiles(RepositoryView):
    """Questions about listed files, and what is done where the storage contradicts the index."""

    index: LocalIndex
    synchronisation: Synchronisation
    store: str

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

        :param secret: the caller's, for storages that decide themselves; so in all functions below.
        :raises FileNotFound: the storage no longer has it, or has other content now; the index was corrected.
        :raises NotPermitted: the caller may not read; NotAuthenticated: the storage does not know the secret.
        :raises StorageUnavailable: the storage is not there, or does not let the server itself in.
        """
        try:
            with self._acting(secret) as storage:
                match storage.locate_file(file):
                    case LocalPath(path):
                        return _opened(path)
                    case OpenedFile(stream):
                        return stream
                    case RedirectTo() as elsewhere:
                        return elsewhere
                    case None:
                        return storage.open_file(file)
        except (FileNotFound, FileChanged) as error:
            raise self.correct(file, error, secret) from error

    def file_at_hand(self, file: DistributionFile, secret: Secret | None = None) -> BinaryIO | RedirectTo | None:
        """What ``open_file`` would answer, if nobody has to be waited for; None: ask it."""
        match self.view(secret).file_at_hand(file):
            case LocalPath(path):
                try:
                    return path.open("rb")
                except OSError:
                    return None
            case OpenedFile(stream):
                return stream
            case elsewhere:
                return elsewhere

    def attachment_at_hand(
        self, file: DistributionFile, kind: AttachmentKind, secret: Secret | None = None
    ) -> bytes | None:
        """Likewise what ``core_metadata`` or ``provenance`` would answer."""
        return self.view(secret).attachment_at_hand(file, kind)

    def core_metadata(self, file: DistributionFile, secret: Secret | None = None) -> bytes:
        """The core metadata file, as announced. Asks the storage.

        :raises FileNotFound: none is announced; else, and with the other errors, as ``open_file``.
        """
        if file.core_metadata_sha256 is None:
            raise FileNotFound(f"{file.filename} has no separate metadata.")
        return self._attachment(file, AttachmentKind.METADATA, secret)

    def provenance(self, file: DistributionFile, secret: Secret | None = None) -> bytes:
        """The file's provenance object (PEP 740). Asks the storage.

        :raises FileNotFound: it has none; else, and with the other errors, as ``open_file``.
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

    def description_at_hand(self, file: DistributionFile, secret: Secret | None = None) -> str | None:
        """Likewise, if nobody has to be waited for; None: ask ``description``."""
        content = self.attachment_at_hand(file, AttachmentKind.METADATA, secret)
        return None if content is None else description_of(content)

    def correct(self, file: DistributionFile, error: WharfError, secret: Secret | None = None) -> FileNotFound:
        """Bring one file's row in line with the storage, which contradicted it. Asks the storage.

        :param error: what the storage said.
        :returns: what to say to whoever wanted the file.
        :raises StorageUnavailable: the storage is not there, which says nothing of the file; or it contradicts itself.
        """
        with self._acting(secret) as storage:
            found = storage.find_file(file)
        if found is None and storage.keeps_index and secret is not None and self.configuration.admin_secret is not None:
            with self._acting(None) as storage:  # what one reader does not see, others may
                found = storage.find_file(file)
        if isinstance(error, FileChanged) and found is not None and found.fingerprint == file.fingerprint:
            raise StorageUnavailable(
                f"The storage gives other bytes for {file.filename} than it says it has; try again, and if it stays so, "
                "its operator should look at it."
            ) from error
        with self.index.changing() as change:
            now = None if found is None else with_what_was_computed(file, found)
            if change.file(file.filename) == file != now:
                if now is not None:
                    change.put_file(now)
                elif storage.keeps_index:  # and what is missing has the name, until it is back
                    change.put_tombstone(Deleted(file.filename, file.sha256), file.project)
                else:
                    change.remove_file(file.filename)
                if storage.keeps_index:  # else the remote index, which does not know, would bring it back
                    kind = PendingKind.MISS if found is None else PendingKind.UPDATE
                    change.put_pending(self.store, kind, found or file, made=True)
        return FileNotFound(f"{file.filename} is no longer what was listed; ask for the project's page again.")


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError as error:  # in the moment since it was located
        raise FileNotFound(f"{path.name} is gone.") from error
