"""The sidecars of pywharf 0.2: TOML with the fields of the upload form, written as the client sent them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pywharf_core import CoreMetadata, toml_text

# Form fields are singular, core metadata is named in the plural where several values are allowed.
_SEVERAL = {
    "classifiers": "classifiers",
    "classifier": "classifiers",
    "dynamic": "dynamic",
    "license_file": "license_files",
    "license_files": "license_files",
    "obsoletes": "obsoletes",
    "obsoletes_dist": "obsoletes_dist",
    "platform": "platforms",
    "platforms": "platforms",
    "project_urls": "project_urls",
    "project_url": "project_urls",
    "provides": "provides",
    "provides_dist": "provides_dist",
    "provides_extra": "provides_extras",
    "provides_extras": "provides_extras",
    "requires": "requires",
    "requires_dist": "requires_dist",
    "requires_external": "requires_external",
    "supported_platform": "supported_platforms",
    "supported_platforms": "supported_platforms",
}
_SINGLE = (
    "metadata_version",
    "name",
    "version",
    "summary",
    "description_content_type",
    "keywords",
    "home_page",
    "download_url",
    "author",
    "author_email",
    "maintainer",
    "maintainer_email",
    "license",
    "license_expression",
    "requires_python",
)


@dataclass(frozen=True, slots=True)
class OldSidecar:
    """What of a 0.2 sidecar may be believed until the archive was read; never its ``sha256``, the client chose that."""

    core_metadata: CoreMetadata
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
    single = {name: value for name in _SINGLE if (value := _text(document, name))}
    several: dict[str, tuple[str, ...]] = {}
    for form_name, name in _SEVERAL.items():
        if values := _texts(document.get(form_name)):
            several[name] = several.get(name, ()) + values
    return OldSidecar(
        core_metadata={**single, **several},
        requires_python=single.get("requires_python"),
        comment=_text(document, "comment"),
    )


def _text(document: Mapping[str, Any], name: str) -> str | None:
    value = document.get(name)
    return value if isinstance(value, str) and value and value != "UNKNOWN" else None


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,) if value and value != "UNKNOWN" else ()
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
