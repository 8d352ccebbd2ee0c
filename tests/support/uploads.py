"""The legacy upload API as clients send it, made by hand: tests must be able to send what no client would."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pywharf_core.filenames import parse_filename

BOUNDARY = "a-boundary-of-a-test"


@dataclass(frozen=True)
class FilePart:
    """A part with a filename; None: a part whose Content-Disposition has none."""

    filename: str | None
    content: bytes


Part = tuple[str, str | FilePart]


def basic(username: str, password: str) -> dict[str, str]:
    """The header of Basic authentication."""
    return {"Authorization": "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()}


def form_of(path: Path, **changed: str | None) -> list[Part]:
    """The parts that twine sends for a distribution file; ``changed`` replaces fields, None leaves one out.

    The field ``:action`` is written ``action`` here.
    """
    parsed = parse_filename(path.name)
    content = path.read_bytes()
    fields: dict[str, str | None] = {
        "action": "file_upload",
        "protocol_version": "1",
        "name": parsed.project,
        "version": str(parsed.version),
        "filetype": parsed.packagetype,
        "pyversion": "source" if parsed.packagetype == "sdist" else "py3",
        "metadata_version": "2.2",
        "sha256_digest": hashlib.sha256(content).hexdigest(),
        "blake2_256_digest": hashlib.blake2b(content, digest_size=32).hexdigest(),
        **changed,
    }
    parts: list[Part] = [
        (":action" if name == "action" else name, value) for name, value in fields.items() if value is not None
    ]
    return [*parts, ("content", FilePart(path.name, content))]


def encode(parts: Iterable[Part]) -> bytes:
    """The body of the form."""
    body = bytearray()
    for name, value in parts:
        body += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'.encode()
        if isinstance(value, FilePart):
            body += b"" if value.filename is None else f'; filename="{value.filename}"'.encode()
            body += b"\r\nContent-Type: application/octet-stream\r\n\r\n" + value.content + b"\r\n"
        else:
            body += b"\r\n\r\n" + value.encode() + b"\r\n"
    return bytes(body) + f"--{BOUNDARY}--\r\n".encode()


def form_headers(credentials: tuple[str, str] | None = None) -> Mapping[str, str]:
    return {
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        **(basic(*credentials) if credentials else {}),
    }
