"""One release of a tiny project, as files that are ready and as a folder that a client can build."""

from __future__ import annotations

import hashlib
import random
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from pywharf_core.testing import make_sdist, make_wheel

_LARGE = 3_000_000  # bytes: more than any socket buffers


class Release:
    """Version 1.0 of a project.

    :param folder: made here; becomes the project's folder, with the files in ``dist``.
    :param summary: other text makes other files.
    :param large: more than the repository ``small`` takes.
    :param spoiled: the wheel has a member that its RECORD does not know.
    :ivar module: the one that it installs.
    """

    def __init__(
        self, folder: Path, name: str, *, summary: str = "Tiny", large: bool = False, spoiled: bool = False
    ) -> None:
        self.folder = folder
        self.name = name
        self.module = name.replace("-", "_")
        package = folder / self.module
        package.mkdir(parents=True)
        (package / "__init__.py").write_text('"""Tiny."""\n')
        if large:  # of bytes that no archive can make small
            (package / "padding.bin").write_bytes(random.Random(0).randbytes(_LARGE))
        (folder / "pyproject.toml").write_text(
            f'[build-system]\nrequires = ["flit_core"]\nbuild-backend = "flit_core.buildapi"\n\n'
            f'[project]\nname = "{name}"\nversion = "1.0"\ndescription = "{summary}"\nrequires-python = ">=3.11"\n'
        )
        padding = _LARGE if large else 0
        self.wheel = make_wheel(folder / "dist", name, "1.0", summary=summary, padding=padding)
        self.sdist = make_sdist(folder / "dist", name, "1.0", summary=summary, padding=padding)
        if spoiled:
            with zipfile.ZipFile(self.wheel, "a") as archive:
                archive.writestr(f"{self.module}_more.py", "")

    @property
    def files(self) -> Sequence[Path]:
        return [self.wheel, self.sdist]

    def hashes(self) -> Mapping[str, str]:
        """The sha256 of each file by its name."""
        return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in self.files}
