"""What storages answer with, and tell of themselves: the values of the contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from pywharf_core.model import DistributionFile, ProjectState


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The file still has the fingerprint that the scan was told."""

    filename: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Something is there that cannot be served; ``reason`` is a sentence for the operator."""

    filename: str
    reason: str


@dataclass(frozen=True, slots=True)
class Deleted:
    """A file was here and was deleted on purpose; it may come back with the same content only."""

    filename: str
    sha256: str


ScanResult = DistributionFile | Unchanged | Refused | Deleted | ProjectState


@dataclass(frozen=True, slots=True)
class LocalPath:
    """The bytes lie in a local file that is complete and does not change."""

    path: Path


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """The bytes can be read from ``stream``, which stands at the start, can seek, and is closed by whoever got it.

    A nearer copy than ``Storage.open_file`` reads; or one that is filled while it is read. What it gives from start to
    end has the listed hash: else it raises ``FileChanged`` before its last byte.
    """

    stream: BinaryIO


@dataclass(frozen=True, slots=True)
class RedirectTo:
    """The bytes can be had at ``url``, which carries its own right and must not be stored or shown."""

    url: str


@dataclass(frozen=True, slots=True)
class StoredIndex:
    """The remote index file: its parts by name, and each part's revision (opaque, changed whenever the part is).

    ``parts`` holds only those whose revision was not known to the asker; ``revisions`` holds all.
    """

    parts: Mapping[str, bytes]
    revisions: Mapping[str, str]


class ChangeKind(StrEnum):
    """What a notice from the storage says of a file."""

    PUBLISHED = "published"
    REMOVED = "removed"
    UNKNOWN = "unknown"  # something changed: synchronise


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a notice; ``file`` is there whenever the notice carried it.

    Of a file that was removed it says what it was, ``storage_id`` above all. None: a synchronisation has to find out.
    """

    kind: ChangeKind
    filename: str | None = None
    file: DistributionFile | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """At most ``operations`` changes begin within any ``seconds`` seconds; each call of ``add_file``, ``update_file``,
    ``delete_file``, ``update_project`` and ``write_index`` is one."""

    operations: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Flaw:
    """What a storage finds wrong with its own store, beside what a scan says.

    :ivar name: what a person finds it by: a path in the store, a release.
    :ivar reason: a sentence for the operator: what it is, and what to do unless it is swept.
    :ivar swept: ``Storage.sweep`` removes it, as nobody needs it any more.
    """

    name: str
    reason: str
    swept: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """How a store is doing, for the operator; nothing secret is in it.

    :ivar facts: value by name, in the order in which they are shown; a name is lower-case words joined by ``_``.
    :ivar warnings: what works today and will not for long, or works otherwise than was meant: a sentence each, with
        what to do about it.
    """

    facts: Mapping[str, str | int | float] = field(default_factory=dict)
    warnings: Sequence[str] = ()
