"""What the program knows is in the pages as it is now."""

from __future__ import annotations

import subprocess
import sys

from docs.code_blocks import DOCS


def test_tables_of_options_and_commands_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, DOCS / "generate.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
