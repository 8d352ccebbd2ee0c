"""What an export did, and what it could not do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """:ivar name: a filename, or a path below the folder.
    :ivar sentence: what is wrong, and what would be right.
    """

    name: str
    sentence: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportReport:
    """
    :ivar copied: files that were written now, or would be.
    :ivar bytes: of these.
    :ivar there: files that were there already, with the right hash.
    :ivar stale: paths below the folder that the repository does not offer any more, and that are still there.
    :ivar removed: paths below the folder that were removed, or would be.
    :ivar complete: False: it ended early, and can be gone on with by the same command.
    """

    projects: int
    copied: int
    bytes: int
    there: int
    problems: Sequence[Problem]
    stale: Sequence[str]
    removed: Sequence[str]
    complete: bool
