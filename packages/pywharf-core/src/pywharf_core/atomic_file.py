"""Files that are there whole or not at all, at any instant, for whoever reads them meanwhile."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_PREFIX, _SUFFIX = ".", ".part"


def part_of(path: Path) -> Path:
    """Where the content of ``path`` is written before it gets its name; such names are nobody's."""
    return path.with_name(f"{_PREFIX}{path.name}{_SUFFIX}")


def is_part(name: str) -> bool:
    return name.startswith(_PREFIX) and name.endswith(_SUFFIX)


def replace_content(path: Path, content: bytes) -> bool:
    """Let ``path`` hold ``content``; what has it already is not touched, and keeps its time.

    The caller is the only writer.

    :returns: whether anything was written.
    :raises OSError: it cannot be; the old content stays.
    """
    with suppress(FileNotFoundError):
        if path.stat().st_size == len(content) and path.read_bytes() == content:
            return False
    part = part_of(path)
    try:
        with part.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        if error.filename is None:  # as of a full disk
            error.filename = str(path)
        raise
    return True
