"""The storage contract: what a backend promises, and what pywharf promises to a backend.

Everything here is synchronous and may block: the server calls it from threads, commands call it directly. One
``Storage`` is used from many threads at once, and other processes and machines work on the same store meanwhile.

Only these errors may leave a storage: ``FileAlreadyExists``, ``FileNotFound``, ``FileChanged``, ``IndexConflict``,
``NotPermitted``, ``NotAuthenticated``, ``NotSupported``, ``StorageUnavailable``. Anything else is a bug and is logged
as one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from pywharf_core.auth import Verdict
from pywharf_core.errors import FileNotFound, InvalidUpload, NotSupported
from pywharf_core.filenames import parse_filename
from pywharf_core.model import AttachmentKind, DistributionFile, ProjectState, StagedFile
from pywharf_core.secret import Secret
from pywharf_core.storage_answers import (
    Change,
    Condition,
    Flaw,
    LocalPath,
    OpenedFile,
    Pace,
    RedirectTo,
    ScanResult,
    StoredIndex,
)
from pywharf_core.upload.archive import read_core_metadata


class Storage(ABC):
    """One repository's durable bytes. The first three methods make a backend; the others have a working default.

    :cvar pace: how fast a program may make many changes; all of them are kept. Empty: as fast as it can. Commands obey
        it (``import``, ``copy``); the server does not, its users are people.
    :cvar can_update: ``update_file`` and ``update_project`` are there.
    :cvar can_delete: ``delete_file`` is there.
    :cvar keeps_index: ``read_index`` and ``write_index`` are there, because a scan is dear.
    """

    can_update: ClassVar[bool] = False
    can_delete: ClassVar[bool] = False
    keeps_index: ClassVar[bool] = False
    pace: ClassVar[Sequence[Pace]] = ()

    # --- a backend must -----------------------------------------------------------------------------------

    @abstractmethod
    def scan(self, known: Mapping[str, str]) -> Iterator[ScanResult]:
        """The truth: everything that is published, in any order.

        :param known: fingerprint by filename, as the local index has them. A file that still has its fingerprint
            should be answered ``Unchanged`` without being read.
        :raises StorageUnavailable: also in the middle; nothing is then concluded from what was not named.
            A store that is not mounted is unavailable, never empty.
        """

    @abstractmethod
    def add_file(self, file: DistributionFile, staged: StagedFile) -> DistributionFile:
        """Publish: durable and visible to every reader when this returns, all or nothing, never replacing a file.

        :returns: ``file`` with ``storage_id`` and ``fingerprint`` as the next scan will see them.
        :raises FileAlreadyExists: the filename is taken, whatever its content; of racing calls exactly one succeeds.
            A filename that was deleted is taken too, except for the content it had.
        """

    @abstractmethod
    def open_file(self, file: DistributionFile) -> BinaryIO:
        """The file's bytes as a stream that can seek, at its start; ``open_ranges`` makes one.

        :raises FileNotFound: it is gone.
        :raises FileChanged: it no longer has ``file.fingerprint``.
        """

    # --- a backend may ------------------------------------------------------------------------------------

    def acting_as(self, secret: Secret | None) -> Storage:
        """A view that acts with this caller's secret; free, and nothing keeps the secret longer than the view.

        None: the server itself. A storage that knows no secrets of its own is its own view.
        """
        del secret
        return self

    def access(self) -> Verdict:
        """What the secret of this view may do; asked where the repository's ``auth`` is ``"storage"``.

        :raises NotSupported: the storage knows no secrets of its own.
        """
        raise NotSupported('This storage has no access rules of its own; set auth = "secrets".')

    def find_file(self, file: DistributionFile) -> DistributionFile | None:
        """The published file that has ``file.filename`` now, read from the storage itself; None if there is none.

        Asked before a listed file is changed or deleted, after ``FileAlreadyExists`` (is it the same content?), and after
        ``FileChanged``. A file for which the answer is None is gone and not listed any more: until a scan names it again
        or, where the storage keeps an index, until it is asked for this very file and has it.

        A storage that keeps an index may look for ``file.storage_id`` alone: None then says that this very file is gone, and
        nothing of a later one that has its name. A file without ``storage_id`` it looks for by name, and None says no more
        than that it is not there now: its upload may still be on the way.

        :raises StorageUnavailable: nobody knows now, as when what is written there of the file cannot be read.
        """
        for result in self.scan({}):
            if isinstance(result, DistributionFile) and result.filename == file.filename:
                return result
        return None

    def read_attachment(self, file: DistributionFile, kind: AttachmentKind) -> bytes:
        """A small document of the file. The default reads the metadata out of the archive.

        :raises FileNotFound: the file has no such attachment.
        """
        if kind is AttachmentKind.METADATA:
            try:
                with self.open_file(file) as stream:
                    found = read_core_metadata(stream, parse_filename(file.filename, file.project))
            except InvalidUpload as error:
                raise FileNotFound(f"{file.filename} has no readable metadata: {error}") from error
            if found.core_metadata_bytes is not None:
                return found.core_metadata_bytes
        raise FileNotFound(f"{file.filename} has no {kind}.")

    def locate_file(self, file: DistributionFile) -> LocalPath | OpenedFile | RedirectTo | None:
        """A cheaper way to serve the file than ``open_file``; None: there is none.

        :raises FileNotFound: it is gone.
        :raises FileChanged: it no longer has ``file.fingerprint``.
        """
        del file
        return None

    def file_at_hand(self, file: DistributionFile) -> LocalPath | OpenedFile | RedirectTo | None:
        """What ``locate_file`` would answer, where nobody has to be waited for: out of memory, or after a look at the local
        disk. None: it has to be asked. Raises nothing.

        So whoever wants what is at hand never waits behind those who wait for a store that stalls.
        """
        del file
        return None

    def attachment_at_hand(self, file: DistributionFile, kind: AttachmentKind) -> bytes | None:
        """Likewise what ``read_attachment`` would answer."""
        del file, kind
        return None

    def read_index(self, known: Mapping[str, str]) -> StoredIndex | None:
        """The remote index file, for storages where a scan is dear. None: this storage has none.

        :param known: revision by part name; only parts with another revision are read.
        """
        del known
        return None

    def write_index(
        self, parts: Mapping[str, bytes], *, replaces: Mapping[str, str], message: str
    ) -> Mapping[str, str]:
        """Replace several parts at once, by compare and swap.

        :param replaces: the revisions that all parts have now, as ``read_index`` told them.
        :param message: says to people what changed; for a commit or a log.
        :returns: the new revisions.
        :raises IndexConflict: somebody else was first; nothing was written.
        """
        del parts, replaces, message
        raise NotSupported("This storage keeps no remote index file.")

    def update_file(
        self, file: DistributionFile, attachments: Mapping[AttachmentKind, bytes] | None = None
    ) -> DistributionFile:
        """Write down what may change after publication: ``yanked``, ``core_metadata``, hashes, attachments.

        Survives a rebuild of the local index.

        :param attachments: those that change; ``file`` states their hashes, and they are served only if these agree.
        :returns: ``file`` with ``counter`` raised by at least one, and its new ``fingerprint``.
        :raises FileNotFound: it is gone.
        """
        del file, attachments
        raise NotSupported("This storage cannot change what it published.")

    def update_project(self, state: ProjectState) -> None:
        """Write down a project's status and reservation; a reservation is never taken back.

        Survives a rebuild of the local index.
        """
        del state
        raise NotSupported("This storage cannot keep a project's status.")

    def delete_file(self, file: DistributionFile) -> None:
        """Remove the file for good, remember its filename and hash (``Deleted``), leave its project's name reserved.

        :raises FileNotFound: it is gone already.
        """
        del file
        raise NotSupported("This storage cannot delete files.")

    def read_notice(self, headers: Mapping[str, str], body: bytes, secret: Secret) -> Sequence[Change] | None:
        """A webhook's content, verified. None: not one of this storage's, or not truly from it.

        :param headers: by lower-case name.
        :param secret: the repository's ``webhook_secret``, shared with the sender alone.
        """
        del headers, body, secret
        return None

    def flaws(self) -> Iterator[Flaw]:
        """What is wrong in the store that a scan does not say: what died on the way, what lost the file it belongs to.

        Asked by ``pywharf verify``; may be as dear as a scan. What somebody is at in this moment is no flaw.

        :raises StorageUnavailable: also in the middle.
        """
        return iter(())

    def sweep(self) -> int:
        """Remove what died on the way and nobody needs any more; never a file that a scan names, nor what may be somebody's.

        Safe beside whoever publishes in this moment. Called once a day by the server, after ``update_index``, and by
        ``pywharf verify --repair``; may be as dear as a scan.

        :returns: how many there were.
        """
        return 0

    def condition(self) -> Condition:
        """What ``pywharf check`` shows of the store, beside what it finds out by the other methods; a few requests at most.

        Asked of the view that has the server's own secret.

        :raises NotAuthenticated: the store does not know the secret; so in each of these the message says what is wrong
            with the repository's configuration or secret, and what would be right.
        :raises NotPermitted: it may not read.
        :raises StorageUnavailable: the store does not answer now.
        """
        return Condition()

    def staging_folder(self) -> Path | None:
        """Where an upload can be spooled so that ``add_file`` need not copy it. None: anywhere."""
        return None

    def close(self) -> None:  # noqa: B027 - many have nothing to close
        """Let go of connections and pools; called once."""


class StorageType(ABC):
    """What a plugin registers by ``pywharf_storage_types``.

    :cvar name: a value of ``type`` in the configuration.
    :cvar options: a frozen dataclass of ``pywharf_core.option`` fields.
    :cvar auth: who decides unless the configuration says: ``"storage"`` means ``Storage.access``.
    :cvar needs_secret: nobody can be served without a secret of the storage's own: the caller's, or where another auth type
        decides the admin secret, which a configuration must have then.
    :cvar max_file_bytes: what ``max_file_bytes`` is unless the configuration says.
    :cvar contract: the version of the storage contract that the class was written for.
    """

    name: ClassVar[str]
    options: ClassVar[type]
    auth: ClassVar[str] = "storage"
    needs_secret: ClassVar[bool] = False
    max_file_bytes: ClassVar[int] = 2**31 - 1
    contract: ClassVar[int] = 1

    @abstractmethod
    def open(self, repository: str, options: Any, work: Path) -> Storage:
        """Begin to serve ``repository``; once per repository and process; cheap, no network.

        :param options: an instance of ``self.options``; ``Any``, because each type has its own class.
        :param work: a folder of this repository's own under ROOT, for caches; it may not exist yet.
        """
