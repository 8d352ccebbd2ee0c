"""The style sheet, the script and the mark, read once; their address changes whenever one of them does."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

_MEDIA_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """:ivar compressed: by gzip."""

    media_type: str
    content: bytes
    compressed: bytes


class StaticFiles:
    """All files of the package's ``static/``.

    :ivar digest: of all of them.
    """

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        digest = hashlib.sha256()
        for name in sorted(contents):
            digest.update(f"{name} {len(contents[name])}\n".encode() + contents[name])
        self.digest = digest.hexdigest()[:16]
        self.files = {
            name: StaticFile(_MEDIA_TYPES[name[name.rindex(".") :]], content, gzip.compress(content, 9, mtime=0))
            for name, content in contents.items()
        }

    def path(self, name: str) -> str:
        """Of a file, below every prefix.

        :raises KeyError: there is no such file.
        """
        self.files[name]
        return f"/static/{self.digest}/{name}"


STATIC = StaticFiles(
    {
        entry.name: entry.read_bytes()
        for entry in (files("pywharf") / "static").iterdir()
        if entry.name.endswith(tuple(_MEDIA_TYPES))
    }
)
