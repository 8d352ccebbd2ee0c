"""The keys of a repository's table with ``type = "file_system"``."""

from __future__ import annotations

import stat
from collections.abc import Sequence
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

    def problems(self) -> Sequence[str]:
        """A place that can never become a folder; one that is only not there, or not mounted, is no mistake."""
        place = self.path
        while place is not None and place != place.parent:
            try:
                if not stat.S_ISDIR(place.stat().st_mode):
                    return [f"path: {self.path} cannot be a folder, as {place} is none"]
                break
            except (FileNotFoundError, NotADirectoryError):
                place = place.parent
            except OSError:  # who may not look cannot tell
                break
        return []
