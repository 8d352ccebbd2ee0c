"""One file, read again from its first byte to its last: is it what is announced of it?"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from pywharf_core.digests import KNOWN_DIGESTS, new_digest
from pywharf_core.errors import FileChanged, FileNotFound, InvalidUpload
from pywharf_core.filenames import parse_filename
from pywharf_core.listed_file import FileLost, open_listed
from pywharf_core.model import AttachmentKind, DistributionFile
from pywharf_core.repository import Repository
from pywharf_core.upload.archive import ArchiveMetadata, read_core_metadata
from pywharf_core.verify.findings import Finding, FindingKind

_CHUNK = 1024 * 1024  # bytes

#: Fields that were always written down; a later version may read more out of the same metadata than this file's had.
_ALWAYS = ("name", "version", "summary", "requires_dist")


class _Unreadable(Exception):
    """The disk does not give the file; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Checked:
    """:ivar size: how many bytes were read.
    :ivar right: the file as it should be announced, where something else is; None: all is right, or nobody can tell.
    :ivar attachments: that the storage should have, with ``right``.
    """

    size: int
    findings: tuple[Finding, ...] = ()
    right: DistributionFile | None = None
    attachments: Mapping[AttachmentKind, bytes] = field(default_factory=dict)


def check_file(repository: Repository, file: DistributionFile, between_pieces: Callable[[], None]) -> Checked:
    """Read the file again, and what belongs to it.

    :param between_pieces: called often; what it raises ends this.
    :raises FileLost, FileReplaced, FileUnlisted: see ``open_listed``.
    :raises StorageUnavailable: worth another try.
    """
    with ExitStack() as closing:
        source, stored = open_listed(repository, file)
        closing.enter_context(source)
        file = replace(file, fingerprint=stored.fingerprint, storage_id=stored.storage_id)
        archive = source if _is_at_hand(source) else closing.enter_context(repository.scratch_file())
        try:
            size, hashes = _read(source, None if archive is source else archive, file, between_pieces)
        except FileChanged as error:
            return Checked(0, (_damaged(file, str(error)),))
        except FileNotFound as error:
            raise FileLost(str(error)) from error
        except _Unreadable as error:
            return Checked(0, (Finding(FindingKind.UNREADABLE, file.filename, str(error)),))
        wrong = _wrong_bytes(file, size, hashes)
        if wrong is not None:
            return Checked(size, (_damaged(file, wrong),))
        archive.seek(0)
        return replace(_checked_record(repository, file, archive, hashes), size=size)


def _is_at_hand(source: BinaryIO) -> bool:
    """Whether jumping about in it costs nothing: a file of this machine, or memory."""
    if isinstance(source, io.BytesIO):
        return True
    try:
        source.fileno()
    except OSError:
        return False
    return source.seekable()


def _read(
    source: BinaryIO, copy: BinaryIO | None, file: DistributionFile, between_pieces: Callable[[], None]
) -> tuple[int, Mapping[str, str]]:
    """Size and hashes of what is there, by the names of those that are known of ``file``."""
    digests = {name: new_digest(name) for name in file.hashes if name in KNOWN_DIGESTS}
    size = 0
    while piece := _next_piece(source, file):
        between_pieces()
        for digest in digests.values():
            digest.update(piece)
        if copy is not None:
            copy.write(piece)
        size += len(piece)
    return size, {name: digest.hexdigest() for name, digest in digests.items()}


def _next_piece(source: BinaryIO, file: DistributionFile) -> bytes:
    try:
        return source.read(_CHUNK)
    except OSError as error:
        reason = error.strerror or error
        raise _Unreadable(f"{file.filename} cannot be read ({reason}); look after the disk that it is on.") from error


def _wrong_bytes(file: DistributionFile, size: int, hashes: Mapping[str, str]) -> str | None:
    if size != file.size:
        return f"{file.filename} has {size} bytes instead of {file.size}."
    if hashes["sha256"] != file.sha256:
        return (
            f"{file.filename} has not the bytes that were published: its SHA-256 is {hashes['sha256']} instead of "
            f"{file.sha256}."
        )
    return None


def _damaged(file: DistributionFile, sentence: str) -> Finding:
    what_to_do = "Put the right file back, or delete this one; docs/verify.md says how."
    return Finding(FindingKind.DAMAGED, file.filename, f"{sentence} {what_to_do}")


# --- what is announced ------------------------------------------------------------------------------------


def _checked_record(
    repository: Repository, file: DistributionFile, archive: BinaryIO, hashes: Mapping[str, str]
) -> Checked:
    right, attachments = file, dict[AttachmentKind, bytes]()
    wrong = [name for name, value in hashes.items() if file.hashes[name] != value]
    if wrong:
        right = replace(right, hashes={**right.hashes, **hashes})
    if file.core_metadata is not None:  # else nobody has read it yet, and nothing of it is announced
        right, content, problems = _with_right_metadata(repository, right, archive)
        wrong += problems
        if content is not None:
            attachments[AttachmentKind.METADATA] = content
    findings = []
    if wrong:
        sentence = f"What is announced of {file.filename} is not what it says itself: {', '.join(wrong)}."
        findings.append(Finding(FindingKind.METADATA, file.filename, sentence))
    provenance = _provenance_problem(repository, file)
    if provenance is not None:
        findings.append(Finding(FindingKind.PROVENANCE, file.filename, provenance))
    return Checked(0, tuple(findings), right if wrong else None, attachments)


def _with_right_metadata(
    repository: Repository, file: DistributionFile, archive: BinaryIO
) -> tuple[DistributionFile, bytes | None, list[str]]:
    """The file with what its archive says, the metadata file if it is to be served, and what was wrong."""
    try:
        found = read_core_metadata(archive, parse_filename(file.filename, file.project))
    except InvalidUpload as error:
        if file.core_metadata_sha256 is None:
            return file, None, []
        right = replace(file, core_metadata={}, core_metadata_sha256=None)
        return right, None, [f"core metadata, which it does not have ({str(error).rstrip('.')})"]
    content = found.core_metadata_bytes
    sha256 = None if content is None else hashlib.sha256(content).hexdigest()
    wrong = []
    if file.core_metadata_sha256 != sha256:
        wrong.append("the hash of its core metadata")
    elif content is not None and not _gives_metadata(repository, file, sha256):
        wrong.append("the core metadata that the storage gives")
    requires_python = _right_requires_python(file, found)
    if requires_python != file.requires_python:
        wrong.append("Requires-Python")
    assert file.core_metadata is not None, "asked by the caller"
    wrong += _wrong_fields(file.core_metadata, found)
    right = replace(
        file,
        core_metadata={**file.core_metadata, **found.core_metadata},
        core_metadata_sha256=sha256,
        requires_python=requires_python,
    )
    return right, content, wrong


def _right_requires_python(file: DistributionFile, found: ArchiveMetadata) -> str | None:
    if found.core_metadata_bytes is None and found.requires_python is None:
        return file.requires_python  # the archive does not know; the uploader's form did
    return found.requires_python


def _wrong_fields(announced: Mapping[str, object], found: ArchiveMetadata) -> list[str]:
    return [
        f"the field {name}"
        for name, value in found.core_metadata.items()
        if name != "requires_python" and (name in announced or name in _ALWAYS) and announced.get(name) != value
    ]


def _gives_metadata(repository: Repository, file: DistributionFile, sha256: str | None) -> bool:
    try:
        content = repository.view(None).read_attachment(file, AttachmentKind.METADATA)
    except (FileNotFound, FileChanged):
        return False
    return hashlib.sha256(content).hexdigest() == sha256


def _provenance_problem(repository: Repository, file: DistributionFile) -> str | None:
    if file.provenance_sha256 is None:
        return None
    again = "Nobody can compute it again: publish a new version with its attestations."
    try:
        content = repository.view(None).read_attachment(file, AttachmentKind.PROVENANCE)
    except (FileNotFound, FileChanged):
        return f"The provenance of {file.filename} is announced, but the storage does not give it. {again}"
    if hashlib.sha256(content).hexdigest() != file.provenance_sha256:
        return f"The provenance of {file.filename} is not the one that was published. {again}"
    return None
