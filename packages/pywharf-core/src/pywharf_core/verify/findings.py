"""What can be wrong with a repository."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class FindingKind(StrEnum):
    """What is wrong; the order is that of the harm it does."""

    DAMAGED = "damaged"  # a file has not the bytes that were published
    MISSING = "missing"  # a file is listed, and the storage does not have it
    UNREADABLE = "unreadable"  # the storage does not give a file now
    PROVENANCE = "provenance"  # a file's provenance is not the one that is announced
    METADATA = "metadata"  # what is announced of a file is not what the file says
    UNLISTED = "unlisted"  # the storage has a file, and it is not listed
    DIFFERS = "differs"  # the index says of a file other things than the storage
    TOMBSTONE = "tombstone"  # index and storage disagree whether a file was deleted
    PROJECT = "project"  # index and storage disagree about a project's status or reservation
    REFUSED = "refused"  # something in the store cannot be served
    STORE = "store"  # something else in the store is not as it should be
    UNFINISHED = "unfinished"  # what died on the way, and nobody needs


@dataclass(frozen=True, slots=True)
class Finding:
    """:ivar name: a filename, a project, or what else a person finds it by.
    :ivar sentence: what is wrong and, if it stays, what to do.
    """

    kind: FindingKind
    name: str
    sentence: str
    repaired: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifyReport:
    """:ivar files: how many were read again.
    :ivar bytes: of these.
    :ivar findings: those that stay and those that were repaired.
    :ivar complete: False: it ended early, and not everything was looked at.
    """

    files: int
    bytes: int
    findings: Sequence[Finding]
    complete: bool

    @property
    def left(self) -> int:
        """How many findings stay."""
        return sum(not finding.repaired for finding in self.findings)
