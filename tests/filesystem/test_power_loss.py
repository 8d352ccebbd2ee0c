"""Whatever was answered survives a power loss, and what was not answered leaves the old state or the new."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from filesystem.lossy_disk import LossyDisk, PowerLoss
from pywharf_core import Deleted, DistributionFile, ScanResult, Storage
from pywharf_core.testing import make_upload
from pywharf_filesystem.storage import FileSystemStorage


def _after(loss: PowerLoss, folder: Path) -> tuple[Storage, list[ScanResult]]:
    """A storage on what ``loss`` leaves, and its scan; what is listed has the bytes it says."""
    shutil.rmtree(folder, ignore_errors=True)
    loss.lay_out(folder)
    storage = FileSystemStorage(folder / "store", folder / "work", settled_after_ns=0)
    results = list(storage.scan({}))
    for file in _files(results):
        found = storage.find_file(file)
        with storage.open_file(file) as stream:
            assert len(stream.read()) == file.size, loss
        assert found == file
    return storage, results


def _files(results: Sequence[ScanResult]) -> list[DistributionFile]:
    return [result for result in results if isinstance(result, DistributionFile)]


def _here(file: DistributionFile) -> DistributionFile:
    return replace(file, fingerprint="", storage_id="")


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    return tmp_path / "disk"


@pytest.fixture
def stored(disk: Path) -> FileSystemStorage:
    return FileSystemStorage(disk / "store", disk / "work", settled_after_ns=0)


@pytest.mark.parametrize("staged_elsewhere", [False, True], ids=["staged in the store", "staged on another disk"])
@pytest.mark.parametrize("first", [True, False], ids=["first file of its project", "another file of its project"])
def test_an_upload(
    stored: FileSystemStorage,
    disk: Path,
    tmp_path: Path,
    made: Path,
    first: bool,
    staged_elsewhere: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = stored.staging_folder()
    assert folder is not None
    before = [] if first else [stored.add_file(*make_upload(made, version="0.9"))]
    watched = LossyDisk(disk)
    file, staged = make_upload(folder, provenance=b"{}")  # its bytes are not synced yet
    if staged_elsewhere:
        _pretend_another_disk(monkeypatch)
    with watched.watched(monkeypatch):
        added = stored.add_file(file, staged)
    kinds = set()
    for loss in watched.losses:
        _, results = _after(loss, tmp_path / "left")
        new = [_here(it) for it in _files(results) if it.filename == file.filename]
        assert [_here(it) for it in _files(results) if it.filename != file.filename] == [_here(it) for it in before]
        assert new in ([], [_here(added)]), loss
        assert len(results) == len(before) + len(new), loss
        kinds.add(bool(new))
        if loss.before == "the end":
            assert new, loss
    assert kinds == {True, False}


def _pretend_another_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.link

    def no_links_from_staging(source: Path, target: Path) -> None:
        if Path(source).parent.name == "staging":
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        real(source, target)

    monkeypatch.setattr(os, "link", no_links_from_staging)


@pytest.mark.parametrize(
    "change",
    [
        lambda storage, file: storage.update_file(replace(file, yanked="broken")),
        lambda storage, file: storage.delete_file(file),
    ],
    ids=["a yank", "a deletion"],
)
def test_a_change(
    stored: FileSystemStorage,
    disk: Path,
    tmp_path: Path,
    made: Path,
    change: Callable[[Storage, DistributionFile], object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    added = stored.add_file(*make_upload(made))
    watched = LossyDisk(disk)
    with watched.watched(monkeypatch):
        change(stored, added)
    _, final = _after(watched.losses[-1], tmp_path / "left")
    states = set()
    for loss in watched.losses:
        _, results = _after(loss, tmp_path / "left")
        (state,) = {
            it.yanked if isinstance(it, DistributionFile) else "deleted"
            for it in results
            if isinstance(it, DistributionFile | Deleted)
        }
        assert state in (None, "broken", "deleted")
        assert all(_here(replace(it, yanked=None, counter=0)) == _here(added) for it in _files(results)), loss
        states.add(state)
        if loss.before == "the end":
            assert [_here(it) for it in _files(results)] == [_here(it) for it in _files(final)]
            assert state is not None
    assert len(states) == 2


def test_the_birth_of_a_store(disk: Path, tmp_path: Path, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk.mkdir()
    watched = LossyDisk(disk)
    upload = make_upload(made)
    with watched.watched(monkeypatch):
        added = FileSystemStorage(disk / "a" / "store", disk / "work").add_file(*upload)
    for loss in watched.losses:
        shutil.rmtree(tmp_path / "left", ignore_errors=True)
        loss.lay_out(tmp_path / "left")
        storage = FileSystemStorage(tmp_path / "left" / "a" / "store", tmp_path / "left" / "work")
        files = [_here(it) for it in _files(list(storage.scan({})))]
        assert files in ([], [_here(added)]), loss
        assert files or loss.before != "the end"
        storage.add_file(*make_upload(made, version="2.0"))


def test_the_disk_of_these_tests_does_lose_what_is_not_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "disk"
    root.mkdir()
    watched = LossyDisk(root)
    with watched.watched(monkeypatch):
        (root / "unfinished").write_bytes(b"bytes")
        (root / "unfinished").rename(root / "done")
    lazy, eager = watched.losses[-2:]
    assert (lazy.kind, lazy.files) == ("lazy", ())
    assert [(name, content) for name, _, content, _ in eager.files] == [("done", b"")]
