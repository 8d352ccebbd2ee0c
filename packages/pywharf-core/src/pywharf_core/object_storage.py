"""The storage contract on top of an object store: whoever can list, read and write objects has a whole backend.

Three kinds of objects, by the beginning of their keys::

    file/<filename>                a document: all that is known of a published file, or that it was deleted
    content/<filename>/<identity>  the bytes of a file: there before its document names them, and never changed
    project/<name>                 a document: a project's status and reservation

A document changes as a whole, by compare and swap, and that is what commits every operation: who dies before it leaves
content that no document names, which ``sweep`` removes.
"""

from __future__ import annotations

import io
import re
import time
import uuid
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import BinaryIO, ClassVar

from packaging.utils import NormalizedName

from pywharf_core.errors import FileAlreadyExists, FileChanged, FileNotFound, StorageUnavailable
from pywharf_core.model import AttachmentKind, DistributionFile, ProjectState, StagedFile
from pywharf_core.object_documents import Published, Said, decoded, encoded
from pywharf_core.storage import Storage
from pywharf_core.storage_answers import Deleted, Flaw, Refused, ScanResult, Unchanged

_LONGEST_UPLOAD = 24 * 3600.0  # seconds, differences between the clocks of servers included
_CONTENT = re.compile(r"content/(?P<filename>[^/]+)/(?P<made>[0-9]{1,15})-[0-9a-f]{32}")


class ObjectStorage(Storage):
    """Five methods make a backend that can do whatever a storage may do, but for a remote index.

    What holds for storages holds for the five: they may block, they are called from many threads and processes at once,
    and they raise ``StorageUnavailable`` if the store cannot be used. Keys are ASCII, made of letters, digits and
    ``/ . _ - + !``. A revision is the store's own mark of what an object is now, such as an ETag or a row's number: opaque,
    and never used twice for one key.
    """

    can_update: ClassVar[bool] = True
    can_delete: ClassVar[bool] = True

    # --- a backend must -----------------------------------------------------------------------------------

    @abstractmethod
    def list_objects(self, prefix: str) -> Iterator[tuple[str, str]]:
        """Key and revision of each object whose key begins with ``prefix``, in any order."""

    @abstractmethod
    def read_object(self, key: str) -> tuple[bytes, str] | None:
        """A small object whole, and its revision, both of one moment; None: there is none."""

    @abstractmethod
    def write_object(self, key: str, content: BinaryIO, size: int, *, replaces: str | None) -> str | None:
        """Write an object: durable and visible to everybody when this returns, all or nothing.

        :param content: ``size`` bytes to its end, perhaps very many.
        :param replaces: the revision that the object must have now; None: it must not be there.
        :returns: the new revision; None: the object was another one, and nothing was written. Of racing calls exactly
            one succeeds.
        """

    @abstractmethod
    def open_object(self, key: str) -> BinaryIO | None:
        """The object's bytes as a stream that can seek, see ``open_ranges``; None: there is none."""

    @abstractmethod
    def remove_object(self, key: str) -> None:
        """Remove an object, which need not be there."""

    # --- the storage contract -----------------------------------------------------------------------------

    def scan(self, known: Mapping[str, str]) -> Iterator[ScanResult]:
        for prefix in ("file/", "project/"):
            for key, revision in self.list_objects(prefix):
                name = key.removeprefix(prefix)
                if prefix == "file/" and known.get(name) == revision:
                    yield Unchanged(name)
                    continue
                try:
                    said = self._read_listed(key, revision)
                except _Damaged as error:
                    yield Refused(name, str(error))
                    continue
                if said is not None:
                    yield said.file if isinstance(said, Published) else said

    def add_file(self, file: DistributionFile, staged: StagedFile) -> DistributionFile:
        key = f"file/{file.filename}"
        before = self._read(key)
        if before is not None and not (isinstance(before[0], Deleted) and before[0].sha256 == file.sha256):
            raise FileAlreadyExists(f"{file.filename} is published already, or was deleted with other content.")
        file = replace(file, storage_id=f"{int(time.time())}-{uuid.uuid4().hex}")
        try:
            with staged.path.open("rb") as content:
                written = self.write_object(_content(file), content, staged.size, replaces=None)
        except OSError as error:
            raise StorageUnavailable(f"The upload cannot be read: {error.strerror}.") from error
        assert written is not None, "nobody else made up the same identity"
        revision = self._write(key, Published(file, staged.attachments), replaces=before)
        if revision is None:
            self.remove_object(_content(file))
            raise FileAlreadyExists(f"{file.filename} was published by somebody else in this moment.")
        return replace(file, fingerprint=revision)

    def open_file(self, file: DistributionFile) -> BinaryIO:
        stored = self._published(file)[0].file
        if stored.fingerprint != file.fingerprint:
            raise FileChanged(f"{file.filename} is not the file that was listed.")
        stream = self.open_object(_content(stored))
        if stream is None:
            raise FileNotFound(f"The content of {file.filename} is not there.")
        return stream

    def find_file(self, file: DistributionFile) -> DistributionFile | None:
        with suppress(FileNotFound):
            return self._published(file)[0].file
        return None

    def read_attachment(self, file: DistributionFile, kind: AttachmentKind) -> bytes:
        attachments = self._published(file)[0].attachments
        return attachments[kind] if kind in attachments else super().read_attachment(file, kind)

    def update_file(
        self, file: DistributionFile, attachments: Mapping[AttachmentKind, bytes] | None = None
    ) -> DistributionFile:
        revision = None
        while revision is None:
            before = self._published(file)
            stored = before[0].file
            file = replace(file, storage_id=stored.storage_id, counter=max(stored.counter, file.counter) + 1)
            updated = Published(file, {**before[0].attachments, **(attachments or {})})
            revision = self._write(f"file/{file.filename}", updated, replaces=before)
        return replace(file, fingerprint=revision)

    def update_project(self, state: ProjectState) -> None:
        self._change_project(state.name, lambda before: replace(state, reserved=state.reserved or before.reserved))

    def delete_file(self, file: DistributionFile) -> None:
        revision = None
        while revision is None:
            before = self._published(file)
            stored = before[0].file
            # First, so that no moment has a project without a file whose name is free.
            self._change_project(stored.project, lambda state: replace(state, reserved=True))
            revision = self._write(f"file/{file.filename}", Deleted(file.filename, stored.sha256), replaces=before)
        self.remove_object(_content(stored))

    def flaws(self) -> Iterator[Flaw]:
        for key in self._content_of_nobody():
            yield Flaw(key, "No file has these bytes: whoever wrote or deleted them died half way.", swept=True)

    def sweep(self) -> int:
        removed = 0
        for key in self._content_of_nobody():
            self.remove_object(key)
            removed += 1
        return removed

    def _content_of_nobody(self) -> Iterator[str]:
        for key, _ in self.list_objects("content/"):
            ours = _CONTENT.fullmatch(key)
            if ours is None or int(ours["made"]) > time.time() - _LONGEST_UPLOAD:
                continue
            found = self._read(f"file/{ours['filename']}")
            if found is None or not isinstance(found[0], Published) or _content(found[0].file) != key:
                yield key

    # --- documents ----------------------------------------------------------------------------------------

    @cached_property  # no __init__ that a subclass could forget to call
    def _told(self) -> dict[str, tuple[Said, str]]:
        """What no index knows the fingerprint of, and each scan tells again: deleted files, and projects."""
        return {}

    def _published(self, file: DistributionFile) -> tuple[Published, str]:
        found = self._read(f"file/{file.filename}")
        if found is None or not isinstance(found[0], Published):
            raise FileNotFound(f"{file.filename} is not here.")
        return found[0], found[1]

    def _change_project(self, name: NormalizedName, change: Callable[[ProjectState], ProjectState]) -> None:
        key, revision = f"project/{name}", None
        while revision is None:
            before = self._read(key)
            state = before[0] if before is not None and isinstance(before[0], ProjectState) else ProjectState(name=name)
            if before is not None and change(state) == state:
                return
            revision = self._write(key, change(state), replaces=before)

    def _read_listed(self, key: str, revision: str) -> Said | None:
        """What the document says, which is not read again if it still has its revision."""
        told = self._told.get(key)
        if told is not None and told[1] == revision:
            return told[0]
        found = self._read(key)
        if found is None:
            return None
        if not isinstance(found[0], Published):
            self._told[key] = found
        return found[0]

    def _read(self, key: str) -> tuple[Said, str] | None:
        found = self.read_object(key)
        if found is None:
            return None
        content, revision = found
        try:
            return decoded(content, revision, name=key.partition("/")[2]), revision
        except ValueError as error:
            raise _Damaged(f"The object {key} is no document of pywharf's: {error}.") from error

    def _write(self, key: str, said: Said, *, replaces: tuple[Said, str] | None) -> str | None:
        content = encoded(said)
        return self.write_object(key, io.BytesIO(content), len(content), replaces=replaces[1] if replaces else None)


class _Damaged(StorageUnavailable):
    """A document cannot be read, and nobody knows what it said."""


def _content(file: DistributionFile) -> str:
    return f"content/{file.filename}/{file.storage_id}"
