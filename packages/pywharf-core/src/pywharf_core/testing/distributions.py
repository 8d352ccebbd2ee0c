"""Makers of tiny real wheels and sdists; the same arguments give the same bytes on every machine."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import re
import tarfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

_CHUNK = 1024 * 1024  # bytes
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest time that a zip archive can hold


def make_wheel(
    folder: Path,
    name: str,
    version: str,
    *,
    filename: str | None = None,
    build_tag: str | None = None,
    python_tag: str = "py3",
    abi_tag: str = "none",
    platform_tag: str = "any",
    summary: str | None = None,
    requires_python: str | None = None,
    requires_dist: Sequence[str] = (),
    description: str | None = None,
    headers: Sequence[tuple[str, str]] = (),
    extra_files: Mapping[str, bytes] | None = None,
    padding: int = 0,
) -> Path:
    """A valid wheel (binary distribution format) that installs one module with ``__version__``.

    :param folder: where to put it; made if need be.
    :param filename: instead of the one that name, version and tags make.
    :param headers: more lines of METADATA, as (name, value).
    :param extra_files: content by the path inside the wheel.
    :param padding: bytes of an additional file of zeros; memory does not grow with it.
    """
    stem = _escaped(name)
    tags = [python_tag, abi_tag, platform_tag]
    parts = [stem, version, *([build_tag] if build_tag else []), *tags]
    dist_info = f"{stem}-{version}.dist-info"
    wheel_lines = ["Wheel-Version: 1.0", "Generator: pywharf_core.testing", "Root-Is-Purelib: true"]
    wheel_lines += [f"Tag: {tag}" for tag in _expanded(python_tag, abi_tag, platform_tag)]
    wheel_lines += [f"Build: {build_tag}"] if build_tag else []
    metadata = _metadata(name, version, summary, requires_python, requires_dist, description, headers)
    members: dict[str, bytes] = {
        f"{stem}.py": f"__version__ = {version!r}\n".encode(),
        **(extra_files or {}),
        f"{dist_info}/METADATA": metadata,
        f"{dist_info}/WHEEL": ("\n".join(wheel_lines) + "\n").encode(),
    }
    path = _place(folder, filename or "-".join(parts) + ".whl")
    record: list[str] = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        if padding:
            record.append(_write_member(archive, f"{stem}_padding.bin", _zeros(padding)))
        for member, content in members.items():
            record.append(_write_member(archive, member, [content]))
        record.append(f"{dist_info}/RECORD,,")
        _write_member(archive, f"{dist_info}/RECORD", ["\n".join([*record, ""]).encode()])
    return path


def make_sdist(
    folder: Path,
    name: str,
    version: str,
    *,
    filename: str | None = None,
    summary: str | None = None,
    requires_python: str | None = None,
    requires_dist: Sequence[str] = (),
    description: str | None = None,
    headers: Sequence[tuple[str, str]] = (),
    extra_files: Mapping[str, bytes] | None = None,
    padding: int = 0,
) -> Path:
    """A valid ``.tar.gz`` sdist (source distribution format): one top folder with PKG-INFO and pyproject.toml.

    The arguments are those of ``make_wheel``; ``extra_files`` lie under the top folder.
    """
    stem = _escaped(name)
    top = f"{stem}-{version}"
    members: dict[str, bytes] = {
        "PKG-INFO": _metadata(name, version, summary, requires_python, requires_dist, description, headers),
        "pyproject.toml": _pyproject(name, version),
        f"{stem}.py": f"__version__ = {version!r}\n".encode(),
        **(extra_files or {}),
    }
    path = _place(folder, filename or f"{top}.tar.gz")
    # Level 0: the compressed form of other levels differs between versions of zlib.
    with (
        path.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=0, mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for member, content in members.items():
            header = tarfile.TarInfo(f"{top}/{member}")
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
        if padding:
            header = tarfile.TarInfo(f"{top}/padding.bin")
            header.size = padding
            archive.addfile(header, _Zeros(padding))
    return path


class _Zeros(io.RawIOBase):
    """A stream of ``size`` zero bytes."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._left = size

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        size = self._left if size < 0 else min(size, self._left)
        self._left -= size
        return bytes(size)


def _zeros(size: int) -> Iterator[bytes]:
    while size > 0:
        yield bytes(min(size, _CHUNK))
        size -= _CHUNK


def _write_member(archive: zipfile.ZipFile, name: str, chunks: Iterable[bytes]) -> str:
    """Store one file; its line of RECORD."""
    header = zipfile.ZipInfo(name, _EPOCH)
    header.external_attr = 0o100644 << 16
    digest, size = hashlib.sha256(), 0
    with archive.open(header, "w", force_zip64=False) as stream:
        for chunk in chunks:
            stream.write(chunk)
            digest.update(chunk)
            size += len(chunk)
    encoded = base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode("ascii")
    return f"{name},sha256={encoded},{size}"


def _metadata(
    name: str,
    version: str,
    summary: str | None,
    requires_python: str | None,
    requires_dist: Sequence[str],
    description: str | None,
    headers: Sequence[tuple[str, str]],
) -> bytes:
    lines = ["Metadata-Version: 2.2", f"Name: {name}", f"Version: {version}"]
    if summary is not None:
        lines.append(f"Summary: {summary}")
    if requires_python is not None:
        lines.append(f"Requires-Python: {requires_python}")
    lines += [f"Requires-Dist: {requirement}" for requirement in requires_dist]
    lines += [f"{key}: {value}" for key, value in headers]
    return ("\n".join(lines) + "\n\n" + (description or "")).encode()


def _pyproject(name: str, version: str) -> bytes:
    lines = [
        "[build-system]",
        'requires = ["setuptools"]',
        'build-backend = "setuptools.build_meta"',
        "",
        "[project]",
        f'name = "{name}"',
        f'version = "{version}"',
        "",
    ]
    return "\n".join(lines).encode()


def _expanded(python_tag: str, abi_tag: str, platform_tag: str) -> list[str]:
    return [
        f"{python}-{abi}-{platform}"
        for python in python_tag.split(".")
        for abi in abi_tag.split(".")
        for platform in platform_tag.split(".")
    ]


def _escaped(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()


def _place(folder: Path, filename: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder / filename
