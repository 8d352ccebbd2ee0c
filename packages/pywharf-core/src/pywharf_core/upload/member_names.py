"""Names inside archives: which of them may become paths, and where they would lead."""

from __future__ import annotations

import posixpath
import re
from itertools import pairwise

from pywharf_core.errors import InvalidUpload
from pywharf_core.upload.quoted import quoted

#: More than any real distribution has; bounds the memory that a listing takes.
MAX_MEMBERS = 100_000

#: Of all names together; likewise.
MAX_CHARACTERS = 32 * 1024 * 1024

_NUL = "\0"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_DRIVE = re.compile(r"[A-Za-z]:")


class MemberNames:
    """The names seen so far in one archive; those of folders end in a slash."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._characters = 0

    def add(self, name: str) -> None:
        """Refuse what would leave the folder into which the archive is unpacked, or fill the memory.

        :raises InvalidUpload: absolute, with ``..``, ``.`` or an empty segment, a backslash, a drive or a control
            character; or one name too many.
        """
        if _CONTROL.search(name):
            raise InvalidUpload(f"The archive's member {quoted(name)} has a control character in its name; rename it.")
        segments = name.removesuffix("/").split("/")
        if "\\" in name or _DRIVE.match(name) or any(segment in ("", ".", "..") for segment in segments):
            raise InvalidUpload(
                f"The archive's member {quoted(name)} should have a plain relative path: segments joined by single "
                "slashes, none of them '.' or '..', no backslash and no drive."
            )
        self._characters += len(name)
        check_member_count(len(self._names) + 1)
        if self._characters > MAX_CHARACTERS:
            raise InvalidUpload(f"The archive's member names have more than {MAX_CHARACTERS} characters in all.")
        self._names.append(name)

    def check_no_file_is_a_folder(self) -> None:
        """To be asked at the end. What unpacks through a link, or a file, goes who knows where.

        :raises InvalidUpload: something that is no folder has members below it.
        """
        # NUL sorts before every character that a name may have, so what is below a name follows it at once.
        ordered = sorted(name.replace("/", _NUL) for name in self._names)
        for name, following in pairwise(ordered):
            if not name.endswith(_NUL) and following.startswith(name + _NUL):
                raise InvalidUpload(
                    f"The archive's member {quoted(name.replace(_NUL, '/'))} is a file or link, and a folder too; "
                    "it should be one of these."
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
