"""What is known of a project beside its files: reserved names, statuses."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import pytest

from core.changes.grail import GRAIL, WHEEL
from core.two_servers import EXTRA, Uploads, forget_index, repository_on
from pywharf_core import changes
from pywharf_core.errors import FileNotFound, NotPermitted, ProjectNotFound
from pywharf_core.model import ProjectState, ProjectStatus
from pywharf_core.names import Answer, Answerer
from pywharf_core.repository import Repository
from pywharf_core.testing import MemoryStorage, MemoryStore


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
