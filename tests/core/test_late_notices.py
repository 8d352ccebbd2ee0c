"""Old word of a file, sent again by somebody: what is known to be dead stays dead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.two_servers import Uploads, repository_on
from pywharf_core import changes, remote_changes
from pywharf_core.filenames import normalise
from pywharf_core.repository import Repository
from pywharf_core.storage import Change, ChangeKind
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
    remote_changes.noticed(repository, [Change(ChangeKind.PUBLISHED, added.filename, added)])
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
    remote_changes.noticed(other, [Change(ChangeKind.PUBLISHED, again.filename, again)])
    assert names(other) == {again.filename}
    other.close()
