"""How pywharf finds the storage type."""

from __future__ import annotations

from importlib.metadata import entry_points

from pywharf_filesystem.options import FileSystemOptions
from pywharf_filesystem.storage import FileSystemStorageType


def test_the_storage_type_is_registered() -> None:
    (entry_point,) = entry_points(group="pywharf", name="file_system")
    assert entry_point.load().pywharf_storage_types() == [FileSystemStorageType]


def test_the_storage_type_says_what_the_configuration_may_hold() -> None:
    assert FileSystemStorageType.name == "file_system"
    assert FileSystemStorageType.auth == "secrets"
    assert FileSystemStorageType.options is FileSystemOptions
    assert FileSystemStorageType.max_file_bytes == 5_368_709_119
