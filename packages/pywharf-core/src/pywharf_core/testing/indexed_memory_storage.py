"""A storage in memory for which a scan is dear, so that it keeps a remote index: a fake of what works like GitHub."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, ClassVar

from pywharf_core.errors import FileNotFound, NotPermitted
from pywharf_core.model import AttachmentKind, DistributionFile, ProjectState, from_record, to_record
from pywharf_core.secret import Secret
from pywharf_core.storage_answers import Change, ChangeKind, ScanResult, StoredIndex, Unchanged
from pywharf_core.testing.memory_storage import MemoryOptions, MemoryStorage, MemoryStorageType, MemoryStore

SIGNATURE = "x-memory-signature"


class IndexedMemoryStorage(MemoryStorage):
    """Asked for a file by its identity, if the file has one.

    :param page_size: files that a scan reads at once, the newest first, by their place in the list: what comes or goes
        meanwhile moves the others.
    :param remembers: the storage itself knows what was deleted and what became of projects; else only its index does.
    :ivar scans: how many were begun.
    :ivar may_write_index: whether this server's secret has the right.
    """

    keeps_index: ClassVar[bool] = True

    def __init__(self, store: MemoryStore | None = None, *, page_size: int = 2, remembers: bool = True) -> None:
        super().__init__(store)
        self._remembers = remembers
        self._page_size = page_size
        self.scans = 0
        self.may_write_index = True

    def scan(self, known: Mapping[str, str]) -> Iterator[ScanResult]:
        self.scans += 1
        read = 0
        while page := self.page(read):
            for file in page:
                yield Unchanged(file.filename) if known.get(file.filename) == file.fingerprint else file
            read += self._page_size
        if self._remembers:
            yield from self.remembered()

    def page(self, start: int) -> Sequence[DistributionFile]:
        """Files by place in the list of all."""
        with self._open_store() as store:
            newest_first = list(reversed(store.files.values()))
        return [stored.file for stored in newest_first[start : start + self._page_size]]

    def find_file(self, file: DistributionFile) -> DistributionFile | None:
        return self._found(file)

    def open_file(self, file: DistributionFile) -> BinaryIO:
        self._demand(file)
        return super().open_file(file)

    def read_index(self, known: Mapping[str, str]) -> StoredIndex | None:
        stored = super().read_index(known)
        return stored if stored is not None and stored.revisions else None

    def write_index(
        self, parts: Mapping[str, bytes], *, replaces: Mapping[str, str], message: str
    ) -> Mapping[str, str]:
        if not self.may_write_index:
            raise NotPermitted("This server's secret may not write the index.")
        return super().write_index(parts, replaces=replaces, message=message)

    def update_file(
        self, file: DistributionFile, attachments: Mapping[AttachmentKind, bytes] | None = None
    ) -> DistributionFile:
        self._demand(file)
        place = list(self.store.files)
        updated = super().update_file(file, attachments)
        assert place == list(self.store.files), "a file keeps its place in the list"
        return updated

    def update_project(self, state: ProjectState) -> None:
        assert self._remembers, "what is known of projects is kept in the remote index"
        super().update_project(state)

    def delete_file(self, file: DistributionFile) -> None:
        with self._open_store() as store:
            self._demand(file)
            if self._remembers:
                super().delete_file(file)
            else:
                del store.files[file.filename]

    def read_notice(self, headers: Mapping[str, str], body: bytes, secret: Secret) -> Sequence[Change] | None:
        if not hmac.compare_digest(headers.get(SIGNATURE, ""), _signature(body, secret)):
            return None
        return [
            Change(
                ChangeKind(line["kind"]),
                line.get("filename"),
                from_record(line["file"], fingerprint=line["file"]["fingerprint"]) if "file" in line else None,
            )
            for line in json.loads(body)
        ]

    def _found(self, file: DistributionFile) -> DistributionFile | None:
        found = super().find_file(file)
        return None if found is None or file.storage_id not in ("", found.storage_id) else found

    def _demand(self, file: DistributionFile) -> None:
        if self._found(file) is None:
            raise FileNotFound(f"{file.filename} is not here.")


def signed_notice(changes: Sequence[Change], secret: Secret) -> tuple[Mapping[str, str], bytes]:
    """Headers and body of a notice, as the store sends it."""
    lines = []
    for change in changes:
        line: dict[str, object] = {"kind": change.kind.value, "filename": change.filename}
        if change.file is not None:
            line["file"] = {**to_record(change.file), "fingerprint": change.file.fingerprint}
        lines.append(line)
    body = json.dumps(lines).encode()
    return {SIGNATURE: _signature(body, secret)}, body


def _signature(body: bytes, secret: Secret) -> str:
    return hmac.new(secret.reveal().encode(), body, "sha256").hexdigest()


class IndexedMemoryStorageType(MemoryStorageType):
    """``type = "indexed_memory"``; the stores are those of ``memory``."""

    name: ClassVar[str] = "indexed_memory"

    def open(self, repository: str, options: MemoryOptions, work: Path) -> IndexedMemoryStorage:
        return IndexedMemoryStorage(super().open(repository, options, work).store, page_size=100)
