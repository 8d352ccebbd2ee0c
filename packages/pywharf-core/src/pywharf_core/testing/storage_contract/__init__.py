"""Every promise of ``pywharf_core.storage``, as a suite that a backend's tests inherit; a module for each subject."""

from pywharf_core.testing.storage_contract.questions import ALLOWED_ERRORS, HOSTILE
from pywharf_core.testing.storage_contract.stores import CrashingStore
from pywharf_core.testing.storage_contract.suite import StorageContract

__all__ = ["ALLOWED_ERRORS", "HOSTILE", "CrashingStore", "StorageContract"]
