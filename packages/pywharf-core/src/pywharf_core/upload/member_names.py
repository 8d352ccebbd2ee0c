"""Names inside archives: which of them may become paths, and where they would lead."""

from __future__ import annotations

import posixpath
import re

from pywharf_core.errors import InvalidUpload
from pywharf_core.upload.quoted import quoted

#: More than any real distribution has; bounds the memory that a listing takes.
MAX_MEMBERS = 100_000

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_DRIVE = re.compile(r"[A-Za-z]:")


def check_member_name(name: str) -> None:
    """Refuse what would leave the folder into which the archive is unpacked.

    :raises InvalidUpload: absolute, with ``..`` or ``.`` or an empty segment, a backslash, a drive, a control character.
    """
    if _CONTROL.search(name):
        raise InvalidUpload(f"The archive's member {quoted(name)} has a control character in its name; rename it.")
    segments = name.removesuffix("/").split("/")
    if "\\" in name or _DRIVE.match(name) or any(segment in ("", ".", "..") for segment in segments):
        raise InvalidUpload(
            f"The archive's member {quoted(name)} should have a plain relative path: segments joined by single "
            "slashes, none of them '.' or '..', no backslash and no drive."
        )


def check_member_count(count: int) -> None:
    """:raises InvalidUpload: there are more than ``MAX_MEMBERS``."""
    if count > MAX_MEMBERS:
        raise InvalidUpload(f"The archive has more than {MAX_MEMBERS} members, the most that this server reads.")


def link_leads_outside(link: str, target: str, top: str) -> bool:
    """Whether a symbolic link ``link`` to ``target`` may leave the folder ``top``.

    Only leading ``..`` can be judged by text alone: behind a folder that is a link itself, ``..`` leads elsewhere.
    """
    segments = target.split("/")
    while segments and segments[0] == "..":
        segments.pop(0)
    if target.startswith("/") or "\\" in target or _DRIVE.match(target) or ".." in segments:
        return True
    end = posixpath.normpath(posixpath.join(posixpath.dirname(link), target))
    return end != top and not end.startswith(f"{top}/")


def folders_above(name: str) -> list[str]:
    """``a/b/c`` -> ``a``, ``a/b``."""
    segments = name.removesuffix("/").split("/")
    return ["/".join(segments[:end]) for end in range(1, len(segments))]
