"""A file's sidecar as text: TOML whose values are JSON, because a start with 100,000 files reads 100,000 sidecars.

(Measured: ``tomllib`` takes 70 µs for a record written as tables, ``json`` 3 µs for the same.)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pywharf_core import AttachmentKind, DistributionFile, from_record, to_record, toml_text

_HEAD = (
    "# What pywharf knows of the file beside this one; the values in single quotes are JSON.",
    "pywharf = 1",
)
_VERSION = 1


def dropped_id(sha256: str) -> str:
    """The ``storage_id`` of a file that was put there by hand: stays the same until the content does not."""
    return sha256[:32]


class NewerSidecar(ValueError):
    """The sidecar was written by a later version of pywharf."""


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What a sidecar of ours says.

    :ivar size: bytes of the file that it was written for.
    :ivar mtime_ns: that file's time of modification; with ``size``, says whether it is still the same file.
    :ivar record: of the file, as ``to_record`` made it.
    :ivar encoded: attachments as JSON texts; decoded only when asked for.
    """

    size: int
    mtime_ns: int
    record: Mapping[str, Any]
    encoded: Mapping[str, str] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        return str(self.record["hashes"]["sha256"])

    @property
    def is_of_upload(self) -> bool:
        """Whether the file was uploaded, not put there by hand; see ``dropped_id``."""
        return self.record.get("storage_id") != dropped_id(self.sha256)

    @property
    def counter(self) -> int:
        return int(self.record.get("counter", 0))

    def file(self, fingerprint: str) -> DistributionFile:
        """:raises ValueError: the record is damaged."""
        return from_record(dict(self.record), fingerprint=fingerprint)

    def attachment(self, kind: AttachmentKind) -> bytes | None:
        encoded = self.encoded.get(kind)
        # Bytes that are no UTF-8 travel as lone surrogates, which JSON can write.
        return None if encoded is None else json.loads(encoded).encode("utf-8", "surrogateescape")


def write(
    file: DistributionFile,
    *,
    size: int,
    mtime_ns: int,
    attachments: Mapping[AttachmentKind, bytes],
    keep: Mapping[str, str] | None = None,
) -> bytes:
    """The sidecar of ``file``.

    :param keep: attachments as an older sidecar's ``encoded``, where ``attachments`` has no newer.
    """
    encoded = dict(keep or {})
    for kind, content in attachments.items():
        encoded[kind.value] = _json(content.decode("utf-8", "surrogateescape"))
    values = {"stat": _json([size, mtime_ns]), "record": _json(to_record(file)), **encoded}
    lines = [*_HEAD, *(f"{key} = '{value}'" for key, value in values.items()), ""]
    return "\n".join(lines).encode("ascii")


def read(content: bytes) -> Sidecar | None:
    """The sidecar in ``content``; None: it is not one of ours.

    :raises NewerSidecar: it is, but of a version that is not known here.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    lines = text.split("\n")
    if tuple(lines[:2]) == _HEAD:
        values = {}
        for line in lines[2:-1]:
            key, _, value = line.partition(" = '")
            values[key] = value[:-1]
    else:  # edited by hand, or 0.2's
        try:
            document = toml_text.loads(text)
        except ValueError:
            return None
        version = document.pop("pywharf", None)
        if isinstance(version, int) and version > _VERSION:
            raise NewerSidecar(f"version {version}")
        if version != _VERSION:
            return None
        values = {key: value for key, value in document.items() if isinstance(value, str)}
    try:
        size, mtime_ns = json.loads(values.pop("stat"))
        record = json.loads(values.pop("record"))
        sidecar = Sidecar(size=int(size), mtime_ns=int(mtime_ns), record=record, encoded=values)
        return sidecar if sidecar.sha256 and sidecar.counter >= 0 else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _json(value: Any) -> str:
    # Inside a literal string of TOML stand no single quotes and no control characters.
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return text.replace("'", "\\u0027").replace("\x7f", "\\u007f")
