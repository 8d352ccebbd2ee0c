"""The judgement on an upload: form, filename and archive must tell one story."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from pywharf_core.digests import digest_of
from pywharf_core.errors import InvalidUpload
from pywharf_core.filenames import ParsedFilename, normalise, parse_filename, same_version
from pywharf_core.model import AttachmentKind, CoreMetadata, DistributionFile, StagedFile
from pywharf_core.upload.archive import ArchiveMetadata, read_archive
from pywharf_core.upload.form import UploadForm
from pywharf_core.upload.quoted import quoted
from pywharf_core.upload.staging import StagingFile

#: Where a trusted metadata file says nothing of these, there is nothing: a form must not make installers believe
#: otherwise.
_RESOLVED_BY = frozenset(("requires_python", "requires_dist", "provides_extra", "dynamic"))


def receive(
    form: UploadForm, filename: str | None, staging: StagingFile | None, *, now: datetime
) -> tuple[DistributionFile, StagedFile]:
    """A complete upload as something that can be published. Blocks for as long as the archive takes to be read.

    Whatever happens, the caller discards ``staging``.

    :param filename: of the form's part ``content``; None or "": there was no such part, or it had no filename.
    :param staging: that part's bytes; None: there was no such part.
    :param now: the upload time, aware.
    :raises InvalidUpload: one sentence saying what is wrong and what would be right.
    """
    if not filename or staging is None:
        raise InvalidUpload(
            "The form has no file; the wheel or sdist should be sent as its part content, with a filename."
        )
    parsed = parse_filename(filename, project=form.name)
    _check_form_against_filename(form, parsed)
    if staging.size == 0:
        raise InvalidUpload(f"The file {quoted(filename)} is empty; upload it whole.")
    staging.finish()
    hashes = _checked_hashes(form.digests, staging)
    archive = read_archive(staging.path, parsed)
    metadata = archive.core_metadata_bytes
    fields = _with_form_fields(archive, form.metadata)
    requires_python = fields.get("requires_python")
    file = DistributionFile(
        filename=parsed.filename,
        project=parsed.project,
        version=str(parsed.version),
        packagetype=parsed.packagetype,
        size=staging.size,
        hashes=hashes,
        upload_time=now,
        requires_python=requires_python if isinstance(requires_python, str) else None,
        core_metadata=fields,
        core_metadata_sha256=None if metadata is None else hashlib.sha256(metadata).hexdigest(),
        comment=form.comment,
    )
    attachments = {} if metadata is None else {AttachmentKind.METADATA: metadata}
    return file, StagedFile(path=staging.path, size=staging.size, hashes=hashes, attachments=attachments)


def _check_form_against_filename(form: UploadForm, parsed: ParsedFilename) -> None:
    if normalise(form.name) != parsed.project:
        raise InvalidUpload(
            f"The form's name {quoted(form.name)} is not that of the file {quoted(parsed.filename)}; they should agree."
        )
    if not same_version(form.version, parsed.version):
        raise InvalidUpload(
            f"The form's version {quoted(form.version)} is not that of the file {quoted(parsed.filename)}; "
            "they should agree."
        )
    if form.filetype not in (None, parsed.packagetype):
        raise InvalidUpload(
            f"The form's filetype {form.filetype} does not fit the file {quoted(parsed.filename)}; "
            f"it should be {parsed.packagetype}."
        )


def _checked_hashes(stated: Mapping[str, str], staging: StagingFile) -> dict[str, str]:
    hashes = staging.hashes()
    late = stated.keys() - hashes.keys()  # a client may state a digest behind the file
    if late:
        hashes.update({name: _digest(staging.path, name) for name in late})
    for name, digest in stated.items():
        if hashes[name] != digest:
            raise InvalidUpload(
                f"The file's {name} is {hashes[name]}, but the form says {digest}; it was damaged on the way, "
                "or is not the file that was meant."
            )
    return hashes


def _digest(path: Path, name: str) -> str:
    with path.open("rb") as stream:
        return digest_of(stream, name)


def _with_form_fields(archive: ArchiveMetadata, stated: CoreMetadata) -> CoreMetadata:
    """The archive's fields, and those of the form of which the archive says nothing."""
    silent = _RESOLVED_BY if archive.core_metadata_bytes is not None else frozenset()
    added = {key: value for key, value in stated.items() if key not in silent}
    return {**added, **archive.core_metadata}
