"""Publishing: what a client is told is what happened, whoever else is at work."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from core.changes.grail import GRAIL, WHEEL
from core.two_servers import InterruptedStorage, Interruption, Uploads, assert_shows_the_truth, listed
from pywharf_core import changes
from pywharf_core.errors import FileAlreadyExists, NotPermitted, StorageUnavailable
from pywharf_core.model import ProjectStatus
from pywharf_core.repository import Repository
from pywharf_core.testing import MemoryStore
from support.running_server import PATIENCE


def test_a_published_file_is_listed_at_once(repository: Repository, uploads: Uploads) -> None:
    published = uploads.publish(repository)
    assert published.new
    assert listed(repository, GRAIL) == {WHEEL: published.file}
    assert_shows_the_truth(repository)


def test_the_same_file_again_changes_nothing(repository: Repository, uploads: Uploads) -> None:
    first = uploads.publish(repository)
    revision = repository.project_revision(GRAIL)
    again = uploads.publish(repository)
    assert (again.new, again.file) == (False, first.file)
    assert repository.project_revision(GRAIL) == revision


def test_other_content_is_refused_and_the_first_stays(repository: Repository, uploads: Uploads) -> None:
    first = uploads.publish(repository)
    with pytest.raises(FileAlreadyExists, match="File already exists: .* is published with other content"):
        uploads.publish(repository, content="b")
    assert listed(repository, GRAIL) == {WHEEL: first.file}


def test_what_another_server_published_is_found_and_listed(
    repository: Repository, other: Repository, uploads: Uploads
) -> None:
    first = uploads.publish(other)
    with pytest.raises(FileAlreadyExists):
        uploads.publish(repository, content="b")
    assert listed(repository, GRAIL) == {WHEEL: first.file}
    assert not uploads.publish(repository).new


def test_what_another_server_deleted_is_published_anew(
    repository: Repository, other: Repository, uploads: Uploads
) -> None:
    uploads.publish(repository)
    other.synchronise()
    changes.delete(other, GRAIL, version="1.0")
    assert uploads.publish(repository).new, "our index still has it, but the storage has not"
    assert_shows_the_truth(repository)


def test_a_publication_that_the_storage_does_not_take_is_not_listed(
    repository: Repository, store: MemoryStore, uploads: Uploads
) -> None:
    store.available = False
    with pytest.raises(StorageUnavailable):
        uploads.publish(repository)
    store.available = True
    assert listed(repository, GRAIL) == {}
    assert uploads.publish(repository).new


@pytest.mark.parametrize("status", [ProjectStatus.ARCHIVED, ProjectStatus.QUARANTINED])
def test_a_closed_project_takes_no_uploads(repository: Repository, uploads: Uploads, status: ProjectStatus) -> None:
    uploads.publish(repository)
    changes.set_status(repository, GRAIL, status)
    with pytest.raises(NotPermitted, match=status.value):
        uploads.publish(repository, version="2.0")
    changes.set_status(repository, GRAIL, ProjectStatus.DEPRECATED)
    assert uploads.publish(repository, version="2.0").new


OTHER_SPELLING = "HolyGrail-1.0-py3-none-any.whl"


def test_another_spelling_of_a_published_file_is_refused(repository: Repository, uploads: Uploads) -> None:
    uploads.publish(repository)
    file, staged = uploads.make()
    with pytest.raises(FileAlreadyExists, match=f"{OTHER_SPELLING} is another spelling of {WHEEL}, which is published"):
        changes.publish(repository, replace(file, filename=OTHER_SPELLING), staged)
    assert set(listed(repository, GRAIL)) == {WHEEL}
    changes.delete(repository, GRAIL, filename=WHEEL)
    assert changes.publish(repository, replace(file, filename=OTHER_SPELLING), staged).new


@pytest.mark.parametrize("first", [WHEEL, OTHER_SPELLING])
def test_of_two_spellings_that_are_published_at_once_one_is_refused(
    repository: Repository, tmp_path: Path, uploads: Uploads, first: str
) -> None:
    storage = repository.storage
    assert isinstance(storage, InterruptedStorage)
    second = OTHER_SPELLING if first == WHEEL else WHEEL
    refused = []

    def publish_second() -> None:
        file, staged = uploads.make()
        try:
            changes.publish(repository, replace(file, filename=second), staged)
        except FileAlreadyExists as error:
            refused.append(str(error))

    other = Thread(target=publish_second, daemon=True)

    def begin_second() -> None:
        other.start()
        other.join(0.3)  # it has to wait for us

    storage.interruption = Interruption("added", begin_second)
    file, staged = uploads.make()
    assert changes.publish(repository, replace(file, filename=first), staged).new
    other.join(PATIENCE)
    assert not other.is_alive()
    assert set(listed(repository, GRAIL)) == {first}
    assert len(refused) == 1
    assert not list((tmp_path / "root").glob("index-*.lock")), "nobody waits for a lock, so there is none"


def test_one_file_that_is_published_twice_at_once_waits_for_nobody(repository: Repository, uploads: Uploads) -> None:
    storage = repository.storage
    assert isinstance(storage, InterruptedStorage)
    answers = []
    storage.interruption = Interruption("added", lambda: answers.append(uploads.publish(repository)))
    answers.append(uploads.publish(repository))
    assert {answer.file.filename for answer in answers} == {WHEEL}
    assert_shows_the_truth(repository)
