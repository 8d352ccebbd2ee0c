"""Repositories on one store for tests of changes: as two servers with a ROOT each have them."""

from __future__ import annotations

import hashlib
import itertools
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from packaging.utils import NormalizedName

from pywharf_core import changes
from pywharf_core.config import RepositoryConfiguration
from pywharf_core.errors import ProjectNotFound
from pywharf_core.filenames import normalise
from pywharf_core.index.local import LocalIndex
from pywharf_core.model import AttachmentKind, DistributionFile, ProjectState, StagedFile
from pywharf_core.repository import Repository
from pywharf_core.storage import Storage
from pywharf_core.storage_answers import Deleted, ScanResult
from pywharf_core.testing import MemoryOptions, MemoryStorage, MemoryStorageType, MemoryStore, make_upload
from pywharf_core.verdicts import Verdicts
from pywharf_core.wharf import StorageAuth

EXTRA = "http://extra.test/simple"


def repository_on(storage: Storage, root: Path, *, private: tuple[str, ...] = ()) -> Repository:
    """A repository whose index is below ``root``, and which nobody synchronised yet."""
    root.mkdir(parents=True, exist_ok=True)
    configuration = RepositoryConfiguration(
        name="local",
        storage_type=MemoryStorageType(),
        storage_options=MemoryOptions(),
        auth_type=None,
        auth_options=None,
        max_file_bytes=2**20,
        sync_index_interval=60,
        anonymous_read=False,
        private=private,
    )
    return Repository(
        configuration,
        storage=storage,
        auth=StorageAuth(storage),
        index=LocalIndex(root / "index.sqlite3", root / "index.lock"),
        verdicts=Verdicts(read_expires=60, write_expires=60),
        staging_folder=root / "staging",
        extra_index_url=EXTRA,
    )


def forget_index(root: Path) -> None:
    """As an operator does it who lost the disk, or wants the index built anew; no repository is open on it."""
    for path in root.glob("index.sqlite3*"):
        path.unlink()


class Uploads:
    """Distributions made once, staged as often as they are uploaded."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._made: dict[tuple[str, str, bool, str], tuple[DistributionFile, StagedFile]] = {}
        self._numbers = itertools.count()

    def make(
        self, project: str = "holygrail", version: str = "1.0", *, sdist: bool = False, content: str = "a"
    ) -> tuple[DistributionFile, StagedFile]:
        key = (project, version, sdist, content)
        if key not in self._made:
            self._made[key] = make_upload(self._folder, project, version, sdist=sdist, summary=content)
        file, staged = self._made[key]
        copy = self._folder / f"{next(self._numbers)}.staged"
        shutil.copyfile(staged.path, copy)
        return file, replace(staged, path=copy)

    def publish(self, repository: Repository, *arguments: str, **fields: bool | str) -> changes.Published:
        """What ``make`` makes."""
        file, staged = self.make(*arguments, **fields)  # type: ignore[arg-type]  # each field has its own type
        return changes.publish(repository, file, staged)


@dataclass
class Interruption:
    """What happens at ``point``, once."""

    point: str
    action: Callable[[], object]
    done: bool = False


class InterruptedStorage(MemoryStorage):
    """Lets something happen in the middle of one of its calls.

    Points: ``before scan`` (what is known was read, the storage was not), ``in scan`` (the storage was read, nothing of
    it was applied), ``after scan`` (all was applied, nothing was concluded from absence), ``added``, ``updated``,
    ``deleted``, ``found``, ``opened`` (the storage has done it, its caller does not know yet).
    """

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.interruption: Interruption | None = None

    def scan(self, known: Mapping[str, str]) -> Iterator[ScanResult]:
        self._reach("before scan")
        results = list(super().scan(known))
        self._reach("in scan")
        yield from results
        self._reach("after scan")

    def add_file(self, file: DistributionFile, staged: StagedFile) -> DistributionFile:
        added = super().add_file(file, staged)
        self._reach("added")
        return added

    def update_file(
        self, file: DistributionFile, attachments: Mapping[AttachmentKind, bytes] | None = None
    ) -> DistributionFile:
        updated = super().update_file(file, attachments)
        self._reach("updated")
        return updated

    def delete_file(self, file: DistributionFile) -> None:
        super().delete_file(file)
        self._reach("deleted")

    def find_file(self, file: DistributionFile) -> DistributionFile | None:
        found = super().find_file(file)
        self._reach("found")
        return found

    def open_file(self, file: DistributionFile) -> BinaryIO:
        opened = super().open_file(file)
        self._reach("opened")
        return opened

    def _reach(self, point: str) -> None:
        interruption = self.interruption
        if interruption is not None and interruption.point == point and not interruption.done:
            interruption.done = True
            interruption.action()


def assert_shows_the_truth(repository: Repository, projects: tuple[str, ...] = ("holygrail",)) -> None:
    """The index says of files, tombstones and statuses what the storage says, and every file opens with its hash."""
    results = list(repository.storage.scan({}))
    files = {result.filename: result for result in results if isinstance(result, DistributionFile)}
    states = {result.name: result for result in results if isinstance(result, ProjectState)}
    for name in map(normalise, projects):
        shown = listed(repository, name)
        assert shown == {filename: file for filename, file in files.items() if file.project == name}
        for file in shown.values():
            with repository.storage.open_file(file) as stream:
                assert hashlib.sha256(stream.read()).hexdigest() == file.sha256
        with repository.index.reading() as snapshot:
            row = snapshot.project(name)
            tombstones = {filename: snapshot.tombstone(filename) for filename in shown}
            for result in results:
                if isinstance(result, Deleted):
                    assert snapshot.tombstone(result.filename) == result
        assert not any(tombstones.values()), "what is listed is not dead"
        if name in states:
            assert row is not None
            assert (row.state.status, row.state.reason) == (states[name].status, states[name].reason)


def listed(repository: Repository, project: NormalizedName) -> dict[str, DistributionFile]:
    """The page's files by filename; none: there is no page."""
    try:
        page, _ = repository.project_page(project)
    except ProjectNotFound:
        return {}
    return {file.filename: file for file in page.files}
