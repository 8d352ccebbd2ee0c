"""What a wheel or sdist says of itself, which is the truth about it."""

from __future__ import annotations

import lzma
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pywharf_core.errors import InvalidUpload
from pywharf_core.filenames import ParsedFilename
from pywharf_core.model import CoreMetadata
from pywharf_core.upload.bombs import check_metadata_size
from pywharf_core.upload.core_metadata import parse_core_metadata, stays_true_when_built, text_of
from pywharf_core.upload.sdist import tar_sdist_metadata, tar_sdist_metadata_only, zip_sdist_metadata
from pywharf_core.upload.wheel import dist_info_folder, wheel_metadata
from pywharf_core.upload.zip_framing import ZipArchive


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchiveMetadata:
    """Read out of an archive.

    :ivar core_metadata_bytes: the metadata file byte for byte, if installers may trust it: a wheel's always, an sdist's
        if no build can change it (PEP 643, 658); else None.
    """

    core_metadata_bytes: bytes | None
    core_metadata: CoreMetadata
    requires_python: str | None


def read_archive(path: Path, parsed: ParsedFilename) -> ArchiveMetadata:
    """Check an uploaded archive to its last byte and read its metadata; takes as long as unpacking and hashing it.

    Memory does not grow with the file.

    :raises InvalidUpload: what is wrong, and what would be right.
    """
    with path.open("rb") as stream:
        if parsed.packagetype == "bdist_wheel":
            return _metadata(wheel_metadata(ZipArchive(stream), parsed), parsed)
        if parsed.filename.endswith(".zip"):
            return _metadata(zip_sdist_metadata(ZipArchive(stream)), parsed)
        return _metadata(tar_sdist_metadata(stream), parsed)


def read_core_metadata(stream: BinaryIO, parsed: ParsedFilename) -> ArchiveMetadata:
    """Read the metadata of a file that came by another way than an upload; nothing else about it is checked.

    :param stream: seekable.
    :raises InvalidUpload: there is none, or it is of another project or version.
    """
    return _metadata(read_metadata_file(stream, parsed), parsed)


def read_metadata_file(stream: BinaryIO, parsed: ParsedFilename) -> bytes:
    """METADATA or PKG-INFO, byte for byte; nothing about it is checked.

    :param stream: seekable.
    :raises InvalidUpload: there is none.
    """
    if parsed.filename.endswith(".tar.gz"):
        return tar_sdist_metadata_only(stream)
    return _zip_metadata_only(stream, parsed)


def _metadata(content: bytes, parsed: ParsedFilename) -> ArchiveMetadata:
    is_wheel = parsed.packagetype == "bdist_wheel"
    fields = parse_core_metadata(content, "METADATA" if is_wheel else "PKG-INFO", parsed)
    return ArchiveMetadata(
        core_metadata_bytes=content if is_wheel or stays_true_when_built(fields) else None,
        core_metadata=fields,
        requires_python=text_of(fields, "requires_python"),
    )


def _zip_metadata_only(stream: BinaryIO, parsed: ParsedFilename) -> bytes:
    try:
        with zipfile.ZipFile(stream) as archive:
            members = {member.filename: member for member in archive.infolist()}
            if parsed.packagetype == "bdist_wheel":
                name = f"{dist_info_folder(members, parsed)}/METADATA"
            else:
                found = [name for name in members if name.endswith("/PKG-INFO") and name.count("/") == 1]
                name = found[0] if len(found) == 1 else "name-version/PKG-INFO"
            if name not in members:
                raise InvalidUpload(f"The archive has no {name}; build it again with a current tool.")
            check_metadata_size(name, members[name].file_size)
            return archive.read(members[name])
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, RuntimeError) as error:
        raise InvalidUpload("The file is not a zip archive, or damaged; build it again.") from error
