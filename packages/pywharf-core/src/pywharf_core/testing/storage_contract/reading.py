"""A file's bytes, and the file as it is now."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from pywharf_core.errors import FileChanged, FileNotFound
from pywharf_core.model import AttachmentKind, DistributionFile
from pywharf_core.storage import Storage
from pywharf_core.storage_answers import LocalPath, OpenedFile, RedirectTo
from pywharf_core.testing.storage_contract.questions import ALLOWED_ERRORS, publish
from pywharf_core.testing.storage_contract.stores import Reopen
from pywharf_core.testing.uploads import make_upload


class ReadingPromises:
    """Of ``open_file``, ``locate_file`` and ``find_file``."""

    def test_a_located_file_has_the_listed_hash(self, storage: Storage, tmp_path: Path) -> None:
        added = publish(storage, tmp_path)
        _check_location(storage.locate_file(added), added)
        _check_location(storage.file_at_hand(added), added)
        _check_location(storage.file_at_hand(replace(added, fingerprint="another", hashes={"sha256": "0" * 64})), None)

    def test_an_attachment_at_hand_is_the_one_that_is_read(self, storage: Storage, tmp_path: Path) -> None:
        added = publish(storage, tmp_path)
        for _ in range(2):
            at_hand = storage.attachment_at_hand(added, AttachmentKind.METADATA)
            assert at_hand in (None, storage.read_attachment(added, AttachmentKind.METADATA))

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
        added = publish(storage, tmp_path)
        with pytest.raises(FileChanged):
            storage.open_file(replace(added, fingerprint="another", hashes={"sha256": "0" * 64}))

    def test_a_file_is_found_as_it_is_now(self, storage: Storage, reopen: Reopen, tmp_path: Path) -> None:
        added = publish(storage, tmp_path)
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


def _check_location(location: LocalPath | OpenedFile | RedirectTo | None, file: DistributionFile | None) -> None:
    """:param file: that it is of; None: of none that there is."""
    content = None
    match location:
        case LocalPath(path):
            content = path.read_bytes()
        case OpenedFile(stream):
            with stream:
                content = stream.read()
    if content is not None:
        assert file is not None
        assert hashlib.sha256(content).hexdigest() == file.sha256
