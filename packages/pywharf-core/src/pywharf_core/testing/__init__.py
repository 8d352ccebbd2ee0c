"""What the author of a backend tests with: the storage contract as a suite, an in-memory storage, tiny distributions.

::

    from pywharf_core.testing import StorageContract

    class TestMyStorage(StorageContract):
        def new_store(self, folder: Path) -> Callable[[], Storage]:
            return lambda: MyStorage(folder)

Needs pytest: ``pip install pywharf-core[testing]``.
"""

import pytest

# Before the import, or the suite's asserts lose their explanations.
pytest.register_assert_rewrite("pywharf_core.testing.storage_contract")

from pywharf_core.testing.distributions import make_sdist, make_wheel  # noqa: E402 - after the registration
from pywharf_core.testing.indexed_memory_storage import (  # noqa: E402 - after the registration
    IndexedMemoryStorage,
    IndexedMemoryStorageType,
    signed_notice,
)
from pywharf_core.testing.killed_store import KilledStore  # noqa: E402 - after the registration
from pywharf_core.testing.memory_storage import (  # noqa: E402 - after the registration
    MemoryOptions,
    MemoryStorage,
    MemoryStorageType,
    MemoryStore,
)
from pywharf_core.testing.moved_away import moved_away  # noqa: E402 - after the registration
from pywharf_core.testing.storage_contract import CrashingStore, StorageContract  # noqa: E402 - after the registration
from pywharf_core.testing.uploads import make_upload  # noqa: E402 - after the registration

__all__ = [
    "CrashingStore",
    "IndexedMemoryStorage",
    "IndexedMemoryStorageType",
    "KilledStore",
    "MemoryOptions",
    "MemoryStorage",
    "MemoryStorageType",
    "MemoryStore",
    "StorageContract",
    "make_sdist",
    "make_upload",
    "make_wheel",
    "moved_away",
    "signed_notice",
]
