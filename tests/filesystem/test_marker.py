"""A store that was seen once and is not there now is unavailable, never empty."""

from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from filesystem.stores import drop, listed
from pywharf_core import StorageUnavailable
from pywharf_core.testing import make_upload, make_wheel
from pywharf_filesystem.options import FileSystemOptions
from pywharf_filesystem.storage import FileSystemStorage, FileSystemStorageType


def test_opening_touches_nothing(tmp_path: Path, work: Path) -> None:
    FileSystemStorageType().open("local", FileSystemOptions(path=tmp_path / "mnt" / "store"), work)
    assert not (tmp_path / "mnt").exists()
    assert not work.exists()


def test_the_store_lies_in_the_working_folder_unless_said_otherwise(work: Path, made: Path) -> None:
    FileSystemStorageType().open("local", FileSystemOptions(), work).add_file(*make_upload(made))
    assert (work / "storage" / "holygrail" / "holygrail-1.0-py3-none-any.whl").is_file()


def test_a_folder_with_content_is_adopted_with_a_warning(
    storage: FileSystemStorage, store: Path, made: Path, caplog: pytest.LogCaptureFixture
) -> None:
    drop(make_wheel(made, "holygrail", "1.0"), store / "holygrail")
    assert len(listed(storage)) == 1
    assert [record.getMessage() for record in caplog.records] == ["a folder with content becomes a store"]
    caplog.clear()
    assert len(listed(storage)) == 1
    assert not caplog.records


@pytest.mark.parametrize("how", ["no folder", "an empty folder", "another store"])
@pytest.mark.parametrize("restarted", [True, False], ids=["after a restart", "while running"])
def test_a_store_that_is_not_mounted_is_unavailable(
    storage: FileSystemStorage, store: Path, work: Path, made: Path, how: str, restarted: bool
) -> None:
    added = storage.add_file(*make_upload(made))
    store.rename(store.with_name("disk"))
    if how == "an empty folder":
        store.mkdir()
    if how == "another store":
        listed(FileSystemStorage(store, work.with_name("other work")))
    view = FileSystemStorage(store, work) if restarted else storage
    with pytest.raises(StorageUnavailable, match="mounted"):
        list(view.scan({added.filename: added.fingerprint}))
    with pytest.raises(StorageUnavailable, match="mounted"):
        view.open_file(added)
    with pytest.raises(StorageUnavailable, match="mounted"):
        view.add_file(*make_upload(made, version="2.0"))
    assert view.staging_folder() is None
    assert not (store / "holygrail").exists()
    if how != "no folder":
        shutil.rmtree(store)
    store.with_name("disk").rename(store)
    assert listed(view) == {added.filename: added}


def test_a_store_may_move_and_be_served_by_two_roots(
    storage: FileSystemStorage, store: Path, work: Path, made: Path
) -> None:
    added = storage.add_file(*make_upload(made))
    assert listed(FileSystemStorage(store, work.with_name("other work"))) == {added.filename: added}
    moved = store.with_name("moved")
    store.rename(moved)
    assert set(listed(FileSystemStorage(moved, work))) == {added.filename}


def test_a_store_is_adopted_once_by_whoever_comes_first(store: Path, work: Path) -> None:
    start = threading.Barrier(8)

    def adopt(number: int) -> None:
        view = FileSystemStorage(store, work.with_name(f"work {number % 4}"))
        start.wait()
        assert list(view.scan({})) == []
        assert list(view.scan({})) == []

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(adopt, range(8)))


def test_a_damaged_marker_is_no_empty_store(storage: FileSystemStorage, store: Path, made: Path) -> None:
    storage.add_file(*make_upload(made))
    (store / ".pywharf" / "store.toml").write_text("")
    with pytest.raises(StorageUnavailable, match="damaged"):
        list(storage.scan({}))


def test_a_damaged_project_page_is_no_forgotten_deletion(storage: FileSystemStorage, store: Path, made: Path) -> None:
    storage.delete_file(storage.add_file(*make_upload(made)))
    (store / ".pywharf" / "projects" / "holygrail.toml").write_text("deleted = 3")
    with pytest.raises(StorageUnavailable, match="damaged"):
        list(storage.scan({}))
