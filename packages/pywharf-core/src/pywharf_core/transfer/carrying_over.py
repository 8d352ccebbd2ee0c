"""Files out of a repository of ours, as they are written down there: metadata, time of upload, yank, provenance, comment.

They were judged when they came there, so they are not judged again: what is served there is served here. Bytes and
attachments are compared with the hashes that are written down.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from pywharf_core.errors import FileNotFound, InvalidUpload
from pywharf_core.filenames import parse_filename
from pywharf_core.model import AttachmentKind, DistributionFile, ProjectStatus, StagedFile
from pywharf_core.transfer.offers import Offer
from pywharf_core.upload.archive import read_core_metadata
from pywharf_core.upload.staging import StagingFile


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredOffer(Offer):
    """:ivar file: as it is written down."""

    file: DistributionFile


def offer_of(file: DistributionFile, place: str, status: ProjectStatus) -> StoredOffer:
    """
    :param status: its project's.
    """
    return StoredOffer(
        filename=file.filename,
        place=place,
        project=file.project,
        size=file.size,
        hashes=file.hashes,
        upload_time=file.upload_time,
        yanked=file.yanked,
        status=status,
        file=file,
    )


def file_of(offer: Offer) -> DistributionFile:
    assert isinstance(offer, StoredOffer), "another source's offer"
    return offer.file


def carried_over(
    offer: Offer, staging: StagingFile, read_attachment: Callable[[DistributionFile, AttachmentKind], bytes], where: str
) -> tuple[DistributionFile, StagedFile]:
    """The fetched file as something that can be published.

    :param where: it comes from, for people.
    :raises FileNotFound: an attachment is lost or damaged.
    """
    file = replace(file_of(offer), storage_id="", counter=0, fingerprint="")
    staging.finish()
    attachments = {}
    for kind, sha256 in _announced(file).items():
        content = read_attachment(file_of(offer), kind)
        if hashlib.sha256(content).hexdigest() != sha256:
            raise FileNotFound(f"The {kind} of {file.filename} is damaged in {where}; `pywharf verify` may repair it.")
        attachments[kind] = content
    if file.core_metadata is None:
        file, attachments = _with_metadata(file, staging, attachments)
    return file, StagedFile(path=staging.path, size=staging.size, hashes=file.hashes, attachments=attachments)


def _announced(file: DistributionFile) -> Mapping[AttachmentKind, str]:
    said = {AttachmentKind.METADATA: file.core_metadata_sha256, AttachmentKind.PROVENANCE: file.provenance_sha256}
    return {kind: sha256 for kind, sha256 in said.items() if sha256 is not None}


def _with_metadata(
    file: DistributionFile, staging: StagingFile, attachments: Mapping[AttachmentKind, bytes]
) -> tuple[DistributionFile, dict[AttachmentKind, bytes]]:
    """The file, of which nobody read the metadata yet, with it if it can be read."""
    try:
        with staging.path.open("rb") as stream:
            found = read_core_metadata(stream, parse_filename(file.filename, file.project))
    except InvalidUpload:
        return file, dict(attachments)
    content = found.core_metadata_bytes
    complete = replace(
        file,
        core_metadata=found.core_metadata,
        requires_python=found.requires_python,
        core_metadata_sha256=None if content is None else hashlib.sha256(content).hexdigest(),
    )
    return complete, {**attachments, **({} if content is None else {AttachmentKind.METADATA: content})}


def deleted_files_warning(count: int, where: str) -> str:
    """What cannot be handed over of deleted files: a storage learns of a deletion only by deleting."""
    files = "1 deleted file" if count == 1 else f"{count} deleted files"
    return (
        f"What {where} remembers of {files} cannot be handed over: under such a name other content could be published "
        "here once. The projects' names stay reserved."
    )
