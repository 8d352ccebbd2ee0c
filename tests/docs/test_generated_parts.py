"""What the program knows is in the pages as it is now, and what the pages show is what the program takes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from docs.code_blocks import DOCS, titled_blocks
from pywharf_core.config import load_configuration
from pywharf_core.plugins import load_plugins


def test_tables_of_options_and_commands_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, DOCS / "generate.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_example_on_the_page_is_a_right_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHIVE_WRITE_SECRET", "baz")
    blocks = titled_blocks("configuration.md")
    configurations = load_configuration(blocks["config.toml"], blocks["admin_secret.toml"], load_plugins())
    assert configurations["local"].private == ("acme-*",)
    assert configurations["local"].admin_secret is not None
    assert configurations["archive"].anonymous_read
