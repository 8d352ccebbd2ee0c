"""What the operating system refuses reaches people as one sentence, and leaves nothing half done."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from filesystem.stores import drop, listed
from pywharf_core import FileNotFound, ProjectState, StorageUnavailable, normalise
from pywharf_core.testing import make_upload, make_wheel
from pywharf_filesystem.storage import FileSystemStorage

_NUMBERS = [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO, errno.ESTALE, errno.EDQUOT]


def _refusing(call: Callable[..., Any], number: int, store: Path) -> Callable[..., Any]:
    def refuse(path: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(path, int) or str(path).startswith(str(store)):
            raise OSError(number, os.strerror(number), str(path))
        return call(path, *args, **kwargs)

    return refuse


@pytest.mark.parametrize("number", _NUMBERS, ids=errno.errorcode.__getitem__)
@pytest.mark.parametrize("call", ["fsync", "rename", "link"])
def test_an_upload_that_the_disk_refuses_publishes_nothing(
    storage: FileSystemStorage, store: Path, made: Path, number: int, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed(storage)
    upload = make_upload(storage.staging_folder() or made)
    with monkeypatch.context() as patch:
        patch.setattr(os, call, _refusing(getattr(os, call), number, store))
        with pytest.raises(StorageUnavailable, match=os.strerror(number)) as caught:
            storage.add_file(*upload)
    assert str(store) not in str(caught.value)
    assert list(storage.scan({})) == []
    assert storage.add_file(*upload).filename in listed(storage)


@pytest.mark.parametrize("number", _NUMBERS, ids=errno.errorcode.__getitem__)
@pytest.mark.parametrize("call", ["scandir", "stat"])
def test_a_scan_that_the_disk_refuses_ends_unavailable(
    storage: FileSystemStorage, store: Path, made: Path, number: int, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = storage.add_file(*make_upload(made))
    with monkeypatch.context() as patch:
        patch.setattr(os, call, _refusing(getattr(os, call), number, store / "holygrail"))
        with pytest.raises(StorageUnavailable, match=os.strerror(number)):
            list(storage.scan({added.filename: added.fingerprint}))


def test_a_change_that_the_disk_refuses_changes_nothing(
    storage: FileSystemStorage, store: Path, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = storage.add_file(*make_upload(made))
    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", _refusing(os.rename, errno.ENOSPC, store))
        with pytest.raises(StorageUnavailable):
            storage.update_file(added)
        with pytest.raises(StorageUnavailable):
            storage.delete_file(added)
        with pytest.raises(StorageUnavailable):
            storage.update_project(ProjectState(name=normalise("holygrail"), reserved=True))
    assert list(storage.scan({})) == [added]


def test_a_store_that_is_unmounted_during_a_scan_is_unavailable_in_the_middle(
    storage: FileSystemStorage, store: Path, made: Path
) -> None:
    for project in ("a", "b", "c"):
        storage.add_file(*make_upload(made, project))
    results = storage.scan({})
    next(results)
    store.rename(store.with_name("disk"))
    store.mkdir()
    with pytest.raises(StorageUnavailable):
        list(results)


def test_a_dropped_file_that_may_not_be_read_does_not_hide_the_others(
    storage: FileSystemStorage, store: Path, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(make_wheel(made, "a", "1.0"), store / "a")
    secret = drop(make_wheel(made, "b", "1.0"), store / "b")
    opened = Path.open

    def forbidding(path: Path, *args: Any, **kwargs: Any) -> Any:  # root may read everything
        if path == secret:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return opened(path, *args, **kwargs)

    monkeypatch.setattr(Path, "open", forbidding)
    assert set(listed(storage)) == {"a-1.0-py3-none-any.whl"}


def test_a_file_removed_by_hand_is_not_found(storage: FileSystemStorage, store: Path, made: Path) -> None:
    added = storage.add_file(*make_upload(made))
    (store / "holygrail" / added.filename).unlink()
    with pytest.raises(FileNotFound):
        storage.open_file(added)
    assert list(storage.scan({added.filename: added.fingerprint})) == []
    again = storage.add_file(*make_upload(made, summary="its sidecar was left behind"))
    assert listed(storage) == {again.filename: again}
