"""Yanking and deleting: what a client is told is what happened, whoever else is at work."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.changes.grail import GRAIL, SDIST, WHEEL, yanked
from core.two_servers import Uploads, assert_shows_the_truth, listed
from pywharf_core import changes
from pywharf_core.errors import FileAlreadyExists, FileChanged, FileNotFound, NotFound
from pywharf_core.filenames import normalise
from pywharf_core.names import Answer, Answerer
from pywharf_core.repository import Repository
from pywharf_core.testing import MemoryStorage, MemoryStore


def test_a_reason_that_a_terminal_would_obey_becomes_a_line_of_text(repository: Repository, uploads: Uploads) -> None:
    uploads.publish(repository)
    changes.yank(repository, GRAIL, "1.0", "old\x00\x1b[31m, use\r\n2.0")
    assert yanked(repository) == {WHEEL: "old [31m, use 2.0"}


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


def test_nothing_is_deleted_that_was_not_shown(repository: Repository, uploads: Uploads) -> None:
    uploads.publish(repository)
    uploads.publish(repository, sdist=True)
    for shown in ([WHEEL], [WHEEL, SDIST, "holygrail-1.0-cp311-none-any.whl"], []):
        with pytest.raises(FileChanged, match="Other files are there now"):
            changes.delete(repository, GRAIL, version="1.0", shown=shown)
    assert listed(repository, GRAIL).keys() == {WHEEL, SDIST}
    assert len(changes.delete(repository, GRAIL, version="1.0", shown=[SDIST, WHEEL])) == 2
