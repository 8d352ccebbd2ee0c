"""What this distribution brings to pywharf: the storage type ``file_system``."""

from __future__ import annotations

from collections.abc import Sequence

from pywharf_core import StorageType, hookimpl
from pywharf_filesystem.storage import FileSystemStorageType


@hookimpl
def pywharf_storage_types() -> Sequence[type[StorageType]]:
    return [FileSystemStorageType]
