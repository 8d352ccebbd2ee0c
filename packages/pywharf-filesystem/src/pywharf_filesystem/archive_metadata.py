"""The core metadata file inside a wheel or sdist."""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from typing import BinaryIO

_LIMIT = 16 * 1024 * 1024  # bytes; what is larger is no metadata
_UNREADABLE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    EOFError,
    ValueError,
    RuntimeError,  # an encrypted member
    NotImplementedError,  # an unknown compression
)


def read_metadata(stream: BinaryIO, filename: str) -> bytes | None:
    """METADATA of a wheel or PKG-INFO of an sdist, byte for byte; None: there is none that can be read.

    :raises OSError: the stream cannot be read.
    """
    try:
        if filename.endswith(".tar.gz"):
            return _in_tar(stream)
        with zipfile.ZipFile(stream) as archive:
            wanted = _is_wheel_metadata if filename.endswith(".whl") else _is_sdist_metadata
            for member in archive.infolist():
                if wanted(member.filename) and member.file_size <= _LIMIT:
                    return archive.read(member)
    except _UNREADABLE:
        pass
    return None


def has_end(stream: BinaryIO, filename: str) -> bool:
    """Whether a zip archive has the directory at its end that a half copied one lacks; always so for others."""
    return filename.endswith(".tar.gz") or zipfile.is_zipfile(stream)


def _in_tar(stream: BinaryIO) -> bytes | None:
    with tarfile.open(fileobj=stream, mode="r|gz") as archive:
        for member in archive:
            if member.isreg() and _is_sdist_metadata(member.name) and member.size <= _LIMIT:
                content = archive.extractfile(member)
                return None if content is None else content.read()
    return None


def _is_wheel_metadata(name: str) -> bool:
    folder, _, rest = name.partition("/")
    return folder.endswith(".dist-info") and rest == "METADATA"


def _is_sdist_metadata(name: str) -> bool:
    return name.removeprefix("./").count("/") == 1 and name.endswith("/PKG-INFO")
