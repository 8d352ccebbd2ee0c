"""A storage in memory that keeps the whole contract: a fake for tests, verified by the suite that backends run."""

from __future__ import annotations

import io
import itertools
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, ClassVar

from packaging.utils import NormalizedName

from pywharf_core.errors import FileAlreadyExists, FileChanged, FileNotFound, IndexConflict, StorageUnavailable
from pywharf_core.model import AttachmentKind, DistributionFile, ProjectState, StagedFile
from pywharf_core.options import option
from pywharf_core.storage import Storage, StorageType
from pywharf_core.storage_answers import Deleted, Flaw, ScanResult, StoredIndex, Unchanged


@dataclass(frozen=True, slots=True)
class _Stored:
    file: DistributionFile
    content: bytes
    attachments: Mapping[AttachmentKind, bytes]


@dataclass
class MemoryStore:
    """What several ``MemoryStorage`` share, as several servers share a disk.

    :ivar available: False makes every call of every storage on it raise ``StorageUnavailable``.
    :ivar unfinished: names of what uploads left that died.
    """

    available: bool = True
    files: dict[str, _Stored] = field(default_factory=dict)
    deleted: dict[str, str] = field(default_factory=dict)  # sha256 by filename
    states: dict[NormalizedName, ProjectState] = field(default_factory=dict)
    unfinished: set[str] = field(default_factory=set)
    index: dict[str, tuple[bytes, str]] = field(default_factory=dict)  # content and revision by part
    lock: threading.RLock = field(default_factory=threading.RLock)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))


class MemoryStorage(Storage):
    """A view on a ``MemoryStore``; safe from many threads."""

    can_update: ClassVar[bool] = True
    can_delete: ClassVar[bool] = True

    def __init__(self, store: MemoryStore | None = None) -> None:
        self.store = store or MemoryStore()

    def scan(self, known: Mapping[str, str]) -> Iterator[ScanResult]:
        with self._open_store() as store:
            stored = list(store.files.values())
            remembered = self.remembered()
        for entry in stored:
            self._open_store()
            unchanged = known.get(entry.file.filename) == entry.file.fingerprint
            yield Unchanged(entry.file.filename) if unchanged else entry.file
        yield from remembered

    def remembered(self) -> Sequence[ScanResult]:
        """What a scan says beside the files."""
        with self._open_store() as store:
            deleted = {name: sha256 for name, sha256 in store.deleted.items() if name not in store.files}
            return [*(Deleted(filename, sha256) for filename, sha256 in deleted.items()), *store.states.values()]

    def add_file(self, file: DistributionFile, staged: StagedFile) -> DistributionFile:
        try:
            content = staged.path.read_bytes()
        except OSError as error:
            raise StorageUnavailable(f"The upload cannot be read: {error.strerror}.") from error
        with self._open_store() as store:
            if file.filename in store.files:
                raise FileAlreadyExists(f"{file.filename} is published already.")
            if store.deleted.get(file.filename, file.sha256) != file.sha256:
                raise FileAlreadyExists(f"{file.filename} was deleted; it may come back with the same content only.")
            added = self._numbered(replace(file, storage_id=f"memory-{next(store.numbers)}"))
            store.files[file.filename] = _Stored(added, content, dict(staged.attachments))
            return added

    def open_file(self, file: DistributionFile) -> BinaryIO:
        return io.BytesIO(self._current(file, same=True).content)

    def find_file(self, file: DistributionFile) -> DistributionFile | None:
        with self._open_store() as store:
            entry = store.files.get(file.filename)
            return None if entry is None else entry.file

    def read_attachment(self, file: DistributionFile, kind: AttachmentKind) -> bytes:
        attachments = self._current(file, same=False).attachments
        if kind not in attachments:
            raise FileNotFound(f"{file.filename} has no {kind}.")
        return attachments[kind]

    def read_index(self, known: Mapping[str, str]) -> StoredIndex | None:
        with self._open_store() as store:
            revisions = {name: revision for name, (_, revision) in store.index.items()}
            parts = {name: part for name, (part, revision) in store.index.items() if known.get(name) != revision}
            return StoredIndex(parts=parts, revisions=revisions)

    def write_index(
        self, parts: Mapping[str, bytes], *, replaces: Mapping[str, str], message: str
    ) -> Mapping[str, str]:
        with self._open_store() as store:
            if {name: revision for name, (_, revision) in store.index.items()} != dict(replaces):
                raise IndexConflict("The index was changed by somebody else meanwhile.")
            for name, part in parts.items():
                store.index[name] = part, f"r{next(store.numbers)}"
            return {name: revision for name, (_, revision) in store.index.items()}

    def update_file(
        self, file: DistributionFile, attachments: Mapping[AttachmentKind, bytes] | None = None
    ) -> DistributionFile:
        with self._open_store() as store:
            entry = self._current(file, same=False)
            counter = max(entry.file.counter, file.counter) + 1
            updated = self._numbered(replace(file, counter=counter, storage_id=entry.file.storage_id))
            store.files[file.filename] = replace(
                entry, file=updated, attachments={**entry.attachments, **(attachments or {})}
            )
            return updated

    def update_project(self, state: ProjectState) -> None:
        with self._open_store() as store:
            before = store.states.get(state.name, state)
            store.states[state.name] = replace(state, reserved=state.reserved or before.reserved)

    def delete_file(self, file: DistributionFile) -> None:
        with self._open_store() as store:
            entry = self._current(file, same=False)
            del store.files[file.filename]
            store.deleted[file.filename] = entry.file.sha256
            state = store.states.get(file.project, ProjectState(name=file.project))
            store.states[file.project] = replace(state, reserved=True)

    def flaws(self) -> Iterator[Flaw]:
        with self._open_store() as store:
            names = sorted(store.unfinished)
        yield from (Flaw(name, f"{name} is of an upload that died.", swept=True) for name in names)

    def sweep(self) -> int:
        with self._open_store() as store:
            swept = len(store.unfinished)
            store.unfinished.clear()
            return swept

    def _open_store(self) -> _LockedStore:
        if not self.store.available:
            raise StorageUnavailable("The store in memory is switched off.")
        return _LockedStore(self.store)

    def _current(self, file: DistributionFile, *, same: bool) -> _Stored:
        with self._open_store() as store:
            entry = store.files.get(file.filename)
        if entry is None:
            raise FileNotFound(f"{file.filename} is not here.")
        if same and entry.file.fingerprint != file.fingerprint:
            raise FileChanged(f"{file.filename} is not the file that was listed.")
        return entry

    def _numbered(self, file: DistributionFile) -> DistributionFile:
        return replace(file, fingerprint=f"f{next(self.store.numbers)}")


class _LockedStore:
    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def __enter__(self) -> MemoryStore:
        self._store.lock.acquire()
        return self._store

    def __exit__(self, *_: object) -> None:
        self._store.lock.release()


@dataclass(frozen=True, kw_only=True)
class MemoryOptions:
    """The keys of a table with ``type = "memory"``."""

    store: str = option("Repositories that name the same store share their files", default="", example='"shared"')


class MemoryStorageType(StorageType):
    """``type = "memory"``: lives as long as the process. Without ``store``, each working folder has its own."""

    name: ClassVar[str] = "memory"
    options: ClassVar[type] = MemoryOptions
    auth: ClassVar[str] = "secrets"
    stores: ClassVar[dict[str, MemoryStore]] = {}  # so that a server that starts again finds what it had

    def open(self, repository: str, options: MemoryOptions, work: Path) -> MemoryStorage:
        return MemoryStorage(self.stores.setdefault(options.store or str(work), MemoryStore()))
