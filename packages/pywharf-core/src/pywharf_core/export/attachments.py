"""What lies beside an exported file: its core metadata and its provenance, each with the hash that is announced."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pywharf_core.atomic_file import replace_content
from pywharf_core.errors import FileChanged, FileNotFound, InvalidUpload
from pywharf_core.export.fetching import NotFetched
from pywharf_core.filenames import parse_filename
from pywharf_core.model import AttachmentKind, DistributionFile
from pywharf_core.repository import Repository
from pywharf_core.upload.archive import read_core_metadata


def write_attachment(
    repository: Repository, file: DistributionFile, kind: AttachmentKind, sha256: str, exported: Path, target: Path
) -> None:
    """Let ``target`` be the attachment, unless it is already.

    :param sha256: the one that is announced.
    :param exported: the file itself, out of which its metadata is read without asking the storage.
    :raises NotFetched: there is none with this hash.
    :raises StorageUnavailable: worth another try.
    """
    if _has(target, sha256):
        return
    content = _in_archive(exported, file) if kind is AttachmentKind.METADATA else None
    if content is None or _sha256(content) != sha256:
        content = _in_storage(repository, file, kind)
    if _sha256(content) != sha256:
        raise NotFetched(f"The {kind} of {file.filename} is not the one that is announced: its hash is another one.")
    replace_content(target, content)


def _has(path: Path, sha256: str) -> bool:
    try:
        return _sha256(path.read_bytes()) == sha256
    except FileNotFoundError:
        return False


def _in_archive(exported: Path, file: DistributionFile) -> bytes | None:
    try:
        with exported.open("rb") as stream:
            return read_core_metadata(stream, parse_filename(file.filename, file.project)).core_metadata_bytes
    except InvalidUpload:
        return None


def _in_storage(repository: Repository, file: DistributionFile, kind: AttachmentKind) -> bytes:
    try:
        return repository.view(None).read_attachment(file, kind)
    except (FileNotFound, FileChanged) as error:
        raise NotFetched(f"The {kind} of {file.filename} is announced, but the storage does not give it.") from error


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
