"""The release that these tests change."""

from __future__ import annotations

from core.two_servers import listed
from pywharf_core.filenames import normalise
from pywharf_core.repository import Repository

GRAIL = normalise("holygrail")
WHEEL = "holygrail-1.0-py3-none-any.whl"
SDIST = "holygrail-1.0.tar.gz"


def yanked(repository: Repository) -> dict[str, str | None]:
    return {filename: file.yanked for filename, file in listed(repository, GRAIL).items()}
