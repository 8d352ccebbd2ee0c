"""The storage type ``file_system``: a folder per project, a file per distribution, a sidecar beside each.

Publishing, in this order (each step durable before the next): the staged bytes; the project's lock; the project's folder;
the sidecar; **the link to the file's name, which never replaces and is the commit**; the folder. So a listed file always
has its bytes and its sidecar, and of two racing uploads the second finds the name taken.
"""

from __future__ import annotations

import contextlib
import errno
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, ClassVar

from packaging.utils import NormalizedName

from pywharf_core import (
    AttachmentKind,
    DistributionFile,
    FileAlreadyExists,
    FileChanged,
    FileNotFound,
    Flaw,
    InvalidUpload,
    LocalPath,
    ProjectState,
    ScanResult,
    StagedFile,
    Storage,
    StorageType,
    StorageUnavailable,
    parse_filename,
    read_core_metadata,
)
from pywharf_filesystem import sidecar as sidecars
from pywharf_filesystem.durable import copy_new, locked, replace_file, store_errors, sync
from pywharf_filesystem.fingerprint import SETTLED_AFTER_NS, fingerprint, is_listed
from pywharf_filesystem.flaws import Flaws
from pywharf_filesystem.layout import Layout, part_of, sidecar_of
from pywharf_filesystem.marker import Marker
from pywharf_filesystem.options import FileSystemOptions
from pywharf_filesystem.project_folders import ProjectFolders
from pywharf_filesystem.project_states import ProjectStates, Remembered
from pywharf_filesystem.reading import open_at_once, read_file, read_sidecar
from pywharf_filesystem.scanning import Scanner

#: What ``link`` says where a copy may still do: another file system, too many links, links of foreign files forbidden.
_CANNOT_LINK = frozenset({errno.EXDEV, errno.EMLINK, errno.EPERM, errno.EACCES})


_ANY_TIME = 2**63  # ns: who asks for a file by name wants it as it is, however young


class FileSystemStorageType(StorageType):
    """``type = "file_system"``."""

    name: ClassVar[str] = "file_system"
    options: ClassVar[type] = FileSystemOptions
    auth: ClassVar[str] = "secrets"
    max_file_bytes: ClassVar[int] = 5 * 1024**3 - 1

    def open(self, repository: str, options: FileSystemOptions, work: Path) -> FileSystemStorage:
        del repository
        return FileSystemStorage(options.path or work / "storage", work)


class FileSystemStorage(Storage):
    """A store at ``path``; nothing is touched before the first call.

    :param work: where this ROOT remembers which store it has seen.
    :param settled_after_ns: a file without a sidecar of ours that is younger waits for the next scan.
    """

    can_update: ClassVar[bool] = True
    can_delete: ClassVar[bool] = True

    def __init__(self, path: Path, work: Path, *, settled_after_ns: int = SETTLED_AFTER_NS) -> None:
        self._layout = Layout(path.absolute())
        self._marker = Marker(self._layout, work)
        self._states = ProjectStates(self._layout.projects)
        self._folders = ProjectFolders(self._layout)
        self._scanner = Scanner(self._layout.path, self._folders, self._states, settled_after_ns=settled_after_ns)
        self._flaws = Flaws(self._layout, self._folders, self._states)
        self._durable_folders: set[tuple[NormalizedName, int]] = set()  # with the inode, as a folder can be made anew

    # --- reading ------------------------------------------------------------------------------------------

    def scan(self, known: Mapping[str, str]) -> Iterator[ScanResult]:
        with store_errors("read"):
            self._marker.check()
            yield from self._scanner.scan(known)
            # If the file system was unmounted on the way, what was not seen may still be there.
            self._marker.check()

    def open_file(self, file: DistributionFile) -> BinaryIO:
        with store_errors("read"):
            try:
                stream = open(self._path(file), "rb", opener=open_at_once)  # noqa: SIM115 - the caller closes it
            except FileNotFoundError:  # deleted this moment
                raise FileNotFound(f"{file.filename} is not in the store.") from None
            try:
                if not is_listed(stream, file):
                    raise FileChanged(f"{file.filename} is not the file that was listed.")
            except BaseException:
                stream.close()
                raise
            return stream

    def locate_file(self, file: DistributionFile) -> LocalPath:
        with self.open_file(file) as stream:
            return LocalPath(Path(stream.name))

    def find_file(self, file: DistributionFile) -> DistributionFile | None:
        with store_errors("read"):
            self._marker.check()
            remembered = self._states.read(file.project)
            for path in self._paths(file.project, file.filename):
                with contextlib.suppress(FileNotFoundError):
                    found = read_file(
                        str(path.parent),
                        file.filename,
                        file.project,
                        path.stat(),
                        _stat_or_none(sidecar_of(path)),
                        known=None,
                        settled_before_ns=_ANY_TIME,
                        deleted={} if remembered is None else remembered.deleted,
                    )
                    return found if isinstance(found, DistributionFile) else None
        return None

    def read_attachment(self, file: DistributionFile, kind: AttachmentKind) -> bytes:
        with store_errors("read"):
            path = self._path(file)
            sidecar = read_sidecar(path, file.sha256)
            content = None if sidecar is None else sidecar.attachment(kind)
            return super().read_attachment(file, kind) if content is None else content

    # --- changing -----------------------------------------------------------------------------------------

    def add_file(self, file: DistributionFile, staged: StagedFile) -> DistributionFile:
        with store_errors("written"):
            self._marker.check()
            sync(staged.path)
            with self._alone(file.project):
                self._refuse_taken_name(file)
                folder = self._make_project_folder(file.project)
                return self._publish(replace(file, storage_id=uuid.uuid4().hex), staged, folder / file.filename)

    def update_file(
        self, file: DistributionFile, attachments: Mapping[AttachmentKind, bytes] | None = None
    ) -> DistributionFile:
        with store_errors("written"):
            self._marker.check()
            with self._alone(file.project):
                path = self._path(file)
                with self.open_file(file):
                    pass
                old = read_sidecar(path, file.sha256)
                counter = max(file.counter, 0 if old is None else old.counter) + 1
                updated = replace(file, counter=counter)
                self._write_sidecar(
                    updated,
                    path,
                    path.stat(),
                    _not_in_archive(path, file.filename, attachments or {}),
                    keep=None if old is None else old.encoded,
                )
                sync(path.parent)
                return replace(updated, fingerprint=fingerprint(path.stat(), sidecar_of(path).stat()))

    def update_project(self, state: ProjectState) -> None:
        with store_errors("written"):
            self._marker.check()
            with self._alone(state.name):
                old = self._states.read(state.name)
                deleted: Mapping[str, str] = {} if old is None else old.deleted
                reserved = state.reserved or bool(deleted) or (old is not None and old.state.reserved)
                new = Remembered(replace(state, reserved=reserved), deleted)
                if new != old:
                    self._states.write(new)

    def delete_file(self, file: DistributionFile) -> None:
        with store_errors("written"):
            self._marker.check()
            with self._alone(file.project):
                path = self._path(file)
                with self.open_file(file):
                    pass
                old = self._states.read(file.project) or Remembered(ProjectState(name=file.project))
                self._states.write(
                    Remembered(replace(old.state, reserved=True), {**old.deleted, file.filename: file.sha256})
                )
                for lying in {path, *self._paths(file.project, file.filename)}:
                    _remove_durably(lying)
                    # After the file: without it the file would come back as one dropped in by hand.
                    _remove_durably(sidecar_of(lying))

    def flaws(self) -> Iterator[Flaw]:
        with store_errors("read"):
            self._marker.check()
            yield from self._flaws.find()

    def sweep(self) -> int:
        with store_errors("written"):
            self._marker.check()
            return self._flaws.sweep()

    def staging_folder(self) -> Path | None:
        try:
            with store_errors("read"):
                self._marker.check()
                self._layout.staging.mkdir(exist_ok=True)
        except StorageUnavailable:  # the upload will hear of it from add_file
            return None
        return self._layout.staging

    # --- steps --------------------------------------------------------------------------------------------

    def _publish(self, file: DistributionFile, staged: StagedFile, target: Path) -> DistributionFile:
        try:
            return self._link(file, staged, target)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(part_of(target))

    def _link(self, file: DistributionFile, staged: StagedFile, target: Path) -> DistributionFile:
        source = staged.path
        if os.stat(source).st_dev != os.stat(target.parent).st_dev:
            source = self._copy(staged, target)
        attachments = _not_in_archive(source, file.filename, staged.attachments)
        self._write_sidecar(file, target, source.stat(), attachments)
        try:
            os.link(source, target)
        except FileExistsError:
            raise _taken(file) from None
        except OSError as error:
            if error.errno not in _CANNOT_LINK or source != staged.path:
                raise
            source = self._copy(staged, target)
            self._write_sidecar(file, target, source.stat(), attachments)
            os.link(source, target)
        sync(target.parent)
        for leftover in {source, staged.path}:
            # Now, as it changes the time of change, which is part of the fingerprint.
            with contextlib.suppress(OSError):
                os.unlink(leftover)
        return replace(file, fingerprint=fingerprint(target.stat(), sidecar_of(target).stat()))

    def _copy(self, staged: StagedFile, target: Path) -> Path:
        part = part_of(target)
        copy_new(staged.path, part)
        return part

    def _write_sidecar(
        self,
        file: DistributionFile,
        path: Path,
        stat: os.stat_result,
        attachments: Mapping[AttachmentKind, bytes],
        keep: Mapping[str, str] | None = None,
    ) -> None:
        content = sidecars.write(file, size=stat.st_size, mtime_ns=stat.st_mtime_ns, attachments=attachments, keep=keep)
        replace_file(sidecar_of(path), content)

    def _refuse_taken_name(self, file: DistributionFile) -> None:
        if any(os.path.lexists(path) for path in self._paths(file.project, file.filename)):
            raise _taken(file)
        remembered = self._states.read(file.project)
        if remembered is not None and remembered.deleted.get(file.filename, file.sha256) != file.sha256:
            raise FileAlreadyExists(f"{file.filename} was deleted; it may come back with the same content only.")

    def _make_project_folder(self, project: NormalizedName) -> Path:
        folder = self._layout.path / project
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder)
        # Also a folder that was there: who made it may have died before its name was durable.
        key = (project, os.stat(folder).st_ino)
        if key not in self._durable_folders:
            sync(self._layout.path)
            self._durable_folders.add(key)
        return folder

    def _alone(self, project: NormalizedName) -> contextlib.AbstractContextManager[None]:
        return locked(self._layout.locks / project)

    def _paths(self, project: NormalizedName, filename: str) -> Sequence[Path]:
        return [folder / filename for folder in self._folders.of(project)]

    def _path(self, file: DistributionFile) -> Path:
        """Where ``file`` lies.

        :raises FileNotFound: nowhere.
        :raises StorageUnavailable: the store is not there.
        """
        path = self._layout.path / file.project / file.filename
        if path.is_file():  # the usual place, without a look at the others
            return path
        self._marker.check()
        for path in self._paths(file.project, file.filename):
            if path.is_file():
                return path
        raise FileNotFound(f"{file.filename} is not in the store.")


def _taken(file: DistributionFile) -> FileAlreadyExists:
    return FileAlreadyExists(f"{file.filename} is published already.")


def _not_in_archive(
    path: Path, filename: str, attachments: Mapping[AttachmentKind, bytes]
) -> Mapping[AttachmentKind, bytes]:
    """What the sidecar must hold: a wheel's metadata is quickly read out of it, an sdist's may lie at its end."""
    metadata = attachments.get(AttachmentKind.METADATA)
    if metadata is None or not filename.endswith(".whl"):
        return attachments
    try:
        with path.open("rb") as stream:
            if read_core_metadata(stream, parse_filename(filename)).core_metadata_bytes != metadata:
                return attachments
    except InvalidUpload:
        return attachments
    return {kind: content for kind, content in attachments.items() if kind is not AttachmentKind.METADATA}


def _remove_durably(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
        sync(path.parent)


def _stat_or_none(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None
