"""A deleted file is remembered, and its project's name stays reserved."""

from __future__ import annotations

from pathlib import Path

import pytest

from pywharf_core.errors import FileAlreadyExists, FileNotFound, NotSupported
from pywharf_core.model import ProjectState, ProjectStatus
from pywharf_core.storage import Storage
from pywharf_core.storage_answers import Deleted, Unchanged
from pywharf_core.testing.storage_contract.questions import files_of, listed_by, publish, sha256_of, states_of
from pywharf_core.testing.storage_contract.stores import Reopen
from pywharf_core.testing.uploads import make_upload


class DeletingPromises:
    """Of ``delete_file``."""

    def test_a_deleted_file_is_remembered_and_its_project_reserved(
        self, storage: Storage, reopen: Reopen, tmp_path: Path
    ) -> None:
        added = publish(storage, tmp_path)
        if not storage.can_delete:
            with pytest.raises(NotSupported):
                storage.delete_file(added)
            return
        storage.delete_file(added)
        for view in (storage, reopen()):
            results = list(view.scan({added.filename: added.fingerprint}))
            assert Deleted(added.filename, added.sha256) in results
            assert not files_of(results)
            assert Unchanged(added.filename) not in results
            assert states_of(view)[added.project].reserved
            assert view.find_file(added) is None
            with pytest.raises(FileNotFound):
                view.open_file(added)
            with pytest.raises(FileNotFound):
                view.delete_file(added)
        if storage.can_update:
            storage.update_project(ProjectState(name=added.project, status=ProjectStatus.DEPRECATED, reserved=True))
            assert Deleted(added.filename, added.sha256) in list(reopen().scan({}))

    def test_a_deleted_file_comes_back_with_the_same_content_only(
        self, storage: Storage, reopen: Reopen, tmp_path: Path
    ) -> None:
        if not storage.can_delete:
            return  # see test_a_deleted_file_is_remembered_and_its_project_reserved
        added = publish(storage, tmp_path)
        storage.delete_file(added)
        with pytest.raises(FileAlreadyExists):
            reopen().add_file(*make_upload(tmp_path, summary="other content"))
        assert not listed_by(storage)
        again = reopen().add_file(*make_upload(tmp_path))
        assert again.sha256 == added.sha256
        assert again.storage_id != added.storage_id or not again.storage_id
        results = list(storage.scan({}))
        assert files_of(results) == {again.filename: again}
        assert not [result for result in results if isinstance(result, Deleted)]

    def test_a_deletion_leaves_the_other_files_of_the_project(
        self, storage: Storage, reopen: Reopen, tmp_path: Path
    ) -> None:
        if not storage.can_delete:
            return  # see test_a_deleted_file_is_remembered_and_its_project_reserved
        first, second = publish(storage, tmp_path), publish(storage, tmp_path, version="2.0")
        storage.delete_file(first)
        assert listed_by(reopen()) == {second.filename: second}
        assert sha256_of(storage, second) == second.sha256
