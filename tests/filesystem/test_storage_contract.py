"""The file-system storage keeps the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from filesystem.killed_process import KilledStore
from pywharf_core import Storage
from pywharf_core.testing import CrashingStore, StorageContract
from pywharf_filesystem.storage import FileSystemStorage


class TestFileSystemStorage(StorageContract):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> FileSystemStorage:
        return FileSystemStorage(tmp_path / "store", tmp_path / "work")

    @pytest.fixture
    def reopen(self, storage: FileSystemStorage, tmp_path: Path) -> Callable[[], Storage]:
        return lambda: FileSystemStorage(tmp_path / "store", tmp_path / "another work")

    @pytest.fixture
    def unavailable(self, tmp_path: Path) -> Callable[[], AbstractContextManager[object]]:
        @contextmanager
        def unmounted() -> Iterator[None]:
            (tmp_path / "store").rename(tmp_path / "disk")
            (tmp_path / "store").mkdir()
            yield
            (tmp_path / "store").rmdir()
            (tmp_path / "disk").rename(tmp_path / "store")

        return unmounted

    @pytest.fixture
    def crashing(self, tmp_path: Path) -> Callable[[], CrashingStore]:
        return lambda: KilledStore(tmp_path)
