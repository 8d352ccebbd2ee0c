"""Wheels and sdists with any single thing wrong about them."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping, Sequence

METADATA = b"Metadata-Version: 2.1\nName: foo\nVersion: 1.0\nRequires-Python: >=3.8\n\nA description.\n"
WHEEL = b"Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
WHEEL_FILES: Mapping[str, bytes] = {
    "foo.py": b"print('foo')\n" * 20,
    "foo-1.0.dist-info/METADATA": METADATA,
    "foo-1.0.dist-info/WHEEL": WHEEL,
}


def record_line(name: str, content: bytes, algorithm: str = "sha256") -> str:
    digest = hashlib.new(algorithm, content).digest()
    if "," in name:
        name = f'"{name}"'
    return f"{name},{algorithm}={base64.urlsafe_b64encode(digest).rstrip(b'=').decode()},{len(content)}\n"


def record_of(files: Mapping[str, bytes]) -> bytes:
    lines = [record_line(name, content) for name, content in files.items() if not name.endswith("/")]
    return "".join([*lines, "foo-1.0.dist-info/RECORD,,\n"]).encode()


def zip_of(
    files: Mapping[str, bytes] | Sequence[tuple[str, bytes]],
    *,
    compression: int = zipfile.ZIP_DEFLATED,
    change: Callable[[zipfile.ZipInfo], None] | None = None,
    comment: bytes = b"",
) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in files.items() if isinstance(files, Mapping) else files:
            info = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            info.compress_type = compression
            if change is not None:
                change(info)
            archive.writestr(info, content)
        archive.comment = comment
    return buffer.getvalue()


def wheel_of(files: Mapping[str, bytes] = WHEEL_FILES, record: bytes | None = None) -> bytes:
    return zip_of({**files, "foo-1.0.dist-info/RECORD": record_of(files) if record is None else record})


def member(name: str, content: bytes = b"", **attributes: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for attribute, value in attributes.items():
        setattr(info, attribute, value)
    return info, content


PKG_INFO = member("foo-1.0/PKG-INFO", METADATA)


def tar_of(*members: tuple[tarfile.TarInfo, bytes], format: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def sdist_of(*members: tuple[tarfile.TarInfo, bytes], format: int = tarfile.PAX_FORMAT) -> bytes:
    return gzip.compress(tar_of(*members, format=format))
