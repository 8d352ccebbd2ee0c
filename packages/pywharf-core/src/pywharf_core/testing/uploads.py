"""A real distribution as core hands it to ``Storage.add_file``."""

from __future__ import annotations

import email.parser
import hashlib
import tarfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pywharf_core.digests import digest_of
from pywharf_core.filenames import parse_filename
from pywharf_core.model import AttachmentKind, CoreMetadata, DistributionFile, StagedFile
from pywharf_core.testing.distributions import make_sdist, make_wheel

_SINGLE = {"metadata-version": "metadata_version", "name": "name", "version": "version", "summary": "summary"}
_SEVERAL = {"requires-dist": "requires_dist", "classifier": "classifiers", "project-url": "project_urls"}


def make_upload(
    folder: Path,
    project: str = "holygrail",
    version: str = "1.0",
    *,
    sdist: bool = False,
    upload_time: datetime = datetime(2026, 11, 22, 12, 30, 45, 123456, tzinfo=UTC),
    provenance: bytes | None = None,
    comment: str | None = None,
    **fields: Any,
) -> tuple[DistributionFile, StagedFile]:
    """A tiny wheel or sdist, staged in ``folder`` under a name of its own, and the file that it is to become.

    :param fields: passed on to ``make_wheel`` or ``make_sdist``; ``Any``, as each field has its own type.
    """
    made = (make_sdist if sdist else make_wheel)(folder, project, version, **fields)
    content_hash = _digest("sha256", made)
    parsed = parse_filename(made.name, project)
    metadata = _metadata_of(made)
    attachments = {AttachmentKind.METADATA: metadata}
    if provenance is not None:
        attachments[AttachmentKind.PROVENANCE] = provenance
    hashes = {
        "sha256": content_hash,
        "md5": _digest("md5", made),
        "blake2b_256": _digest("blake2b_256", made),
    }
    number = 0
    while (path := folder / f"{content_hash[:16]}.{number}.upload").exists():
        number += 1
    made.rename(path)
    file = DistributionFile(
        filename=made.name,
        project=parsed.project,
        version=str(parsed.version),
        packagetype=parsed.packagetype,
        size=path.stat().st_size,
        hashes=hashes,
        upload_time=upload_time,
        requires_python=fields.get("requires_python"),
        core_metadata=_fields_of(metadata),
        core_metadata_sha256=hashlib.sha256(metadata).hexdigest(),
        provenance_sha256=None if provenance is None else hashlib.sha256(provenance).hexdigest(),
        comment=comment,
    )
    return file, StagedFile(path=path, size=file.size, hashes=hashes, attachments=attachments)


def _digest(algorithm: str, path: Path) -> str:
    with path.open("rb") as stream:
        return digest_of(stream, algorithm)


def _metadata_of(path: Path) -> bytes:
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as archive:
            (member,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
            return archive.read(member)
    with tarfile.open(path) as sources:
        (member,) = [name for name in sources.getnames() if name.count("/") == 1 and name.endswith("/PKG-INFO")]
        stream = sources.extractfile(member)
        assert stream is not None
        return stream.read()


def _fields_of(metadata: bytes) -> CoreMetadata:
    message = email.parser.BytesParser().parsebytes(metadata)
    single = {field: str(message[header]) for header, field in _SINGLE.items() if header in message}
    several = {
        field: tuple(str(value) for value in message.get_all(header, []))
        for header, field in _SEVERAL.items()
        if header in message
    }
    return {**single, **several}
