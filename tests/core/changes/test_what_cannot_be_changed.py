"""What a storage cannot do, and what is not known, is said and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import pytest

from core.changes.grail import GRAIL, WHEEL, yanked
from core.two_servers import Uploads, repository_on
from pywharf_core import changes
from pywharf_core.errors import FileAlreadyExists, NotSupported, NotSynchronised
from pywharf_core.model import DistributionFile, ProjectStatus, StagedFile
from pywharf_core.storage import Storage
from pywharf_core.storage_answers import ScanResult
from pywharf_core.testing import MemoryStorage, MemoryStore


class OnlyThreeMethods(Storage):
    """The least that is a backend, on a store in memory."""

    def __init__(self, store: MemoryStore) -> None:
        self._inner = MemoryStorage(store)

    def scan(self, known: Mapping[str, str]) -> Iterator[ScanResult]:
        return self._inner.scan(known)

    def add_file(self, file: DistributionFile, staged: StagedFile) -> DistributionFile:
        return self._inner.add_file(file, staged)

    def open_file(self, file: DistributionFile) -> BinaryIO:
        return self._inner.open_file(file)


def test_a_storage_that_cannot_is_said_to_be_one_and_nothing_changes(
    store: MemoryStore, uploads: Uploads, tmp_path: Path
) -> None:
    repository = repository_on(OnlyThreeMethods(store), tmp_path / "root")
    repository.synchronise()
    uploads.publish(repository)
    assert not uploads.publish(repository).new
    with pytest.raises(FileAlreadyExists):
        uploads.publish(repository, content="b")
    for change in (
        lambda: changes.yank(repository, GRAIL, "1.0", ""),
        lambda: changes.delete(repository, GRAIL, version="1.0"),
        lambda: changes.set_status(repository, GRAIL, ProjectStatus.ARCHIVED),
    ):
        with pytest.raises(NotSupported):
            change()
    assert yanked(repository) == {WHEEL: None}
    assert repository.project_page(GRAIL)[0].status is ProjectStatus.ACTIVE
    repository.close()


def test_what_is_not_known_completely_is_not_changed(store: MemoryStore, uploads: Uploads, tmp_path: Path) -> None:
    repository = repository_on(MemoryStorage(store), tmp_path / "root")
    uploads.publish(repository)  # of a release that may have more files in the storage
    for change in (
        lambda: changes.yank(repository, GRAIL, "1.0", ""),
        lambda: changes.delete(repository, GRAIL, version="1.0"),
        lambda: changes.delete(repository, None, filename=WHEEL),
        lambda: changes.set_status(repository, GRAIL, ProjectStatus.ARCHIVED),
    ):
        with pytest.raises(NotSynchronised):
            change()
    repository.close()


def test_what_is_not_known_yet_is_neither_listed_nor_searched(
    store: MemoryStore, uploads: Uploads, tmp_path: Path
) -> None:
    repository = repository_on(MemoryStorage(store), tmp_path / "root")
    uploads.publish(repository)
    with pytest.raises(NotSynchronised):
        repository.catalogue()
    with pytest.raises(NotSynchronised):
        repository.search("holygrail")
    repository.synchronise()
    for page in (repository.catalogue(), repository.search("holygrail")):
        assert [entry.project for entry in page.entries] == [GRAIL]
    repository.close()
