"""What ``pywharf check`` shows of what a storage tells of itself, and of changes that wait for a remote index."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from unittest.mock import patch

import pytest
from click.testing import CliRunner, Result

from pywharf_core import changes, remote_changes, shared_secrets
from pywharf_core.cli.root import make_root
from pywharf_core.config import load_configuration
from pywharf_core.hookspecs import hookimpl
from pywharf_core.options import option
from pywharf_core.plugins import Plugins
from pywharf_core.root import Root
from pywharf_core.storage import Storage, StorageType
from pywharf_core.storage_answers import Condition
from pywharf_core.testing import IndexedMemoryStorageType, MemoryStorage, make_upload
from pywharf_core.wharf import Wharf
from pywharf_filesystem import plugin as file_system


class TellingStorage(MemoryStorage):
    told = Condition({"disk_left": 12, "made_by": "somebody"}, ["The disk is nearly full; make room."])

    def condition(self) -> Condition:
        return self.told


@dataclass(frozen=True, kw_only=True)
class NoOptions:
    ignored: str = option("Nothing", default="")


class TellingType(StorageType):
    name: ClassVar[str] = "telling"
    options: ClassVar[type] = NoOptions
    auth: ClassVar[str] = "storage"

    def open(self, repository: str, options: object, work: Path) -> Storage:
        return TellingStorage()


class Plugin:
    @staticmethod
    @hookimpl
    def pywharf_storage_types() -> Sequence[type[StorageType]]:
        return [TellingType, IndexedMemoryStorageType]


PLUGINS = Plugins.of(Plugin(), shared_secrets)


WITH_FILES = Plugins.of(file_system, shared_secrets)


def check(root: Path, *flags: str, plugins: Plugins = PLUGINS) -> Result:
    return CliRunner().invoke(make_root(plugins), ["check", "--root", str(root), *flags])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


def test_what_a_storage_tells_is_shown_below_the_table(root: Path) -> None:
    (root / "config.toml").write_text('[a]\ntype = "telling"\n[b]\ntype = "telling"\n')
    result = check(root)
    assert result.stdout.splitlines()[3:] == [
        "",
        "REPOSITORY  WHAT       VALUE",
        "a           disk left  12",
        "a           made by    somebody",
        "b           disk left  12",
        "b           made by    somebody",
    ]
    assert result.stderr.splitlines() == [f"{name}: warning: The disk is nearly full; make room." for name in "ab"]
    assert result.exit_code == 0, "a warning is no failure"


def test_a_program_gets_it_too(root: Path) -> None:
    (root / "config.toml").write_text('[a]\ntype = "telling"\n')
    [finding] = json.loads(check(root, "--json").stdout)
    assert finding["facts"] == {"disk_left": 12, "made_by": "somebody"}
    assert finding["warnings"] == ["The disk is nearly full; make room."]
    assert finding["problem"] is None


def test_a_storage_that_tells_nothing_adds_no_line(root: Path) -> None:
    (root / "config.toml").write_text('[a]\ntype = "telling"\n')
    with patch.object(TellingStorage, "told", Condition()):
        result = check(root)
    assert len(result.stdout.splitlines()) == 2
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("index_updates", "blamed"),
    [("server", "whether the admin secret may write"), ("service", "at the service that runs update_index")],
)
def test_changes_that_wait_long_for_the_remote_index_are_warned_of(
    root: Path, tmp_path: Path, index_updates: str, blamed: str
) -> None:
    (root / "config.toml").write_text(
        f'[a]\ntype = "indexed_memory"\nread_secret = "x"\nindex_updates = "{index_updates}"\n'
    )
    configurations = load_configuration((root / "config.toml").read_text(), None, PLUGINS)
    with Wharf.open(configurations, Root(root)) as wharf:
        repository = wharf.repositories["a"]
        repository.synchronise()
        changes.publish(repository, *make_upload(tmp_path))
        assert remote_changes.condition(repository) == Condition({"changes_waiting": 1})
        with patch("pywharf_core.remote_changes.time", wraps=time) as later:
            later.time.return_value = time.time() + 7200
            [warning] = remote_changes.condition(repository).warnings
        assert warning.startswith("1 change waits since ")
        assert blamed in warning
        remote_changes.update_index(repository)
        condition = remote_changes.condition(repository)
        assert condition.facts["changes_waiting"] == 0
        assert str(condition.facts["index_written_at"]).endswith("Z")
        assert not condition.warnings


@pytest.fixture
def store(root: Path, tmp_path: Path) -> Path:
    """Of the repository ``a``, which was never checked."""
    (root / "config.toml").write_text(f'[a]\ntype = "file_system"\nwrite_secret = "x"\npath = "{tmp_path / "store"}"\n')
    return tmp_path / "store"


def test_what_cannot_be_synchronised_has_the_age_since_it_last_was(root: Path, store: Path, tmp_path: Path) -> None:
    [before] = json.loads(check(root, "--json", plugins=WITH_FILES).stdout)
    assert (before["problem"], before["index_age_seconds"] < 60) == (None, True)
    store.rename(tmp_path / "away")
    [first], [second] = (json.loads(check(root, "--json", plugins=WITH_FILES).stdout) for _ in range(2))
    assert (first["reachable"], first["index_age_seconds"] < second["index_age_seconds"]) == (False, True)


def test_a_store_that_the_operating_system_refuses_is_named_on_the_terminal(
    root: Path, store: Path, tmp_path: Path
) -> None:
    check(root, plugins=WITH_FILES)
    store.rename(tmp_path / "away")
    store.symlink_to(store)  # which stops also the superuser, whom no mode does
    result = check(root, plugins=WITH_FILES)
    assert result.exit_code == 1
    assert f" now: Too many levels of symbolic links ({store}" in result.stderr
