"""A desk for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.transfer.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for packages to import."""
    made = tmp_path / "packages"
    made.mkdir()
    return made
