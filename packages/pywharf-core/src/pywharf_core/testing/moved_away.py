"""A store that cannot be reached, for storages that keep it in a file or a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def moved_away(path: Path) -> Iterator[None]:
    """Inside, there is nothing at ``path``, as if its disk were not mounted."""
    elsewhere = path.with_name(f"{path.name}.moved away")
    path.rename(elsewhere)
    try:
        yield
    finally:
        elsewhere.rename(path)
