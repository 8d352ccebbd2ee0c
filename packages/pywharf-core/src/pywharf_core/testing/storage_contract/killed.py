"""Death at any step leaves the old state or the new."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from pywharf_core.errors import FileAlreadyExists
from pywharf_core.model import DistributionFile, StagedFile
from pywharf_core.storage import Storage
from pywharf_core.storage_answers import Deleted
from pywharf_core.testing.storage_contract.questions import (
    files_of,
    listed_by,
    publish,
    sha256_of,
    states_of,
    unwelcome,
    without_place,
)
from pywharf_core.testing.storage_contract.stores import CrashingStore
from pywharf_core.testing.uploads import make_upload

_MAX_STEPS = 1000


class KilledPromises:
    """Of ``add_file``, ``update_file`` and ``delete_file``, and of ``sweep`` afterwards."""

    def test_a_publication_killed_at_any_step_leaves_the_old_state_or_the_new(
        self, crashing: Callable[[], CrashingStore] | None, tmp_path: Path
    ) -> None:
        for step in itertools.count(1):
            store = _crashing(crashing, step)
            neighbour = publish(store.open(), tmp_path, version="0.9")
            file, staged = make_upload(tmp_path, summary="killed")
            died = store.run(partial(_add, file=file, staged=staged), dying_at=step)
            storage = store.open()
            storage.sweep()
            results = list(storage.scan({}))
            files = files_of(results)
            assert sha256_of(storage, files.pop(neighbour.filename)) == neighbour.sha256
            assert set(files) == {file.filename} if not died else set(files) <= {file.filename}
            assert not unwelcome(results)
            if files:
                listed = files[file.filename]
                assert without_place(listed) == without_place(file)
                assert sha256_of(storage, listed) == file.sha256
                with pytest.raises(FileAlreadyExists):
                    storage.add_file(*make_upload(tmp_path, summary="killed"))
            else:
                again = storage.add_file(*make_upload(tmp_path, summary="second try"))
                assert sha256_of(storage, again) == again.sha256
                assert listed_by(store.open())[file.filename] == again
            if not died:
                return

    def test_an_update_killed_at_any_step_leaves_the_old_state_or_the_new(
        self, crashing: Callable[[], CrashingStore] | None, tmp_path: Path
    ) -> None:
        for step in itertools.count(1):
            store = _crashing(crashing, step)
            storage = store.open()
            if not storage.can_update:
                return  # see test_an_update_survives_a_rebuild_and_raises_the_counter
            added = publish(storage, tmp_path)
            change = replace(added, yanked="broken")
            died = store.run(partial(_update, file=change), dying_at=step)
            storage = store.open()
            storage.sweep()
            results = list(storage.scan({}))
            assert not unwelcome(results)
            listed = files_of(results)[added.filename]
            assert listed.yanked in ((None, "broken") if died else ("broken",))
            assert without_place(replace(listed, yanked=None, counter=0)) == without_place(replace(added, counter=0))
            assert sha256_of(storage, listed) == added.sha256
            assert storage.update_file(replace(listed, yanked="again")).counter > listed.counter
            assert listed_by(store.open())[added.filename].yanked == "again"
            if not died:
                return

    def test_a_deletion_killed_at_any_step_leaves_the_old_state_or_the_new(
        self, crashing: Callable[[], CrashingStore] | None, tmp_path: Path
    ) -> None:
        for step in itertools.count(1):
            store = _crashing(crashing, step)
            storage = store.open()
            if not storage.can_delete:
                return  # see test_a_deleted_file_is_remembered_and_its_project_reserved
            added = publish(storage, tmp_path)
            died = store.run(partial(_delete, file=added), dying_at=step)
            storage = store.open()
            storage.sweep()
            results = list(storage.scan({}))
            deleted = Deleted(added.filename, added.sha256)
            if added.filename in files_of(results):
                assert died
                assert deleted not in results
                assert sha256_of(storage, files_of(results)[added.filename]) == added.sha256
                storage.delete_file(files_of(results)[added.filename])
            results = list(store.open().scan({}))
            assert deleted in results
            assert not files_of(results)
            assert states_of(storage)[added.project].reserved
            if not died:
                return


def _crashing(make: Callable[[], CrashingStore] | None, step: int) -> CrashingStore:
    if make is None:
        pytest.skip("this backend's tests give no fixture `crashing`")
    assert step < _MAX_STEPS, "the operation never ends by itself"
    return make()


def _add(storage: Storage, *, file: DistributionFile, staged: StagedFile) -> None:
    storage.add_file(file, staged)


def _update(storage: Storage, *, file: DistributionFile) -> None:
    storage.update_file(file)


def _delete(storage: Storage, *, file: DistributionFile) -> None:
    storage.delete_file(file)
