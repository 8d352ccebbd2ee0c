"""What died in a storage is looked for once a day, and that it cannot be is no reason to do nothing else."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from core.two_servers import repository_on
from pywharf_core.repository import Repository
from pywharf_core.testing import MemoryStorage, MemoryStore


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def repository(store: MemoryStore, tmp_path: Path) -> Iterator[Repository]:
    with closing(repository_on(MemoryStorage(store), tmp_path / "root")) as opened:
        opened.synchronise()
        yield opened


def test_a_storage_is_swept_at_first_and_then_once_a_day(repository: Repository, store: MemoryStore) -> None:
    store.unfinished = {"half"}
    assert repository.sweep() == 1
    store.unfinished = {"half"}
    assert repository.sweep() == 0
    for last in (time.time() - 86_500, time.time() + 3600):  # long ago; by a clock that was wrong
        with repository.index.changing() as change:
            change.mark_swept(last)
        store.unfinished = {"half"}
        assert repository.sweep() == 1


def test_whoever_asks_for_it_has_it_swept_now(repository: Repository, store: MemoryStore) -> None:
    assert repository.sweep() == 0
    store.unfinished = {"half"}
    assert repository.sweep(now=True) == 1


def test_a_storage_that_is_away_is_swept_another_day(
    repository: Repository, store: MemoryStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    dead = tmp_path / "root" / "staging" / f"{'0' * 32}.upload"
    dead.parent.mkdir()
    dead.write_bytes(b"half")
    os.utime(dead, (1, 1))
    store.available = False
    assert repository.unfinished_uploads() == [dead]
    assert repository.sweep() == 1, "what lies in ROOT needs no storage"
    assert "storage not swept" in caplog.text
    assert not dead.exists()


def test_a_scratch_file_has_no_name_and_is_gone_when_it_is_closed(repository: Repository, tmp_path: Path) -> None:
    with repository.scratch_file() as scratch:
        scratch.write(b"x" * 100_000)
        assert list((tmp_path / "root" / "staging").iterdir()) == []
