"""What a wheel must hold: the binary distribution format specification."""

from __future__ import annotations

import base64
import binascii
import csv
import email.parser
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from pywharf_core.errors import InvalidUpload
from pywharf_core.filenames import ParsedFilename, same_version
from pywharf_core.upload.quoted import quoted
from pywharf_core.upload.zip_framing import ZipArchive, ZipMember

#: "sha256 or better" in the specification's words; md5, sha1 and sha224 are not.
_GOOD_ENOUGH = frozenset(("sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512", "blake2b", "blake2s"))

_SIGNATURES = ("RECORD.jws", "RECORD.p7s")
_LARGEST_RECORD = 32 * 1024 * 1024  # bytes; a line for each of the most members that an archive may have


def wheel_metadata(archive: ZipArchive, parsed: ParsedFilename) -> bytes:
    """Check everything about the wheel, its members' content included, and return METADATA as it is.

    Reads and unpacks every member once, in pieces.

    :raises InvalidUpload: what is wrong.
    """
    folder = dist_info_folder(archive.members, parsed)
    for name in ("METADATA", "WHEEL", "RECORD"):
        if f"{folder}/{name}" not in archive.members:
            raise InvalidUpload(f"The wheel has no {folder}/{name}; build it again with a current tool.")
    _check_wheel_version(archive.read(archive.members[f"{folder}/WHEEL"]))
    _check_record(archive, folder)
    return archive.read(archive.members[f"{folder}/METADATA"])


def dist_info_folder(names: Mapping[str, object], parsed: ParsedFilename) -> str:
    """The one folder ``{name}-{version}.dist-info``.

    :raises InvalidUpload: there is none, several, or that of another project or version.
    """
    tops = {top for top, slash, _ in (name.partition("/") for name in names) if slash}
    folders = sorted(folder for folder in tops if folder.endswith(".dist-info"))
    if len(folders) != 1:
        found = "has none" if not folders else f"has {', '.join(quoted(folder) for folder in folders[:3])}"
        raise InvalidUpload(f"A wheel should have one folder name-version.dist-info; this one {found}.")
    name, _, version = folders[0].removesuffix(".dist-info").rpartition("-")
    if canonicalize_name(name) != parsed.project or not same_version(version, parsed.version):
        raise InvalidUpload(
            f"The wheel's folder {quoted(folders[0])} does not fit its filename {quoted(parsed.filename)}; "
            "both should begin with the same name and version."
        )
    return folders[0]


def _check_wheel_version(content: bytes) -> None:
    said = email.parser.BytesHeaderParser().parsebytes(content).get("Wheel-Version")
    version = "" if said is None else str(said).strip()
    if version.partition(".")[0] != "1":
        raise InvalidUpload(
            f"The wheel's WHEEL says Wheel-Version {quoted(version)}; it should be 1.0, the one that installers know."
        )


@dataclass(frozen=True, slots=True)
class _Recorded:
    algorithm: str
    digest: bytes
    size: str


def _check_record(archive: ZipArchive, folder: str) -> None:
    record_name = f"{folder}/RECORD"
    unlisted = {record_name, *(f"{folder}/{name}" for name in _SIGNATURES)}
    recorded = _record(archive, archive.members[record_name], unlisted)
    files = {name: member for name, member in archive.members.items() if not member.is_folder and name not in unlisted}
    for name in recorded:
        if name not in files:
            raise InvalidUpload(f"The wheel's RECORD lists {quoted(name)}, which is not there; build it again.")
    for name, member in files.items():
        if name not in recorded:
            raise InvalidUpload(f"The wheel's RECORD does not list {quoted(name)}, which is there; build it again.")
        if recorded[name].size not in ("", str(member.size)):
            raise InvalidUpload(
                f"The wheel's RECORD says that {quoted(name)} has {quoted(recorded[name].size)} bytes, but it has "
                f"{member.size}; build it again."
            )
    for name, member in files.items():
        digest = hashlib.new(recorded[name].algorithm)
        for piece in archive.pieces(member):
            digest.update(piece)
        if digest.digest() != recorded[name].digest:
            raise InvalidUpload(
                f"The wheel's RECORD has another {recorded[name].algorithm} of {quoted(name)} than the file in the "
                "wheel; build it again."
            )


def _record(archive: ZipArchive, member: ZipMember, unlisted: set[str]) -> dict[str, _Recorded]:
    if member.size > _LARGEST_RECORD:
        raise InvalidUpload(f"The wheel's RECORD has {member.size} bytes; at most {_LARGEST_RECORD} are allowed.")
    content = b"".join(archive.pieces(member))
    recorded: dict[str, _Recorded] = {}
    try:
        for row in csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True):
            if not row or row[0] in unlisted:
                continue
            entry = _entry(row)
            if recorded.setdefault(row[0], entry) != entry:
                raise InvalidUpload(f"The wheel's RECORD lists {quoted(row[0])} twice, differently; build it again.")
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidUpload("The wheel's RECORD is not a CSV file in UTF-8; build the wheel again.") from error
    return recorded


def _entry(row: list[str]) -> _Recorded:
    if len(row) != 3:
        raise InvalidUpload(
            f"The wheel's RECORD has {len(row)} columns for {quoted(row[0])}; it should have path, hash and size."
        )
    algorithm, _, encoded = row[1].partition("=")
    if algorithm not in _GOOD_ENOUGH:
        raise InvalidUpload(f"The wheel's RECORD should give {quoted(row[0])} a sha256, not {quoted(row[1])}.")
    try:
        digest = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidUpload(f"The wheel's RECORD has a malformed hash for {quoted(row[0])}; build it again.") from error
    return _Recorded(algorithm, digest, row[2])
