"""The words of packaging as values: nothing here changes after it was made, so values pass between threads freely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from packaging.utils import NormalizedName

PackageType = Literal["bdist_wheel", "sdist"]
PACKAGE_TYPES: tuple[PackageType, ...] = ("bdist_wheel", "sdist")

#: Core metadata without the description, by lower-case field name with ``_`` (plural where the specification allows
#: several: ``classifiers``, ``requires_dist``, ``project_urls`` …); one text, or all values in their order.
CoreMetadata = Mapping[str, str | tuple[str, ...]]

#: A file's fields as JSON or TOML can hold them.
Record = dict[str, Any]


class AttachmentKind(StrEnum):
    """Small documents that belong to a distribution file."""

    METADATA = "metadata"  # the core metadata file, byte for byte as in the archive (PEP 658)
    PROVENANCE = "provenance"  # PEP 740


class ProjectStatus(StrEnum):
    """Project status markers (PEP 792)."""

    ACTIVE = "active"
    ARCHIVED = "archived"
    QUARANTINED = "quarantined"
    DEPRECATED = "deprecated"


@dataclass(frozen=True, kw_only=True, slots=True)
class DistributionFile:
    """One wheel or sdist, as an entry of ``files`` on its project's page (Simple repository API)."""

    filename: str
    project: NormalizedName
    version: str  # canonical by PEP 440, as str(packaging.version.Version)
    packagetype: PackageType
    size: int  # bytes
    hashes: Mapping[str, str]  # lower-case hex by algorithm: always sha256, often md5 and blake2b_256
    upload_time: datetime  # UTC
    requires_python: str | None = None
    yanked: str | None = None  # the reason, perhaps ""; None: not yanked
    core_metadata: CoreMetadata | None = None  # None: not read yet, or unreadable
    core_metadata_sha256: str | None = None  # of the METADATA attachment; None: there is none to serve
    provenance_sha256: str | None = None  # of the PROVENANCE attachment; None: there is none to serve
    comment: str | None = None  # the uploader's note on the file
    storage_id: str = ""  # the storage's own identity of the file; a new file of the same name has another
    counter: int = 0  # raised by every Storage.update_file; the higher one is the newer
    fingerprint: str = ""  # opaque, the storage's own: unchanged means that nothing about the file changed

    @property
    def sha256(self) -> str:
        return self.hashes["sha256"]


def to_record(file: DistributionFile) -> Record:
    """The one form in which a file is written down: sidecars, the local index, remote index files.

    Absent values are left out; ``upload_time`` is RFC 3339 with ``Z``. ``fingerprint`` is not part of it: it
    describes a place, not the file.
    """
    record: Record = {
        "filename": file.filename,
        "project": file.project,
        "version": file.version,
        "packagetype": file.packagetype,
        "size": file.size,
        "hashes": dict(file.hashes),
        "upload_time": file.upload_time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "counter": file.counter,
    }
    for name in _OPTIONAL_TEXTS:
        value = getattr(file, name)
        if value is not None and (value or name == "yanked"):
            record[name] = value
    if file.core_metadata is not None:
        record["core_metadata"] = {
            name: value if isinstance(value, str) else list(value) for name, value in file.core_metadata.items()
        }
    return record


_OPTIONAL_TEXTS = (
    "requires_python",
    "yanked",
    "core_metadata_sha256",
    "provenance_sha256",
    "comment",
    "storage_id",
)


def from_record(record: Record, *, fingerprint: str = "") -> DistributionFile:
    """The inverse of ``to_record``.

    :raises ValueError: the record was not written by ``to_record``: a field lacks, or has a value of another type. Whether
        the values make sense, the reader of the record has to look.
    """
    try:
        metadata = record.get("core_metadata")
        hashes = dict(record["hashes"])
        optional = {name: record[name] for name in _OPTIONAL_TEXTS if name in record}
        made = DistributionFile(
            filename=record["filename"],
            project=record["project"],
            version=record["version"],
            packagetype=record["packagetype"],
            size=record["size"],
            hashes=hashes,
            upload_time=_in_utc(datetime.fromisoformat(record["upload_time"])),
            counter=record.get("counter", 0),
            core_metadata=None if metadata is None else core_metadata_of(metadata),
            fingerprint=fingerprint,
            **optional,
        )
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"not the record of a distribution file: {error!r}") from error
    texts = (made.filename, made.project, made.version, *hashes, *hashes.values(), *optional.values())
    if not {*map(type, texts)} <= _TEXT or type(made.size) is not int or type(made.counter) is not int:
        raise ValueError("not the record of a distribution file: a field is of another type")
    if made.packagetype not in PACKAGE_TYPES or "sha256" not in hashes or made.size < 0:
        raise ValueError("not the record of a distribution file: no type of package, no SHA-256, or no size")
    return made


def core_metadata_of(fields: Mapping[str, Any]) -> CoreMetadata:
    """Core metadata out of JSON or TOML, which know no tuples.

    :raises ValueError: a field is neither a text nor a list of texts.
    """
    found: dict[str, str | tuple[str, ...]] = {}
    for name, value in fields.items():
        if type(value) is str:
            found[name] = value
        elif isinstance(value, list | tuple) and {*map(type, value)} <= _TEXT:
            found[name] = tuple(value)
        else:
            raise ValueError(f"not core metadata: {name} is neither a text nor a list of texts")
    return found


_TEXT = {str}


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectState:
    """What is known of a project's name beside its files."""

    name: NormalizedName
    status: ProjectStatus = ProjectStatus.ACTIVE
    reason: str | None = None
    reserved: bool = False  # published here once: never answered by the extra index, even without a file


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectPage:
    """All that the simple page of one project says."""

    project: NormalizedName
    files: Sequence[DistributionFile]
    status: ProjectStatus = ProjectStatus.ACTIVE
    status_reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class StagedFile:
    """An upload on local disk, complete and checked, not yet published.

    The storage may link or move ``path``; what it leaves there, core removes.
    """

    path: Path
    size: int  # bytes
    hashes: Mapping[str, str]  # as in DistributionFile
    attachments: Mapping[AttachmentKind, bytes] = field(default_factory=dict)
