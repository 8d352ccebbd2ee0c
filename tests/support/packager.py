"""Somebody who has a package to publish, and a fresh virtual environment to install it into."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from pywharf_core.testing import make_wheel
from support.clean_shell import clean_shell, run

_TINY = "pywharf-readme-example"


class Packager:
    """:param folder: empty; will have the package's wheel in ``dist``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "dist").mkdir()
        make_wheel(folder / "dist", _TINY, "1.0")
        self._fresh = folder / "fresh"
        subprocess.run([sys.executable, "-m", "venv", str(self._fresh)], check=True)
        tools = folder / "tools"  # the tests' own, without the pip that is beside them
        tools.mkdir()
        for name in ("twine", "uv"):
            (tools / name).symlink_to(Path(sys.executable).parent / name)
        clean = clean_shell()
        self._environment = {
            **clean,
            "PATH": f"{self._fresh}/bin:{tools}:{clean['PATH']}",
            "VIRTUAL_ENV": str(self._fresh),
        }

    def environment_with(self, **more: str) -> Mapping[str, str]:
        """The packager's own environment, with pywharf and the tests' other tools at the end of its path."""
        path = f"{self._environment['PATH']}:{Path(sys.executable).parent}"
        return {**self._environment, "PATH": path, **more}

    def follow(
        self, line: str, *, port: int, secrets: Mapping[str, str] | None = None, more: Mapping[str, str] | None = None
    ) -> None:
        """Run a line that a page or the server tells, for this package and the server on ``port``.

        What says that it installs must have installed the package.

        :param secrets: ``read_secret`` and ``write_secret``, for their placeholders and variables.
        :param more: other variables.
        """
        line = line.replace("8888", str(port)).replace("PACKAGE", _TINY)
        environment = {**self._environment, **(more or {})}
        if secrets is not None:
            read, write = secrets["read_secret"], secrets["write_secret"]
            line = line.replace("<read secret>", read).replace("<write secret>", write)
            environment |= {"READ_SECRET": read, "WRITE_SECRET": write}
        run("bash", "-c", line, cwd=self._folder, env=environment)
        if "install" in line:
            pip: list[str | Path] = [self._fresh / "bin/python", "-m", "pip"]
            said = run(*pip, "uninstall", "--yes", _TINY, cwd=self._folder, env=environment)
            assert "Successfully uninstalled" in said, line
