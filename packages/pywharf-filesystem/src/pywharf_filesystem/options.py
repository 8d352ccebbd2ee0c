"""The keys of a repository's table with ``type = "file_system"``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pywharf_core import option


@dataclass(frozen=True, kw_only=True)
class FileSystemOptions:
    """Where the store lies; secrets belong to the auth type."""

    path: Path | None = option(
        "The store's folder; without it, ROOT/cache/<name>/storage",
        default=None,
        example='"/srv/packages"',
        under_root=True,
    )
