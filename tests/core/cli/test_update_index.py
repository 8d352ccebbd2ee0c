"""``pywharf update_index``, on stores in memory."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
from click.testing import CliRunner, Result

from pywharf_core.auth import Access, Verdict
from pywharf_core.cli.root import make_root
from pywharf_core.errors import NotPermitted
from pywharf_core.index.content import MAIN
from pywharf_core.index.document import decode_main
from pywharf_core.options import option
from pywharf_core.plugins import Plugins
from pywharf_core.secret import Secret
from pywharf_core.storage import Storage
from pywharf_core.testing import (
    IndexedMemoryStorage,
    IndexedMemoryStorageType,
    MemoryStorageType,
    MemoryStore,
    make_upload,
)


@dataclass(frozen=True, kw_only=True)
class LockedOptions:
    store: str = option("Which store")
    depth: int = option("A number", default=1, minimum=1)
    loud: bool = option("A truth", default=False)
    words: tuple[str, ...] = option("Texts", default=())


class LockedStorage(IndexedMemoryStorage):
    """Lets nobody write the index but who knows the secret ``opens``."""

    def acting_as(self, secret: Secret | None) -> Storage:
        view = LockedStorage(self.store)
        view.may_write_index = secret == Secret("opens")
        return view

    def access(self) -> Verdict:
        return Verdict(Access.WRITE if self.may_write_index else Access.READ)


class LockedStorageType(IndexedMemoryStorageType):
    name: ClassVar[str] = "locked_memory"
    options: ClassVar[type] = LockedOptions
    opened: ClassVar[list[LockedOptions]] = []

    def open(self, repository: str, options: LockedOptions, work: Path) -> LockedStorage:  # type: ignore[override]
        self.opened.append(options)
        return LockedStorage(self.stores.setdefault(options.store, MemoryStore()))


class _Plugin:
    @staticmethod
    def pywharf_storage_types() -> list[type]:
        return [MemoryStorageType, IndexedMemoryStorageType, LockedStorageType]


@pytest.fixture
def store() -> Iterator[str]:
    """The name of a store that nobody else uses."""
    name = uuid.uuid4().hex
    MemoryStorageType.stores[name] = MemoryStore()
    yield name
    del MemoryStorageType.stores[name]


def run(*arguments: str, stdin: str | None = None, **environment: str) -> Result:
    plugins = Plugins(
        storage_types={kind.name: kind for kind in (MemoryStorageType, IndexedMemoryStorageType, LockedStorageType)}
    )
    return CliRunner(env=environment).invoke(make_root(plugins), ["update_index", *arguments], input=stdin)


def publish(store: str, folder: Path, version: str) -> None:
    IndexedMemoryStorage(MemoryStorageType.stores[store]).add_file(*make_upload(folder, version=version))


def listed(store: str) -> set[str]:
    content = decode_main(MemoryStorageType.stores[store].index[MAIN][0])
    assert content is not None
    return {file.filename for file in content.files.values()}


def test_it_makes_the_index_and_says_what_changed(store: str, tmp_path: Path) -> None:
    publish(store, tmp_path, "1.0")
    publish(store, tmp_path, "2.0")
    result = run("indexed_memory", "packages", "--store", store)
    assert result.output == "The remote index of packages: 2 added, 0 changed, 0 removed.\n"
    assert listed(store) == {"holygrail-1.0-py3-none-any.whl", "holygrail-2.0-py3-none-any.whl"}
    assert run("indexed-memory", "packages", "--store", store).output == (
        "The remote index of packages was in line already.\n"
    )


def test_it_drops_what_is_gone(store: str, tmp_path: Path) -> None:
    publish(store, tmp_path, "1.0")
    publish(store, tmp_path, "2.0")
    run("indexed_memory", "packages", "--store", store)
    MemoryStorageType.stores[store].files.popitem()
    result = run("indexed_memory", "packages", "--store", store, "--json")
    assert json.loads(result.output) == {"added": 0, "changed": 0, "removed": 1, "refused": []}
    assert listed(store) == {"holygrail-1.0-py3-none-any.whl"}


def test_a_storage_without_a_remote_index_has_nothing_to_do(store: str) -> None:
    result = run("memory", "packages", "--store", store)
    assert result.output == "A storage of type memory keeps no remote index; there is nothing to do.\n"
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [(["--secret", "opens"], None), (["--secret", "-"], "opens\n"), (["--secret_env", "S"], None)],
)
def test_the_secret_comes_from_the_command_line_standard_input_or_the_environment(
    store: str, tmp_path: Path, arguments: list[str], stdin: str | None
) -> None:
    publish(store, tmp_path, "1.0")
    result = run("locked_memory", "packages", "--store", store, *arguments, stdin=stdin, S="opens")
    assert result.exit_code == 0, result.output
    assert listed(store)


def test_a_secret_that_may_not_write_is_told_so(store: str, tmp_path: Path) -> None:
    publish(store, tmp_path, "1.0")
    result = run("locked_memory", "packages", "--store", store, "--secret", "reads")
    assert result.exit_code == 1
    assert result.stderr == "Error: This server's secret may not write the index.\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--secret", "a", "--secret_env", "S"], "exclude each other"),
        (["--secret_env", "NOT_SET"], "is not set"),
        (["--depth", "0"], "depth = 0: expected a whole number from 1"),
    ],
)
def test_wrong_flags_are_usage_errors(store: str, arguments: list[str], sentence: str) -> None:
    result = run("locked_memory", "packages", "--store", store, *arguments, S="x")
    assert result.exit_code == 2
    assert sentence in result.stderr


def test_what_a_type_needs_and_what_it_does_not_know_is_told_at_once(store: str) -> None:
    assert "store: missing" in run("locked_memory", "packages").stderr
    assert "depth: unknown key" in run("indexed_memory", "packages", "--store", store, "--depth", "1").stderr
    result = run("github", "packages")
    assert result.exit_code == 2
    assert "pip install" in result.stderr
    assert "did you mean memory?" in run("memori", "packages").stderr


def test_every_kind_of_option_is_a_flag(store: str) -> None:
    LockedStorageType.opened.clear()
    run("locked_memory", "packages", "--store", store, "--depth", "3", "--loud", "--words", "a", "--words", "b")
    assert LockedStorageType.opened == [LockedOptions(store=store, depth=3, loud=True, words=("a", "b"))]


def test_the_fake_is_right_that_only_the_right_secret_writes() -> None:
    with pytest.raises(NotPermitted):
        LockedStorage().acting_as(None).write_index({}, replaces={}, message="")
