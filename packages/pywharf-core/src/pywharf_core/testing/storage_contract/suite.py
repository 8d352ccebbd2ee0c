"""The suite that a backend's tests inherit: all promises, and the fixtures by which it comes to stores."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import ClassVar

import pytest

from pywharf_core.storage import Storage
from pywharf_core.testing.killed_store import KilledStore
from pywharf_core.testing.storage_contract.deleting import DeletingPromises
from pywharf_core.testing.storage_contract.killed import KilledPromises
from pywharf_core.testing.storage_contract.publishing import PublishingPromises
from pywharf_core.testing.storage_contract.reading import ReadingPromises
from pywharf_core.testing.storage_contract.remote_index import RemoteIndexPromises
from pywharf_core.testing.storage_contract.stores import CrashingStore, Reopen
from pywharf_core.testing.storage_contract.unreachable import UnreachablePromises
from pywharf_core.testing.storage_contract.updating import UpdatingPromises
from pywharf_core.testing.storage_contract.upkeep import UpkeepPromises


class StorageContract(
    # From below: pytest runs the tests of the last base first.
    KilledPromises,
    UnreachablePromises,
    UpkeepPromises,
    RemoteIndexPromises,
    DeletingPromises,
    UpdatingPromises,
    ReadingPromises,
    PublishingPromises,
):
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


def _folder(parent: Path, name: str) -> Path:
    folder = parent / name
    folder.mkdir()
    return folder
