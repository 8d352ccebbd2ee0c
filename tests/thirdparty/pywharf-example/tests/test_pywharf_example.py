"""The storage keeps pywharf's contract."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest

from pywharf_core.testing import StorageContract, moved_away
from pywharf_example import ExampleStorage, create


class TestExampleStorage(StorageContract):
    def new_store(self, folder: Path) -> Callable[[], ExampleStorage]:
        create(folder / "packages.sqlite3")
        return partial(ExampleStorage, folder / "packages.sqlite3")

    @pytest.fixture
    def unavailable(self, storage: ExampleStorage) -> Callable[[], AbstractContextManager[None]]:
        return partial(moved_away, storage.path)
