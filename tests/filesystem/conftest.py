"""A store whose files need not lie still for two seconds before they are listed."""

from __future__ import annotations

from pathlib import Path

import pytest

from pywharf_filesystem.storage import FileSystemStorage


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "work"


@pytest.fixture
def made(tmp_path: Path) -> Path:
    return tmp_path / "made"


@pytest.fixture
def storage(store: Path, work: Path) -> FileSystemStorage:
    return FileSystemStorage(store, work, settled_after_ns=0)
