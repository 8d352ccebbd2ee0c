"""What is published is there, as it was given, and is never replaced."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from pywharf_core.errors import FileAlreadyExists, FileNotFound
from pywharf_core.model import AttachmentKind, CoreMetadata, DistributionFile
from pywharf_core.storage import Storage
from pywharf_core.storage_answers import Unchanged
from pywharf_core.testing.storage_contract.questions import (
    HOSTILE,
    files_of,
    listed_by,
    publish,
    sha256_of,
    without_place,
)
from pywharf_core.testing.storage_contract.stores import Reopen
from pywharf_core.testing.uploads import make_upload


class PublishingPromises:
    """Of ``add_file`` and ``scan``, and of the attachments that come with a file."""

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
        assert without_place(added) == without_place(file)
        for view in (storage, reopen()):
            listed = listed_by(view)[file.filename]
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
        added = publish(storage, tmp_path)
        assert list(storage.scan({added.filename: "another"})) == [added]

    def test_many_files_are_all_listed_once(self, storage: Storage, reopen: Reopen, tmp_path: Path) -> None:
        versions = [("a", "1.0"), ("a", "1.1"), ("a-b", "1.0"), ("b", "2!1.0.post1+local.2"), ("c", "1.0rc1")]
        added = [publish(storage, tmp_path, project, version) for project, version in versions]
        added.append(publish(storage, tmp_path, "a", "1.0", sdist=True))
        results = list(reopen().scan({}))
        assert sorted(files_of(results)) == sorted(file.filename for file in added)
        assert len(results) == len(added)

    def test_a_file_that_is_published_as_yanked_is_yanked_from_its_first_moment(
        self, storage: Storage, reopen: Reopen, tmp_path: Path
    ) -> None:
        file, staged = make_upload(tmp_path)
        added = storage.add_file(replace(file, yanked="Loses data"), staged)
        assert added.yanked == "Loses data"
        assert listed_by(reopen()) == {added.filename: added}

    def test_a_pace_is_one_that_can_be_kept(self, storage: Storage) -> None:
        assert all(pace.operations > 0 and pace.seconds > 0 for pace in storage.pace)

    def test_hostile_texts_survive_publication_and_rebuild(
        self, storage: Storage, reopen: Reopen, tmp_path: Path
    ) -> None:
        file, staged = make_upload(tmp_path, comment=HOSTILE)
        metadata: CoreMetadata = {"summary": HOSTILE, "classifiers": (HOSTILE, "", "x"), "keywords": "", "dynamic": ()}
        file = replace(file, core_metadata=metadata, requires_python=">=3.8,!=3.9.*")
        added = storage.add_file(file, staged)
        listed = listed_by(reopen())[file.filename]
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
        added = publish(storage, tmp_path)
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
        assert sha256_of(storage, added) == added.sha256

    @pytest.mark.parametrize("same", [True, False], ids=["same content", "other content"])
    def test_a_published_file_is_never_replaced(
        self, storage: Storage, reopen: Reopen, tmp_path: Path, same: bool
    ) -> None:
        added = publish(storage, tmp_path, summary="first")
        for view in (storage, reopen()):
            again, staged = make_upload(tmp_path, summary="first" if same else "second")
            with pytest.raises(FileAlreadyExists):
                view.add_file(again, staged)
            assert list(view.scan({added.filename: added.fingerprint})) == [Unchanged(added.filename)]
            assert sha256_of(view, added) == added.sha256

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
            listed = listed_by(view)[file.filename]
            assert listed == results[winners[0]]
            assert listed.core_metadata == file.core_metadata
            assert sha256_of(view, listed) == file.sha256
            for kind, content in staged.attachments.items():
                assert view.read_attachment(listed, kind) == content

    def test_uploads_of_different_files_do_not_disturb_each_other(
        self, storage: Storage, reopen: Reopen, tmp_path: Path
    ) -> None:
        uploads = [make_upload(tmp_path / str(number), "busy", f"{number}.0") for number in range(12)]
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda upload: storage.add_file(*upload), uploads))
        assert set(listed_by(reopen())) == {file.filename for file, _ in uploads}
