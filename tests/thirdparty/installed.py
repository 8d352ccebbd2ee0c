"""The command line where plugins of strangers are installed."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from support.clean_shell import clean_shell


@dataclass(frozen=True)
class Said:
    """On standard output, and on standard error."""

    output: str
    errors: str


@dataclass(frozen=True)
class Installed:
    """A virtual environment with the server and the plugins of strangers.

    :ivar wheels: what was installed.
    :ivar folder: an empty one to work in.
    """

    bin: Path
    wheels: Path
    folder: Path

    def pywharf(self, *arguments: str, status: int = 0, environment: Mapping[str, str] | None = None) -> Said:
        """What it prints; it must end with ``status``.

        :param environment: variables that it has beside those of a fresh terminal.
        """
        done = subprocess.run(
            [self.bin / "pywharf", *arguments],
            cwd=self.folder,
            env=clean_shell(**(environment or {})),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return Said(done.stdout, done.stderr)

    def wheel(self, name: str) -> Path:
        """The wheel of an installed distribution."""
        [wheel] = self.wheels.glob(f"{name.replace('-', '_')}-*.whl")
        return wheel
