"""The fields of the legacy upload API, which no standard describes: what clients send and what they mean by it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pywharf_core.errors import InvalidUpload
from pywharf_core.filenames import is_project_name
from pywharf_core.model import PACKAGE_TYPES, CoreMetadata, PackageType
from pywharf_core.upload.core_metadata import ABSENT, MULTIPLE_FIELDS, SINGLE_FIELDS
from pywharf_core.upload.quoted import quoted


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadForm:
    """A valid form, without its file.

    :ivar digests: as stated, lower-case hex, by ``md5``, ``sha256``, ``blake2b_256``; any of them, perhaps none.
    :ivar metadata: the core metadata fields that have a value, the description, name and version aside.
    """

    name: str  # perhaps not normalised
    version: str  # perhaps not canonical
    filetype: PackageType | None
    pyversion: str | None
    digests: Mapping[str, str]
    comment: str | None
    metadata: CoreMetadata
    attestations: str | None  # a JSON array, not looked at


#: Form field -> our name of the digest and its length in hex digits.
_DIGESTS = {"md5_digest": ("md5", 32), "sha256_digest": ("sha256", 64), "blake2_256_digest": ("blake2b_256", 64)}

_SINGLE = frozenset(name.replace("-", "_") for name in SINGLE_FIELDS)

#: Form field -> key of the core metadata. Clients disagree on singular and plural: either is taken.
_MULTIPLE = {
    **{name.replace("-", "_"): key for name, key in MULTIPLE_FIELDS.items()},
    **{key: key for key in MULTIPLE_FIELDS.values()},
    "provides_extras": "provides_extra",
}

_CONTROLS = frozenset(
    (":action", "protocol_version", "filetype", "pyversion", "name", "version", "comment", "attestations", *_DIGESTS)
)
_HEX = re.compile(r"[0-9a-fA-F]*\Z")


def parse_form(fields: Sequence[tuple[str, str]]) -> UploadForm:
    """Read the form.

    :param fields: every part that is not a file, in the order in which they came; that order has no meaning, except
        among the values of one field.
    :raises InvalidUpload: a field is missing, malformed or contradicts itself. Unknown fields are ignored.
    """
    single, multiple = _sorted_out(fields)
    _check_protocol(single)
    name, version = _required(single, "name"), _required(single, "version")
    if not is_project_name(name):
        raise InvalidUpload(
            f"The form's name {quoted(name)} is not a valid project name: it may hold ASCII letters, digits and . _ - "
            "only, and begins and ends with a letter or digit."
        )
    metadata: dict[str, str | tuple[str, ...]] = {key: value for key, value in single.items() if key in _SINGLE}
    metadata.update((key, tuple(values)) for key, values in multiple.items())
    return UploadForm(
        name=name,
        version=version,
        filetype=_filetype(single.get("filetype")),
        pyversion=single.get("pyversion"),
        digests={
            digest: _hex(field, single[field], length)
            for field, (digest, length) in _DIGESTS.items()
            if field in single
        },
        comment=single.get("comment"),
        metadata=metadata,
        attestations=single.get("attestations"),
    )


def _sorted_out(fields: Sequence[tuple[str, str]]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The known fields that say something: texts by field, and lists by key of the core metadata."""
    single: dict[str, str] = {}
    multiple: dict[str, list[str]] = {}
    for field, raw in fields:
        if field == "content":
            raise InvalidUpload("The form's part content has no filename; it should be the wheel or sdist as a file.")
        value = raw.replace("\0", "\ufffd")
        if value.strip() in ABSENT:
            continue
        if field in _MULTIPLE:
            multiple.setdefault(_MULTIPLE[field], []).append(value)
        elif field in _SINGLE or field in _CONTROLS:
            if field in _CONTROLS and field not in ("comment", "attestations"):
                value = value.strip()
            if single.setdefault(field, value) != value:
                raise InvalidUpload(f"The form gives {field} twice with different values; it should be given once.")
    return single, multiple


def _check_protocol(single: Mapping[str, str]) -> None:
    action = single.get(":action")
    if action is None:
        raise InvalidUpload("The form has no field :action; an upload should say :action = file_upload.")
    if action != "file_upload":
        raise InvalidUpload(f"The form's :action {quoted(action)} is not supported; it should be 'file_upload'.")
    protocol = single.get("protocol_version", "1")
    if protocol != "1":
        raise InvalidUpload(f"The form's protocol_version {quoted(protocol)} is not supported; it should be '1'.")


def _required(single: Mapping[str, str], field: str) -> str:
    if field not in single:
        raise InvalidUpload(f"The form has no field {field}; an upload should say the {field} of its project.")
    return single[field]


def _filetype(text: str | None) -> PackageType | None:
    if text is None:
        return None
    for known in PACKAGE_TYPES:
        if text == known:
            return known
    raise InvalidUpload(f"The form's filetype {quoted(text)} is not supported; it should be 'bdist_wheel' or 'sdist'.")


def _hex(field: str, text: str, length: int) -> str:
    if len(text) != length or not _HEX.match(text):
        raise InvalidUpload(f"The form's {field} {quoted(text)} is malformed; it should be {length} hex digits.")
    return text.lower()
