"""The in-memory storage keeps the contract, so tests may use it in place of a real one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from pywharf_core.storage import Storage
from pywharf_core.testing import (
    IndexedMemoryStorage,
    MemoryOptions,
    MemoryStorage,
    MemoryStorageType,
    StorageContract,
    make_upload,
)


class TestMemoryStorage(StorageContract):
    has_index = True

    @pytest.fixture
    def storage(self) -> MemoryStorage:
        return MemoryStorage()

    @pytest.fixture
    def reopen(self, storage: MemoryStorage) -> Callable[[], Storage]:
        return lambda: MemoryStorage(storage.store)

    @pytest.fixture
    def unavailable(self, storage: MemoryStorage) -> Callable[[], AbstractContextManager[object]]:
        @contextmanager
        def off() -> Iterator[None]:
            storage.store.available = False
            yield
            storage.store.available = True

        return off


class TestIndexedMemoryStorage(TestMemoryStorage):
    @pytest.fixture
    def storage(self) -> IndexedMemoryStorage:
        return IndexedMemoryStorage()

    @pytest.fixture
    def reopen(self, storage: MemoryStorage) -> Callable[[], Storage]:
        return lambda: IndexedMemoryStorage(storage.store)


def test_one_working_folder_finds_its_store_again(tmp_path: Path) -> None:
    added = MemoryStorageType().open("a", MemoryOptions(), tmp_path / "work").add_file(*make_upload(tmp_path))
    again = MemoryStorageType().open("a", MemoryOptions(), tmp_path / "work")
    assert list(again.scan({})) == [added]
    assert list(MemoryStorageType().open("a", MemoryOptions(), tmp_path / "elsewhere").scan({})) == []
