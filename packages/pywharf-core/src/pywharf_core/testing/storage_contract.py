"""Every promise of ``pywharf_core.storage``, as a suite that a backend's tests inherit."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar, Protocol

import pytest
from packaging.utils import NormalizedName

from pywharf_core.errors import (
    FileAlreadyExists,
    FileChanged,
    FileNotFound,
    IndexConflict,
    NotAuthenticated,
    NotPermitted,
    NotSupported,
    StorageUnavailable,
)
from pywharf_core.filenames import normalise
from pywharf_core.model import AttachmentKind, CoreMetadata, DistributionFile, ProjectState, ProjectStatus, StagedFile
from pywharf_core.storage import Deleted, LocalPath, RedirectTo, Refused, Storage, Unchanged
from pywharf_core.testing.killed_store import KilledStore
from pywharf_core.testing.uploads import make_upload

#: What a storage may raise; everything else is a bug.
ALLOWED_ERRORS = (
    FileAlreadyExists,
    FileNotFound,
    FileChanged,
    IndexConflict,
    NotPermitted,
    NotAuthenticated,
    NotSupported,
    StorageUnavailable,
)

#: Text that has broken somebody's quoting somewhere.
HOSTILE = "a \"b\" 'c' '''d''' \"\"\"e\"\"\" \\n \\u0041 \n\r\n\t\x00\x1b\x7f\x85\u2028 é 漢 🛳 # = [x] --- %s {0} \\"

_MAX_STEPS = 1000

Reopen = Callable[[], Storage]


class CrashingStore(Protocol):
    """A store on which an operation can be killed half way; what the fixture ``crashing`` makes."""

    def open(self) -> Storage:
        """A storage on this store, as after a restart."""

    def run(self, operation: Callable[[Storage], object], *, dying_at: int) -> bool:
        """Run ``operation`` on this store in a process that dies just before its ``dying_at``-th durable step.

        ``operation`` can be pickled and may raise nothing.

        :returns: whether it died; False: the operation ended before, after fewer steps.
        """


class StorageContract:
    """Subclass as ``TestMyStorage`` and override ``new_store``; or else the fixtures ``storage``, ``reopen``, ``crashing``.

    Override ``unavailable`` if your backend can; a test that lacks a fixture says so when it is skipped.

    :cvar has_index: whether ``read_index`` and ``write_index`` are there; if not, the suite checks that they say so.
    """

    has_index: ClassVar[bool] = False

    def new_store(self, folder: Path) -> Reopen | None:
        """Make an empty store, and return what opens a storage on it, each time another.

        :param folder: empty, for stores on disk.
        """
        del folder
        return None

    @pytest.fixture
    def opening(self, tmp_path: Path) -> Reopen | None:
        """Opens a storage on the one store of the test; None: ``new_store`` is not overridden."""
        return self.new_store(_folder(tmp_path, "contract-store"))

    @pytest.fixture
    def storage(self, opening: Reopen | None) -> Storage:
        """A storage on an empty store."""
        assert opening is not None, "override new_store, or the fixture storage"
        return opening()

    @pytest.fixture
    def reopen(self, opening: Reopen | None, storage: Storage) -> Reopen:
        """Makes another storage on the same store, as another server or the next start has it."""
        return opening or (lambda: storage)

    @pytest.fixture
    def unavailable(self) -> Callable[[], AbstractContextManager[object]] | None:
        """A context in which the store of ``storage`` cannot be reached; None: cannot be arranged."""
        return None

    @pytest.fixture
    def crashing(self, opening: Reopen | None, tmp_path: Path) -> Callable[[], CrashingStore] | None:
        """Makes an empty store whose operations can be killed; None: cannot be arranged."""
        if opening is None:
            return None
        numbers = itertools.count()

        def crashing_store() -> CrashingStore:
            made = self.new_store(_folder(tmp_path, f"killed-{next(numbers)}"))
            assert made is not None, "new_store has made one before"
            return KilledStore(made)

        return crashing_store

    # --- publishing ---------------------------------------------------------------------------------------

    def test_an_empty_store_lists_nothing(self, storage: Storage) -> None:
        assert list(storage.scan({})) == []

    @pytest.mark.parametrize("sdist", [False, True], ids=["wheel", "sdist"])
    def test_a_published_file_is_listed_with_all_its_fields_and_bytes(
        self, storage: Storage, reopen: Reopen, tmp_path: Path, sdist: bool
    ) -> None:
        file, staged = make_upload(
            tmp_path, sdist=sdist, requires_python=">=3.9", requires_dist=("a>1", "b"), provenance=b"{}", comment="x"
        )
        content = staged.path.read_bytes()
        added = storage.add_file(file, staged)
        assert _without_place(added) == _without_place(file)
        for view in (storage, reopen()):
            listed = _listed(view)[file.filename]
            assert listed == added
            with view.open_file(listed) as stream:
                assert stream.read() == content

    def test_what_a_published_file_returns_is_what_the_next_scan_sees(
        self, storage: Storage, reopen: Reopen, tmp_path: Path
    ) -> None:
        file, staged = make_upload(tmp_path)
        added = storage.add_file(file, staged)
        staged.path.unlink(missing_ok=True)  # as core does
        assert added.fingerprint
        known = {added.filename: added.fingerprint}
        assert list(storage.scan(known)) == [Unchanged(added.filename)]
        assert list(reopen().scan(known)) == [Unchanged(added.filename)]
        assert list(storage.scan(known)) == [Unchanged(added.filename)]

    def test_a_file_with_another_fingerprint_is_told_in_full(self, storage: Storage, tmp_path: Path) -> None:
        added = _publish(storage, tmp_path)
        assert list(storage.scan({added.filename: "another"})) == [added]

    def test_many_files_are_all_listed_once(self, storage: Storage, reopen: Reopen, tmp_path: Path) -> None:
        versions = [("a", "1.0"), ("a", "1.1"), ("a-b", "1.0"), ("b", "2!1.0.post1+local.2"), ("c", "1.0rc1")]
        added = [_publish(storage, tmp_path, project, version) for project, version in versions]
        added.append(_publish(storage, tmp_path, "a", "1.0", sdist=True))
        results = list(reopen().scan({}))
        assert sorted(_files(results)) == sorted(file.filename for file in added)
        assert len(results) == len(added)

    def test_a_file_that_is_published_as_yanked_is_yanked_from_its_first_moment(
        self, storage: Storage, reopen: Reopen, tmp_path: Path
    ) -> None:
        file, staged = make_upload(tmp_path)
        added = storage.add_file(replace(file, yanked="Loses data"), staged)
        assert added.yanked == "Loses data"
        assert _listed(reopen()) == {added.filename: added}

    def test_a_pace_is_one_that_can_be_kept(self, storage: Storage) -> None:
        assert all(pace.operations > 0 and pace.seconds > 0 for pace in storage.pace)

    def test_hostile_texts_survive_publication_and_rebuild(
        self, storage: Storage, reopen: Reopen, tmp_path: Path
    ) -> None:
        file, staged = make_upload(tmp_path, comment=HOSTILE)
        metadata: CoreMetadata = {"summary": HOSTILE, "classifiers": (HOSTILE, "", "x"), "keywords": "", "dynamic": ()}
        file = replace(file, core_metadata=metadata, requires_python=">=3.8,!=3.9.*")
        added = storage.add_file(file, staged)
        listed = _listed(reopen())[file.filename]
        assert listed == added
        assert listed.core_metadata == metadata
        assert listed.comment == HOSTILE

    def test_attachments_survive(self, storage: Storage, reopen: Reopen, tmp_path: Path) -> None:
        provenance = b'{"version": 1, "text": "\xc3\xa9 \\" \' \x7f\\u0000\n"}\r\n'
        for sdist in (False, True):
            file, staged = make_upload(tmp_path, sdist=sdist, provenance=provenance)
            added = storage.add_file(file, staged)
            for view in (storage, reopen()):
                assert view.read_attachment(added, AttachmentKind.PROVENANCE) == provenance
                metadata = view.read_attachment(added, AttachmentKind.METADATA)
                assert metadata == staged.attachments[AttachmentKind.METADATA]
                assert hashlib.sha256(metadata).hexdigest() == added.core_metadata_sha256

    def test_an_attachment_that_is_not_there_is_not_found(self, storage: Storage, tmp_path: Path) -> None:
        added = _publish(storage, tmp_path)
        with pytest.raises(FileNotFound):
            storage.read_attachment(added, AttachmentKind.PROVENANCE)

    def test_an_upload_staged_in_the_folder_of_the_storage_is_published(self, storage: Storage, tmp_path: Path) -> None:
        folder = storage.staging_folder()
        if folder is not None:
            assert folder.is_dir()
        file, staged = make_upload(folder or tmp_path)
        added = storage.add_file(file, staged)
        staged.path.unlink(missing_ok=True)
        assert list(storage.scan({added.filename: added.fingerprint})) == [Unchanged(added.filename)]
        assert _sha256(storage, added) == added.sha256

    # --- never replaced -----------------------------------------------------------------------------------

    @pytest.mark.parametrize("same", [True, False], ids=["same content", "other content"])
    def test_a_published_file_is_never_replaced(
        self, storage: Storage, reopen: Reopen, tmp_path: Path, same: bool
    ) -> None:
        added = _publish(storage, tmp_path, summary="first")
        for view in (storage, reopen()):
            again, staged = make_upload(tmp_path, summary="first" if same else "second")
            with pytest.raises(FileAlreadyExists):
                view.add_file(again, staged)
            assert list(view.scan({added.filename: added.fingerprint})) == [Unchanged(added.filename)]
            assert _sha256(view, added) == added.sha256

    def test_of_twenty_racing_uploads_exactly_one_wins_with_its_own_bytes_and_metadata(
        self, storage: Storage, reopen: Reopen, tmp_path: Path
    ) -> None:
        uploads = [
            make_upload(tmp_path / str(number), summary=f"upload {number}", provenance=b"%d" % number)
            for number in range(20)
        ]
        views = [storage, *(reopen() for _ in range(3))]
        start = threading.Barrier(len(uploads))

        def upload(number: int) -> DistributionFile | None:
            start.wait()
            try:
                return views[number % len(views)].add_file(*uploads[number])
            except FileAlreadyExists:
                return None

        with ThreadPoolExecutor(len(uploads)) as threads:
            results = list(threads.map(upload, range(len(uploads))))
        winners = [number for number, result in enumerate(results) if result is not None]
        assert len(winners) == 1
        file, staged = uploads[winners[0]]
        for view in (storage, reopen()):
            listed = _listed(view)[file.filename]
            assert listed == results[winners[0]]
            assert listed.core_metadata == file.core_metadata
            assert _sha256(view, listed) == file.sha256
            for kind, content in staged.attachments.items():
                assert view.read_attachment(listed, kind) == content

    def test_uploads_of_different_files_do_not_disturb_each_other(
        self, storage: Storage, reopen: Reopen, tmp_path: Path
    ) -> None:
        uploads = [make_upload(tmp_path / str(number), "busy", f"{number}.0") for number in range(12)]
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda upload: storage.add_file(*upload), uploads))
        assert set(_listed(reopen())) == {file.filename for file, _ in uploads}

    # --- reading ------------------------------------------------------------------------------------------

    def test_a_located_file_has_the_listed_hash(self, storage: Storage, tmp_path: Path) -> None:
        added = _publish(storage, tmp_path)
        location = storage.locate_file(added)
        if isinstance(location, LocalPath):
            assert hashlib.sha256(location.path.read_bytes()).hexdigest() == added.sha256
        else:
            assert location is None or isinstance(location, RedirectTo)

    def test_a_file_can_be_read_from_any_place(self, storage: Storage, tmp_path: Path) -> None:
        file, staged = make_upload(tmp_path, padding=700_000)
        content = staged.path.read_bytes()
        added = storage.add_file(file, staged)
        with storage.open_file(added) as stream:
            assert stream.seek(0, os.SEEK_END) == len(content)
            assert stream.read(1) == b""
            for start, length in ((300_000, 100), (0, 10), (len(content) - 5, 100), (1, len(content))):
                assert stream.seek(start) == stream.tell() == start
                assert stream.read(length) == content[start : start + length]

    def test_a_file_that_is_not_here_is_not_found(self, storage: Storage, tmp_path: Path) -> None:
        stranger = replace(make_upload(tmp_path, "stranger")[0], fingerprint="x", storage_id="y")
        assert storage.find_file(stranger) is None
        with pytest.raises(FileNotFound):
            storage.open_file(stranger)
        with pytest.raises(FileNotFound):
            storage.read_attachment(stranger, AttachmentKind.METADATA)
        if storage.can_update:
            with pytest.raises(FileNotFound):
                storage.update_file(stranger)
        if storage.can_delete:
            with pytest.raises(FileNotFound):
                storage.delete_file(stranger)
        assert list(storage.scan({stranger.filename: "x"})) == []

    def test_a_file_with_another_fingerprint_is_not_served(self, storage: Storage, tmp_path: Path) -> None:
        added = _publish(storage, tmp_path)
        with pytest.raises(FileChanged):
            storage.open_file(replace(added, fingerprint="another", hashes={"sha256": "0" * 64}))

    def test_a_file_is_found_as_it_is_now(self, storage: Storage, reopen: Reopen, tmp_path: Path) -> None:
        added = _publish(storage, tmp_path)
        asked = replace(added, hashes={"sha256": "0" * 64}, size=1, fingerprint="another")
        assert storage.find_file(asked) == added
        assert reopen().find_file(asked) == added

    def test_an_upload_that_is_gone_raises_an_allowed_error_and_publishes_nothing(
        self, storage: Storage, tmp_path: Path
    ) -> None:
        file, staged = make_upload(tmp_path)
        staged.path.unlink()
        with pytest.raises(ALLOWED_ERRORS):
            storage.add_file(file, staged)
        assert list(storage.scan({})) == []

    # --- changing -----------------------------------------------------------------------------------------

    def test_an_update_survives_a_rebuild_and_raises_the_counter(
        self, storage: Storage, reopen: Reopen, tmp_path: Path
    ) -> None:
        added = _publish(storage, tmp_path)
        change = replace(added, yanked=HOSTILE, core_metadata={"name": "holygrail", "summary": "new"})
        if not storage.can_update:
            with pytest.raises(NotSupported):
                storage.update_file(change)
            return
        updated = storage.update_file(change, {AttachmentKind.PROVENANCE: b"[1]"})
        assert updated.counter > added.counter
        assert updated.fingerprint != added.fingerprint
        assert updated == replace(change, counter=updated.counter, fingerprint=updated.fingerprint)
        for view in (storage, reopen()):
            assert _listed(view) == {added.filename: updated}
            assert list(view.scan({added.filename: added.fingerprint})) == [updated]
            assert list(view.scan({added.filename: updated.fingerprint})) == [Unchanged(added.filename)]
            assert _sha256(view, updated) == added.sha256
            assert view.read_attachment(updated, AttachmentKind.PROVENANCE) == b"[1]"
            metadata = view.read_attachment(updated, AttachmentKind.METADATA)
            assert hashlib.sha256(metadata).hexdigest() == added.core_metadata_sha256

    def test_an_update_without_attachments_leaves_them(self, storage: Storage, tmp_path: Path) -> None:
        if not storage.can_update:
            return  # see test_an_update_survives_a_rebuild_and_raises_the_counter
        added = storage.add_file(*make_upload(tmp_path, provenance=b"[1]"))
        updated = storage.update_file(replace(added, yanked=""))
        assert updated.yanked == ""
        assert storage.read_attachment(updated, AttachmentKind.PROVENANCE) == b"[1]"

    def test_the_counter_rises_even_for_who_did_not_see_the_last_update(
        self, storage: Storage, reopen: Reopen, tmp_path: Path
    ) -> None:
        if not storage.can_update:
            return  # see test_an_update_survives_a_rebuild_and_raises_the_counter
        added = _publish(storage, tmp_path)
        first = storage.update_file(replace(added, yanked="1"))
        second = reopen().update_file(replace(added, yanked="2"))
        assert second.counter > first.counter
        views = [reopen() for _ in range(8)]
        with ThreadPoolExecutor(8) as threads:
            racing = list(threads.map(lambda view: view.update_file(replace(added, yanked="3")), views))
        assert len({file.counter for file in racing}) == 8
        assert _listed(storage)[added.filename] in racing

    def test_a_project_keeps_its_status(self, storage: Storage, reopen: Reopen, tmp_path: Path) -> None:
        state = ProjectState(name=normalise("holygrail"), status=ProjectStatus.ARCHIVED, reason=HOSTILE, reserved=True)
        if not storage.can_update:
            with pytest.raises(NotSupported):
                storage.update_project(state)
            return
        storage.update_project(state)
        assert list(storage.scan({})) == [state]
        active = ProjectState(name=state.name)
        reopen().update_project(active)
        assert list(storage.scan({})) == [replace(active, reserved=True)], "a reservation is never taken back"

    # --- deleting -----------------------------------------------------------------------------------------

    def test_a_deleted_file_is_remembered_and_its_project_reserved(
        self, storage: Storage, reopen: Reopen, tmp_path: Path
    ) -> None:
        added = _publish(storage, tmp_path)
        if not storage.can_delete:
            with pytest.raises(NotSupported):
                storage.delete_file(added)
            return
        storage.delete_file(added)
        for view in (storage, reopen()):
            results = list(view.scan({added.filename: added.fingerprint}))
            assert Deleted(added.filename, added.sha256) in results
            assert not _files(results)
            assert Unchanged(added.filename) not in results
            assert _states(view)[added.project].reserved
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
        added = _publish(storage, tmp_path)
        storage.delete_file(added)
        with pytest.raises(FileAlreadyExists):
            reopen().add_file(*make_upload(tmp_path, summary="other content"))
        assert not _listed(storage)
        again = reopen().add_file(*make_upload(tmp_path))
        assert again.sha256 == added.sha256
        assert again.storage_id != added.storage_id or not again.storage_id
        results = list(storage.scan({}))
        assert _files(results) == {again.filename: again}
        assert not [result for result in results if isinstance(result, Deleted)]

    def test_a_deletion_leaves_the_other_files_of_the_project(
        self, storage: Storage, reopen: Reopen, tmp_path: Path
    ) -> None:
        if not storage.can_delete:
            return  # see test_a_deleted_file_is_remembered_and_its_project_reserved
        first, second = _publish(storage, tmp_path), _publish(storage, tmp_path, version="2.0")
        storage.delete_file(first)
        assert _listed(reopen()) == {second.filename: second}
        assert _sha256(storage, second) == second.sha256

    # --- the remote index file ----------------------------------------------------------------------------

    def test_the_index_is_written_by_compare_and_swap(self, storage: Storage, reopen: Reopen) -> None:
        if not self.has_index:
            assert storage.read_index({}) is None
            with pytest.raises(NotSupported):
                storage.write_index({"a": b"1"}, replaces={}, message="a")
            return
        empty = storage.read_index({})
        revisions = storage.write_index({"a": b"1", "b": b"2"}, replaces=empty.revisions if empty else {}, message="a")
        stored = reopen().read_index({})
        assert stored is not None
        assert (stored.parts, stored.revisions) == ({"a": b"1", "b": b"2"}, revisions)
        newer = reopen().write_index({"b": b"3"}, replaces=revisions, message="b")
        assert newer["b"] != revisions["b"]
        with pytest.raises(IndexConflict):
            storage.write_index({"a": b"stale"}, replaces=revisions, message="c")
        stored = storage.read_index(revisions)
        assert stored is not None
        assert (stored.parts, stored.revisions) == ({"b": b"3"}, newer)

    # --- what it tells of itself ----------------------------------------------------------------------------

    def test_its_condition_is_told_in_words_and_changes_nothing(self, storage: Storage, tmp_path: Path) -> None:
        added = _publish(storage, tmp_path)
        condition = storage.condition()
        assert json.loads(json.dumps(dict(condition.facts))) == dict(condition.facts)
        for name, value in condition.facts.items():
            assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name), f"{name!r} is no lower-case words joined by _"
            assert isinstance(value, str | int | float)
            assert "\n" not in str(value)
        for warning in condition.warnings:
            assert warning.endswith("."), f"{warning!r} is no sentence"
            assert "\n" not in warning
        assert list(storage.scan({added.filename: added.fingerprint})) == [Unchanged(added.filename)]

    # --- what died on the way -----------------------------------------------------------------------------

    def test_a_healthy_store_has_no_flaws_and_a_sweep_takes_nothing_from_it(
        self, storage: Storage, reopen: Reopen, tmp_path: Path
    ) -> None:
        added = [
            _publish(storage, tmp_path, "a", "1.0", provenance=b"{}"),
            _publish(storage, tmp_path, "b", sdist=True),
        ]
        if storage.can_update:
            storage.update_file(replace(added[0], yanked=""), {AttachmentKind.PROVENANCE: b"[]"})
            storage.update_project(ProjectState(name=normalise("b"), status=ProjectStatus.ARCHIVED))
        if storage.can_delete:
            storage.delete_file(_publish(storage, tmp_path, "c"))
        before = list(storage.scan({}))
        for view in (storage, reopen()):
            assert list(view.flaws()) == []
            assert view.sweep() == 0
        assert list(reopen().scan({})) == before
        for file in _files(before).values():
            assert _sha256(storage, file) == file.sha256

    def test_a_sweep_takes_nothing_from_who_publishes_meanwhile(
        self, storage: Storage, reopen: Reopen, tmp_path: Path
    ) -> None:
        uploads = [make_upload(tmp_path / str(number), "busy", f"{number}.0") for number in range(12)]
        sweeper, done = reopen(), threading.Event()

        def sweep() -> int:
            swept = 0
            while not done.is_set():
                swept += sweeper.sweep()
            return swept

        with ThreadPoolExecutor(4) as threads:
            sweeping = threads.submit(sweep)
            added = list(threads.map(lambda upload: storage.add_file(*upload), uploads))
            done.set()
            assert sweeping.result() == 0
        assert _listed(reopen()) == {file.filename: file for file in added}

    # --- when the store is not there ----------------------------------------------------------------------

    def test_a_store_that_cannot_be_reached_is_unavailable_and_never_empty(
        self,
        storage: Storage,
        tmp_path: Path,
        unavailable: Callable[[], AbstractContextManager[object]] | None,
    ) -> None:
        if unavailable is None:
            pytest.skip("this backend's tests give no fixture `unavailable`")
        added = _publish(storage, tmp_path)
        upload = make_upload(tmp_path, version="2.0")
        calls: list[Callable[[], object]] = [
            lambda: list(storage.scan({})),
            lambda: list(storage.scan({added.filename: added.fingerprint})),
            lambda: storage.add_file(*upload),
            lambda: storage.open_file(added),
            lambda: storage.find_file(added),
            lambda: storage.read_attachment(added, AttachmentKind.METADATA),
        ]
        if storage.can_update:
            calls.append(lambda: storage.update_file(added))
            calls.append(lambda: storage.update_project(ProjectState(name=added.project)))
        if storage.can_delete:
            calls.append(lambda: storage.delete_file(added))
        for may_look in (storage.flaws, storage.sweep):
            if getattr(type(storage), may_look.__name__) is not getattr(Storage, may_look.__name__):
                calls.append(partial(_whole, may_look))
        with unavailable():
            for call in calls:
                with pytest.raises(StorageUnavailable):
                    call()
        assert list(storage.scan({added.filename: added.fingerprint})) == [Unchanged(added.filename)]

    # --- death at any step --------------------------------------------------------------------------------

    def test_a_publication_killed_at_any_step_leaves_the_old_state_or_the_new(
        self, crashing: Callable[[], CrashingStore] | None, tmp_path: Path
    ) -> None:
        for step in itertools.count(1):
            store = _crashing(crashing, step)
            neighbour = _publish(store.open(), tmp_path, version="0.9")
            file, staged = make_upload(tmp_path, summary="killed")
            died = store.run(partial(_add, file=file, staged=staged), dying_at=step)
            storage = store.open()
            storage.sweep()
            results = list(storage.scan({}))
            files = _files(results)
            assert _sha256(storage, files.pop(neighbour.filename)) == neighbour.sha256
            assert set(files) == {file.filename} if not died else set(files) <= {file.filename}
            assert not _unwelcome(results)
            if files:
                listed = files[file.filename]
                assert _without_place(listed) == _without_place(file)
                assert _sha256(storage, listed) == file.sha256
                with pytest.raises(FileAlreadyExists):
                    storage.add_file(*make_upload(tmp_path, summary="killed"))
            else:
                again = storage.add_file(*make_upload(tmp_path, summary="second try"))
                assert _sha256(storage, again) == again.sha256
                assert _listed(store.open())[file.filename] == again
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
            added = _publish(storage, tmp_path)
            change = replace(added, yanked="broken")
            died = store.run(partial(_update, file=change), dying_at=step)
            storage = store.open()
            storage.sweep()
            results = list(storage.scan({}))
            assert not _unwelcome(results)
            listed = _files(results)[added.filename]
            assert listed.yanked in ((None, "broken") if died else ("broken",))
            assert _without_place(replace(listed, yanked=None, counter=0)) == _without_place(replace(added, counter=0))
            assert _sha256(storage, listed) == added.sha256
            assert storage.update_file(replace(listed, yanked="again")).counter > listed.counter
            assert _listed(store.open())[added.filename].yanked == "again"
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
            added = _publish(storage, tmp_path)
            died = store.run(partial(_delete, file=added), dying_at=step)
            storage = store.open()
            storage.sweep()
            results = list(storage.scan({}))
            deleted = Deleted(added.filename, added.sha256)
            if added.filename in _files(results):
                assert died
                assert deleted not in results
                assert _sha256(storage, _files(results)[added.filename]) == added.sha256
                storage.delete_file(_files(results)[added.filename])
            results = list(store.open().scan({}))
            assert deleted in results
            assert not _files(results)
            assert _states(storage)[added.project].reserved
            if not died:
                return


def _folder(parent: Path, name: str) -> Path:
    folder = parent / name
    folder.mkdir()
    return folder


def _crashing(make: Callable[[], CrashingStore] | None, step: int) -> CrashingStore:
    if make is None:
        pytest.skip("this backend's tests give no fixture `crashing`")
    assert step < _MAX_STEPS, "the operation never ends by itself"
    return make()


def _whole(look: Callable[[], object]) -> None:
    """All of what it answers, if it answers one after the other."""
    found = look()
    if isinstance(found, Iterable):
        list(found)


def _add(storage: Storage, *, file: DistributionFile, staged: StagedFile) -> None:
    storage.add_file(file, staged)


def _update(storage: Storage, *, file: DistributionFile) -> None:
    storage.update_file(file)


def _delete(storage: Storage, *, file: DistributionFile) -> None:
    storage.delete_file(file)


def _publish(
    storage: Storage, folder: Path, project: str = "holygrail", version: str = "1.0", **fields: object
) -> DistributionFile:
    return storage.add_file(*make_upload(folder, project, version, **fields))  # type: ignore[arg-type]  # each has its own type


def _files(results: Iterable[object]) -> dict[str, DistributionFile]:
    found = [result for result in results if isinstance(result, DistributionFile)]
    files = {file.filename: file for file in found}
    assert len(files) == len(found), "a filename was listed twice"
    return files


def _listed(storage: Storage) -> Mapping[str, DistributionFile]:
    results = list(storage.scan({}))
    assert not [result for result in results if isinstance(result, Refused | Unchanged)]
    return _files(results)


def _states(storage: Storage) -> Mapping[NormalizedName, ProjectState]:
    return {result.name: result for result in storage.scan({}) if isinstance(result, ProjectState)}


def _unwelcome(results: Iterable[object]) -> list[object]:
    return [result for result in results if isinstance(result, Refused | Unchanged | Deleted)]


def _sha256(storage: Storage, file: DistributionFile) -> str:
    with storage.open_file(file) as stream:
        return hashlib.sha256(stream.read()).hexdigest()


def _without_place(file: DistributionFile) -> DistributionFile:
    return replace(file, storage_id="", fingerprint="")
