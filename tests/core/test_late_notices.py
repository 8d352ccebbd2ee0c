"""Old word of a file, sent again by somebody: what is known to be dead stays dead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.two_servers import Uploads, repository_on
from pywharf_core import changes, remote_changes, remote_notices, remote_recovery
from pywharf_core.errors import StorageUnavailable
from pywharf_core.filenames import normalise
from pywharf_core.index.pending import PendingKind
from pywharf_core.model import DistributionFile
from pywharf_core.repository import Repository
from pywharf_core.storage_answers import Change, ChangeKind
from pywharf_core.testing import IndexedMemoryStorage, MemoryStore

HOLYGRAIL = normalise("holygrail")


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    opened = repository_on(IndexedMemoryStorage(MemoryStore(), remembers=False), tmp_path / "root")
    opened.synchronise()
    yield opened
    opened.close()


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path / "uploads")


def names(repository: Repository) -> set[str]:
    with repository.index.reading() as snapshot:
        return {file.filename for file in snapshot.files(HOLYGRAIL)}


def test_a_publication_told_again_after_its_deletion_came_into_the_index_lists_nothing(
    repository: Repository, uploads: Uploads
) -> None:
    added = uploads.publish(repository).file
    changes.delete(repository, HOLYGRAIL, version="1.0")
    remote_changes.fold(repository)
    remote_notices.noticed(repository, [Change(ChangeKind.PUBLISHED, added.filename, added)])
    assert names(repository) == set()


def test_a_file_that_came_back_is_listed_as_soon_as_it_is_told(
    repository: Repository, uploads: Uploads, tmp_path: Path
) -> None:
    other = repository_on(IndexedMemoryStorage(repository.storage.store, remembers=False), tmp_path / "other")  # type: ignore[attr-defined]  # of this storage
    uploads.publish(repository)
    changes.delete(repository, HOLYGRAIL, version="1.0")
    remote_changes.fold(repository)
    other.synchronise()
    again = uploads.publish(repository).file
    remote_notices.noticed(other, [Change(ChangeKind.PUBLISHED, again.filename, again)])
    assert names(other) == {again.filename}
    other.close()


class Forgetful(IndexedMemoryStorage):
    """Cannot tell of one file whether it is there."""

    unknown = ""

    def find_file(self, file: DistributionFile) -> DistributionFile | None:
        if file.filename == self.unknown:
            raise StorageUnavailable("nobody knows")
        return super().find_file(file)


def test_a_file_of_which_nothing_is_known_keeps_no_other_from_being_looked_into(
    tmp_path: Path, uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = Forgetful(MemoryStore(), remembers=False)
    repository = repository_on(storage, tmp_path / "forgetful")
    repository.synchronise()
    lost, known = (uploads.publish(repository, version=version).file for version in ("1.0", "2.0"))
    remote_changes.fold(repository)
    storage.unknown = lost.filename
    for file in (lost, known):
        remote_changes.intend(repository, storage, PendingKind.UPDATE, file)
    monkeypatch.setattr(remote_recovery, "_STILL_RUNNING", -1.0)
    with pytest.raises(StorageUnavailable):
        remote_recovery.resolve_intents(repository)
    with repository.index.reading() as snapshot:
        assert {it.file.filename: it.made for it in snapshot.pending(repository.store)} == {
            lost.filename: False,
            known.filename: True,
        }
    repository.close()


def test_a_publication_told_again_does_not_stand_before_the_file_that_came_back(
    repository: Repository, uploads: Uploads
) -> None:
    first = uploads.publish(repository).file
    changes.delete(repository, HOLYGRAIL, version="1.0")
    remote_changes.fold(repository)
    again = uploads.publish(repository).file
    remote_changes.fold(repository)
    assert again.storage_id != first.storage_id
    remote_notices.noticed(repository, [Change(ChangeKind.PUBLISHED, first.filename, first)])
    with repository.index.reading() as snapshot:
        listed = snapshot.file(first.filename)
    assert listed is not None
    assert listed.storage_id == again.storage_id
