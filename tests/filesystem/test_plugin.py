"""How pywharf finds the storage type."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

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


def test_a_path_that_can_never_be_a_folder_is_a_mistake_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below" / "it", Path("/dev/null/store")):
        (sentence,) = FileSystemOptions(path=path).problems()
        assert str(path) in sentence


def test_a_path_that_is_only_not_there_is_none(tmp_path: Path) -> None:
    for path in (None, tmp_path, tmp_path / "not" / "yet", Path("relative")):
        assert FileSystemOptions(path=path).problems() == []
