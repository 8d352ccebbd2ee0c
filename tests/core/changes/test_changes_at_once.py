"""Changes while a synchronisation runs, or another change of the same files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from core.changes.grail import GRAIL, WHEEL, yanked
from core.two_servers import InterruptedStorage, Interruption, Uploads, assert_shows_the_truth, listed, repository_on
from pywharf_core import changes
from pywharf_core.errors import FileAlreadyExists, WharfError
from pywharf_core.missing_metadata import complete_metadata
from pywharf_core.model import DistributionFile, ProjectStatus, StagedFile
from pywharf_core.repository import Repository
from pywharf_core.testing import MemoryStorage, MemoryStore

Change = Callable[[Repository, Uploads], object]

CHANGES: dict[str, Change] = {
    "publish": lambda repository, uploads: uploads.publish(repository, version="2.0"),
    "publish again": lambda repository, uploads: uploads.publish(repository),
    "publish other content": lambda repository, uploads: uploads.publish(repository, content="b"),
    "yank": lambda repository, _: changes.yank(repository, GRAIL, "1.0", "because"),
    "unyank": lambda repository, _: changes.yank(repository, GRAIL, "1.0", None),
    "delete": lambda repository, _: changes.delete(repository, GRAIL, version="1.0"),
    "delete and publish": lambda repository, uploads: (
        changes.delete(repository, GRAIL, version="1.0"),
        uploads.publish(repository),
    ),
    "archive": lambda repository, _: changes.set_status(repository, GRAIL, ProjectStatus.ARCHIVED, "old"),
    "activate": lambda repository, _: changes.set_status(repository, GRAIL, ProjectStatus.ACTIVE),
}

#: What the store has, and whether the index knows it, when the synchronisation begins.
BEGINNINGS = ["known", "known and yanked", "known and archived elsewhere", "changed elsewhere", "deleted elsewhere"]


def begin(beginning: str, repository: Repository, other: Repository, uploads: Uploads) -> None:
    uploads.publish(repository)
    uploads.publish(repository, sdist=True)
    other.synchronise()
    match beginning:
        case "known and yanked":
            changes.yank(repository, GRAIL, "1.0", "before")
        case "known and archived elsewhere":
            changes.set_status(other, GRAIL, ProjectStatus.ARCHIVED)
        case "changed elsewhere":
            changes.yank(other, GRAIL, "1.0", "elsewhere")
            uploads.publish(other, version="3.0")
        case "deleted elsewhere":
            changes.delete(other, GRAIL, version="1.0")


def interrupt(repository: Repository, point: str, action: Callable[[], object]) -> Interruption:
    assert isinstance(repository.storage, InterruptedStorage)
    repository.storage.interruption = Interruption(point, action)
    return repository.storage.interruption


def attempt(change: Callable[[], object]) -> str:
    """How it ended, as a client is told."""
    try:
        change()
    except WharfError as error:
        return type(error).__name__
    return "done"


@pytest.mark.parametrize("point", ["before scan", "in scan", "after scan"])
@pytest.mark.parametrize("beginning", BEGINNINGS)
@pytest.mark.parametrize("name", CHANGES)
def test_a_change_in_the_middle_of_a_synchronisation_is_neither_lost_nor_undone(
    repository: Repository, other: Repository, uploads: Uploads, name: str, beginning: str, point: str
) -> None:
    begin(beginning, repository, other, uploads)
    told: list[str] = []
    interruption = interrupt(
        repository, point, lambda: told.append(attempt(lambda: CHANGES[name](repository, uploads)))
    )
    repository.synchronise()
    assert interruption.done
    assert told == ["done"] or beginning != "known" or name == "publish other content"
    assert_shows_the_truth(repository)
    repository.synchronise()
    assert_shows_the_truth(repository)


@pytest.mark.parametrize("point", ["before scan", "in scan", "after scan"])
@pytest.mark.parametrize("name", CHANGES)
def test_a_change_in_the_middle_of_the_building_of_an_index_is_neither_lost_nor_undone(
    store: MemoryStore, other: Repository, uploads: Uploads, tmp_path: Path, name: str, point: str
) -> None:
    uploads.publish(other)
    uploads.publish(other, sdist=True)
    anew = repository_on(InterruptedStorage(store), tmp_path / "fresh-root")
    interrupt(anew, point, lambda: attempt(lambda: CHANGES[name](anew, uploads)))
    anew.synchronise()
    assert_shows_the_truth(anew)
    anew.close()


@pytest.mark.parametrize("inner", CHANGES)
@pytest.mark.parametrize("point", ["added", "updated", "deleted", "found"])
@pytest.mark.parametrize("outer", CHANGES)
def test_of_two_changes_at_once_the_index_shows_what_the_storage_did_last(
    repository: Repository, uploads: Uploads, outer: str, point: str, inner: str
) -> None:
    uploads.publish(repository)
    changes.yank(repository, GRAIL, "1.0", "before")
    interrupt(repository, point, lambda: attempt(lambda: CHANGES[inner](repository, uploads)))
    attempt(lambda: CHANGES[outer](repository, uploads))
    assert_shows_the_truth(repository)


@pytest.mark.parametrize("point", ["added", "updated", "deleted", "found"])
@pytest.mark.parametrize("outer", CHANGES)
def test_a_synchronisation_between_the_storage_and_the_index_harms_no_change(
    repository: Repository, other: Repository, uploads: Uploads, outer: str, point: str
) -> None:
    begin("changed elsewhere", repository, other, uploads)
    interrupt(repository, point, repository.synchronise)
    attempt(lambda: CHANGES[outer](repository, uploads))
    repository.synchronise()
    assert_shows_the_truth(repository)


def test_a_file_that_is_deleted_before_its_publication_is_listed_stays_deleted(
    repository: Repository, other: Repository, uploads: Uploads
) -> None:
    def find_and_delete() -> None:
        other.synchronise()
        changes.delete(other, GRAIL, version="1.0")
        repository.synchronise()

    interrupt(repository, "added", find_and_delete)
    assert uploads.publish(repository).new, "it was published"
    assert listed(repository, GRAIL) == {}, "and deleted after that"
    assert_shows_the_truth(repository)


def test_a_file_that_is_deleted_while_it_is_uploaded_again_is_published(
    store: MemoryStore, other: Repository, uploads: Uploads, tmp_path: Path
) -> None:
    uploads.publish(other)

    class Late(MemoryStorage):
        """The file that takes the name is deleted before it can be looked at."""

        def add_file(self, file: DistributionFile, staged: StagedFile) -> DistributionFile:
            try:
                return super().add_file(file, staged)
            except FileAlreadyExists:
                changes.delete(other, GRAIL, version="1.0")
                raise

    repository = repository_on(Late(store), tmp_path / "root")  # whose index does not know the file
    assert uploads.publish(repository).new
    repository.synchronise()
    assert_shows_the_truth(repository)
    repository.close()


def test_a_yank_while_missing_metadata_is_read_is_not_undone(
    repository: Repository, store: MemoryStore, uploads: Uploads
) -> None:
    file, staged = uploads.make()
    MemoryStorage(store).add_file(replace(file, core_metadata=None, core_metadata_sha256=None), staged)
    repository.synchronise()
    interrupt(repository, "opened", lambda: changes.yank(repository, GRAIL, "1.0", "meanwhile"))
    assert complete_metadata(repository) == 0
    assert yanked(repository) == {WHEEL: "meanwhile"}
    assert complete_metadata(repository) == 1
    assert yanked(repository) == {WHEEL: "meanwhile"}
    assert_shows_the_truth(repository)
