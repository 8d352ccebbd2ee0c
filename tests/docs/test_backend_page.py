"""The backend on the page is a backend."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs.code_blocks import titled_blocks
from pywharf_core import shared_secrets
from pywharf_core.config import load_configuration
from pywharf_core.plugins import Plugins

PAGE = "writing-a-backend.md"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of the page."""
    for name, text in titled_blocks(PAGE).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.slow
def test_the_example_keeps_the_storage_contract(folder: Path) -> None:
    command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_shelf.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert int(re.findall(r"(\d+) passed", done.stdout)[0]) >= 20, done.stdout


def test_the_example_can_be_configured(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(folder)
    shelf = importlib.import_module("shelf")
    try:
        config = (folder / "config.toml").read_text(encoding="utf-8")
        configuration = load_configuration(config, None, Plugins.of(shelf, shared_secrets))["books"]
    finally:
        del sys.modules["shelf"]
    assert configuration.storage_type.name == "shelf"
    assert configuration.storage_options == shelf.ShelfOptions(path=Path("/srv/shelf"))
