"""Two servers on one store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.two_servers import InterruptedStorage, Uploads, repository_on
from pywharf_core.repository import Repository
from pywharf_core.testing import MemoryStorage, MemoryStore


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path / "uploads")


@pytest.fixture
def repository(store: MemoryStore, tmp_path: Path) -> Iterator[Repository]:
    """Synchronised, and empty."""
    opened = repository_on(InterruptedStorage(store), tmp_path / "root")
    opened.synchronise()
    yield opened
    opened.close()


@pytest.fixture
def other(store: MemoryStore, tmp_path: Path) -> Iterator[Repository]:
    """Another server's, on the same store."""
    opened = repository_on(MemoryStorage(store), tmp_path / "other-root")
    opened.synchronise()
    yield opened
    opened.close()
