"""The sidecars of pywharf 0.2: TOML with the fields of the upload form, written as the client sent them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pywharf_core import toml_text


@dataclass(frozen=True, slots=True)
class OldSidecar:
    """What of a 0.2 sidecar is used. Never its ``sha256``, which the client chose; core metadata is read from the archive."""

    requires_python: str | None
    comment: str | None


def read(content: bytes) -> OldSidecar | None:
    """The fields in ``content``; None: not a sidecar of 0.2, or not readable."""
    try:
        document = toml_text.loads(content.decode("utf-8"))
    except ValueError:  # UnicodeDecodeError is one
        return None
    if not isinstance(document.get("distrib") or document.get("name"), str):
        return None
    return OldSidecar(requires_python=_text(document, "requires_python"), comment=_text(document, "comment"))


def _text(document: Mapping[str, Any], name: str) -> str | None:
    value = document.get(name)
    return value if isinstance(value, str) and value and value != "UNKNOWN" else None
