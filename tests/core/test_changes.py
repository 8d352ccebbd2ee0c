"""Publishing, yanking, deleting, statuses: what a client is told is what happened, whoever else is at work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import BinaryIO, ClassVar

import pytest

from core.two_servers import (
    EXTRA,
    InterruptedStorage,
    Interruption,
    Uploads,
    assert_shows_the_truth,
    forget_index,
    listed,
    repository_on,
)
from pywharf_core import changes
from pywharf_core.errors import (
    FileAlreadyExists,
    FileChanged,
    FileNotFound,
    NotFound,
    NotPermitted,
    NotSupported,
    NotSynchronised,
    ProjectNotFound,
    StorageUnavailable,
    WharfError,
)
from pywharf_core.filenames import normalise
from pywharf_core.missing_metadata import complete_metadata
from pywharf_core.model import DistributionFile, ProjectState, ProjectStatus, StagedFile
from pywharf_core.names import Answer, Answerer
from pywharf_core.repository import Repository
from pywharf_core.storage import ScanResult, Storage
from pywharf_core.testing import MemoryStorage, MemoryStore

GRAIL = normalise("holygrail")
WHEEL = "holygrail-1.0-py3-none-any.whl"
SDIST = "holygrail-1.0.tar.gz"


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path / "uploads")


@pytest.fixture
def repository(store: MemoryStore, tmp_path: Path) -> Iterator[Repository]:
    """Synchronised, and empty."""
    opened = repository_on(InterruptedStorage(store), tmp_path / "root")
    opened.synchronise()
    yield opened
    opened.close()


@pytest.fixture
def other(store: MemoryStore, tmp_path: Path) -> Iterator[Repository]:
    """Another server's, on the same store."""
    opened = repository_on(MemoryStorage(store), tmp_path / "other-root")
    opened.synchronise()
    yield opened
    opened.close()


def yanked(repository: Repository) -> dict[str, str | None]:
    return {filename: file.yanked for filename, file in listed(repository, GRAIL).items()}


# --- publishing ----------------------------------------------------------------------------------------------


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

    other = Thread(target=publish_second)

    def begin_second() -> None:
        other.start()
        other.join(0.3)  # it has to wait for us

    storage.interruption = Interruption("added", begin_second)
    file, staged = uploads.make()
    assert changes.publish(repository, replace(file, filename=first), staged).new
    other.join()
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


# --- yanking -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.0", "1", "v1.0.0"])
def test_a_yank_marks_all_files_of_the_release_and_no_others(
    repository: Repository, uploads: Uploads, version: str
) -> None:
    for made in ({}, {"sdist": True}, {"version": "2.0"}):
        uploads.publish(repository, **made)
    marked = changes.yank(repository, GRAIL, version, "loses data")
    assert {file.filename for file in marked} == {WHEEL, SDIST}
    assert yanked(repository) == {WHEEL: "loses data", SDIST: "loses data", "holygrail-2.0-py3-none-any.whl": None}
    assert not changes.yank(repository, GRAIL, version, "loses data"), "it was so already"
    assert {file.filename for file in changes.yank(repository, GRAIL, version, "")} == {WHEEL, SDIST}
    assert {file.filename for file in changes.yank(repository, GRAIL, version, None)} == {WHEEL, SDIST}
    assert not any(file.yanked for file in listed(repository, GRAIL).values())
    assert_shows_the_truth(repository)


@pytest.mark.parametrize("version", ["3.0", "one", ""])
def test_a_release_that_is_not_there_is_neither_yanked_nor_deleted(
    repository: Repository, uploads: Uploads, version: str
) -> None:
    uploads.publish(repository)
    with pytest.raises(NotFound):
        changes.yank(repository, GRAIL, version, "")
    with pytest.raises(NotFound):
        changes.delete(repository, GRAIL, version=version)
    assert yanked(repository) == {WHEEL: None}


def test_the_mark_of_another_server_is_taken_away_although_it_is_not_listed_yet(
    repository: Repository, other: Repository, uploads: Uploads
) -> None:
    uploads.publish(repository)
    other.synchronise()
    changes.yank(other, GRAIL, "1.0", "elsewhere")
    assert yanked(repository) == {WHEEL: None}
    assert [file.filename for file in changes.yank(repository, GRAIL, "1.0", None)] == [WHEEL]
    other.synchronise()
    assert yanked(other) == {WHEEL: None}
    assert_shows_the_truth(repository)


def test_a_yank_passes_over_what_another_server_deleted(
    repository: Repository, other: Repository, uploads: Uploads
) -> None:
    uploads.publish(repository)
    uploads.publish(repository, sdist=True)
    other.synchronise()
    changes.delete(other, GRAIL, filename=WHEEL)
    assert [file.filename for file in changes.yank(repository, GRAIL, "1.0", "old")] == [SDIST]
    assert yanked(repository) == {SDIST: "old"}
    changes.delete(other, GRAIL, filename=SDIST)
    with pytest.raises(FileNotFound, match="somebody else removed it"):
        changes.yank(repository, GRAIL, "1.0", None)
    assert yanked(repository) == {}
    assert repository.answer_for(GRAIL) == Answer(Answerer.RESERVED)


# --- deleting ------------------------------------------------------------------------------------------------


def test_a_deleted_file_is_gone_and_its_name_stays_taken(repository: Repository, uploads: Uploads) -> None:
    uploads.publish(repository)
    uploads.publish(repository, sdist=True)
    assert [file.filename for file in changes.delete(repository, GRAIL, filename=WHEEL)] == [WHEEL]
    assert set(listed(repository, GRAIL)) == {SDIST}
    with pytest.raises(FileAlreadyExists, match="was deleted, and its name can only come back with the same content"):
        uploads.publish(repository, content="b")
    assert_shows_the_truth(repository)


def test_a_deleted_file_that_comes_back_is_listed_at_once_and_not_yanked(
    repository: Repository, uploads: Uploads
) -> None:
    uploads.publish(repository)
    changes.yank(repository, GRAIL, "1.0", "loses data")
    changes.delete(repository, GRAIL, version="1.0")
    assert listed(repository, GRAIL) == {}
    assert uploads.publish(repository).new
    assert yanked(repository) == {WHEEL: None}
    assert_shows_the_truth(repository)


def test_the_name_of_a_file_that_another_server_deleted_is_refused_with_the_same_sentence(
    repository: Repository, other: Repository, uploads: Uploads
) -> None:
    uploads.publish(other)
    changes.delete(other, GRAIL, version="1.0")
    with pytest.raises(FileAlreadyExists, match="File already exists: .* was deleted"):
        uploads.publish(repository, content="b")
    assert listed(repository, GRAIL) == {}


def test_one_file_is_deleted_only_under_its_own_project_and_release(repository: Repository, uploads: Uploads) -> None:
    uploads.publish(repository)
    uploads.publish(repository, "swallow")
    for arguments in (
        {"project": normalise("swallow"), "filename": WHEEL},
        {"project": GRAIL, "filename": WHEEL, "version": "2.0"},
        {"project": GRAIL, "filename": WHEEL, "version": "?"},
        {"project": None, "filename": "nothing-1.0.tar.gz"},
        {"project": GRAIL, "filename": ""},
    ):
        with pytest.raises(NotFound):
            changes.delete(repository, **arguments)
    assert set(listed(repository, GRAIL)) == {WHEEL}
    assert changes.delete(repository, None, filename=WHEEL, version="1")


def test_a_filename_that_could_mean_two_projects_is_deleted_from_the_right_one(
    repository: Repository, uploads: Uploads, tmp_path: Path
) -> None:
    uploads.publish(repository, "holygrail", "1.0-1", sdist=True)
    (filename,) = listed(repository, GRAIL)
    assert filename == "holygrail-1.0-1.tar.gz"
    changes.delete(repository, None, filename=filename)
    assert_shows_the_truth(repository)
    assert repository.answer_for(normalise("holygrail-1.0")).answerer is Answerer.EXTRA_INDEX


def test_a_file_that_another_server_deleted_first_is_not_deleted_twice(
    repository: Repository, other: Repository, uploads: Uploads
) -> None:
    uploads.publish(repository)
    uploads.publish(repository, sdist=True)
    other.synchronise()
    changes.delete(other, GRAIL, filename=WHEEL)
    assert [file.filename for file in changes.delete(repository, GRAIL, version="1.0")] == [SDIST]
    other.synchronise()
    with pytest.raises(NotFound):
        changes.delete(other, GRAIL, version="1.0")
    repository.synchronise()
    assert_shows_the_truth(repository)


def test_a_file_that_came_back_elsewhere_is_deleted_all_the_same(
    repository: Repository, other: Repository, uploads: Uploads
) -> None:
    uploads.publish(repository)
    other.synchronise()
    changes.delete(other, GRAIL, version="1.0")
    uploads.publish(other)
    assert [file.filename for file in changes.delete(repository, GRAIL, version="1.0")] == [WHEEL]
    assert_shows_the_truth(repository)


def test_nothing_is_deleted_if_a_file_has_other_content_than_was_listed(
    repository: Repository, store: MemoryStore, uploads: Uploads, tmp_path: Path
) -> None:
    uploads.publish(repository)
    uploads.publish(repository, sdist=True)
    file, staged = uploads.make(content="by hand")
    del store.files[WHEEL]
    MemoryStorage(store).add_file(file, staged)
    with pytest.raises(FileChanged, match="nothing was deleted"):
        changes.delete(repository, GRAIL, version="1.0")
    assert set(store.files) == {WHEEL, SDIST}
    assert_shows_the_truth(repository)


# --- what stays of a project ---------------------------------------------------------------------------------


def test_nothing_is_deleted_that_was_not_shown(repository: Repository, uploads: Uploads) -> None:
    uploads.publish(repository)
    uploads.publish(repository, sdist=True)
    for shown in ([WHEEL], [WHEEL, SDIST, "holygrail-1.0-cp311-none-any.whl"], []):
        with pytest.raises(FileChanged, match="Other files are there now"):
            changes.delete(repository, GRAIL, version="1.0", shown=shown)
    assert listed(repository, GRAIL).keys() == {WHEEL, SDIST}
    assert len(changes.delete(repository, GRAIL, version="1.0", shown=[SDIST, WHEEL])) == 2


def test_a_deleted_projects_name_is_never_the_extra_indexs(
    repository: Repository, store: MemoryStore, uploads: Uploads, tmp_path: Path
) -> None:
    assert repository.answer_for(GRAIL) == Answer(Answerer.EXTRA_INDEX, f"{EXTRA}/holygrail/")
    uploads.publish(repository)
    assert repository.answer_for(GRAIL) == Answer(Answerer.HERE)
    changes.delete(repository, GRAIL, version="1.0")
    assert repository.answer_for(GRAIL) == Answer(Answerer.RESERVED)
    with pytest.raises(ProjectNotFound):
        repository.project_page(GRAIL)
    anew = repository_on(MemoryStorage(store), tmp_path / "fresh-root")
    assert anew.answer_for(GRAIL).answerer is Answerer.NOT_READY
    anew.synchronise()
    assert anew.answer_for(GRAIL) == Answer(Answerer.RESERVED)
    anew.close()


@pytest.mark.parametrize("how", ["a synchronisation", "a download", "a yank"])
def test_the_name_of_what_was_removed_by_hand_is_reserved_in_the_storage_itself(
    repository: Repository, store: MemoryStore, uploads: Uploads, tmp_path: Path, how: str
) -> None:
    file = uploads.publish(repository).file
    store.files.clear()
    if how == "a download":
        with suppress(FileNotFound):
            repository.open_file(file)
    elif how == "a yank":
        with suppress(FileNotFound):
            changes.yank(repository, GRAIL, "1.0", "")
    repository.synchronise()
    forget_index(tmp_path / "fresh-root")
    anew = repository_on(MemoryStorage(store), tmp_path / "fresh-root")
    anew.synchronise()
    assert anew.answer_for(GRAIL) == Answer(Answerer.RESERVED)
    anew.close()


def test_a_name_that_the_storage_did_not_take_as_reserved_is_told_to_it_later(
    store: MemoryStore, uploads: Uploads, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Unwilling(MemoryStorage):
        willing: ClassVar[bool] = False

        def update_project(self, state: ProjectState) -> None:
            if not self.willing:
                raise NotPermitted("This secret may read only.")
            super().update_project(state)

    repository = repository_on(Unwilling(store), tmp_path / "root")
    repository.synchronise()
    uploads.publish(repository)
    store.files.clear()
    repository.synchronise()
    assert "name not reserved in the storage" in caplog.text
    assert repository.status().last_error is None, "what could be read was read"
    assert repository.answer_for(GRAIL) == Answer(Answerer.RESERVED)
    assert not store.states
    Unwilling.willing = True
    repository.synchronise()
    assert store.states[GRAIL].reserved
    repository.close()


# --- statuses ------------------------------------------------------------------------------------------------


def test_a_status_is_set_and_survives(
    repository: Repository, store: MemoryStore, uploads: Uploads, tmp_path: Path
) -> None:
    uploads.publish(repository)
    state = changes.set_status(repository, GRAIL, ProjectStatus.DEPRECATED, "See grail")
    assert (state.status, state.reason) == (ProjectStatus.DEPRECATED, "See grail")
    anew = repository_on(MemoryStorage(store), tmp_path / "fresh-root")
    anew.synchronise()
    for each in (repository, anew):
        page, _ = each.project_page(GRAIL)
        assert (page.status, page.status_reason) == (ProjectStatus.DEPRECATED, "See grail")
    assert changes.set_status(repository, GRAIL, ProjectStatus.ACTIVE).reason is None
    anew.synchronise()
    assert anew.project_page(GRAIL)[0].status is ProjectStatus.ACTIVE
    anew.close()


def test_only_a_known_project_has_a_status(repository: Repository) -> None:
    with pytest.raises(ProjectNotFound):
        changes.set_status(repository, GRAIL, ProjectStatus.ARCHIVED)


def test_the_status_of_another_server_is_replaced_although_it_is_not_known_yet(
    repository: Repository, other: Repository, uploads: Uploads
) -> None:
    uploads.publish(repository)
    other.synchronise()
    changes.set_status(other, GRAIL, ProjectStatus.ARCHIVED)
    changes.set_status(repository, GRAIL, ProjectStatus.ACTIVE)
    repository.synchronise()
    other.synchronise()
    assert repository.project_page(GRAIL)[0].status is other.project_page(GRAIL)[0].status is ProjectStatus.ACTIVE
    assert uploads.publish(other, version="2.0").new


def test_a_status_set_by_one_who_does_not_know_leaves_the_name_reserved(
    repository: Repository, other: Repository, store: MemoryStore, uploads: Uploads
) -> None:
    uploads.publish(repository)
    other.synchronise()
    changes.delete(other, GRAIL, version="1.0")
    changes.set_status(repository, GRAIL, ProjectStatus.ACTIVE)
    assert store.states[GRAIL].reserved


def test_a_quarantined_project_shows_no_file_and_is_not_in_the_list(repository: Repository, uploads: Uploads) -> None:
    uploads.publish(repository)
    changes.set_status(repository, GRAIL, ProjectStatus.QUARANTINED)
    assert repository.project_list()[0] == []
    with pytest.raises(FileNotFound):
        repository.file(GRAIL, WHEEL)
    assert repository.answer_for(GRAIL) == Answer(Answerer.HERE)


# --- what cannot be done -------------------------------------------------------------------------------------


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


# --- while a synchronisation runs ----------------------------------------------------------------------------

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
