"""METADATA and PKG-INFO: the core metadata specification, read with patience for what old tools wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

from packaging.metadata import parse_email
from packaging.utils import canonicalize_name

from pywharf_core.errors import InvalidUpload
from pywharf_core.filenames import ParsedFilename, same_version
from pywharf_core.model import CoreMetadata
from pywharf_core.upload.quoted import quoted

_MOST_FIELDS, _MOST_NAMES = 100_000, 200
#: What distutils and its heirs write, and send, where there is nothing to say.
ABSENT = ("", "UNKNOWN")

#: Fields that may be given several times, and their keys: plural, where the specification of metadata as JSON has it so.
MULTIPLE_FIELDS = {
    "platform": "platforms",
    "supported-platform": "supported_platforms",
    "classifier": "classifiers",
    "requires": "requires",
    "provides": "provides",
    "obsoletes": "obsoletes",
    "requires-dist": "requires_dist",
    "provides-dist": "provides_dist",
    "obsoletes-dist": "obsoletes_dist",
    "requires-external": "requires_external",
    "project-url": "project_urls",
    "provides-extra": "provides_extra",
    "dynamic": "dynamic",
    "license-file": "license_files",
    "import-name": "import_names",
    "import-namespace": "import_namespaces",
}
_SMALL_NUMBER = re.compile(r"[0-9]{1,9}\Z")

#: Fields that have one value; name, version and description aside.
SINGLE_FIELDS = frozenset(
    (
        "metadata-version",
        "summary",
        "description-content-type",
        "keywords",
        "home-page",
        "download-url",
        "author",
        "author-email",
        "maintainer",
        "maintainer-email",
        "license",
        "license-expression",
        "requires-python",
    )
)

_FOLD = re.compile(r"\r?\n(?: {7}\||\t| {1,8})")


def parse_core_metadata(content: bytes, document: str, parsed: ParsedFilename) -> CoreMetadata:
    """The fields of a core metadata file, without the description.

    :param document: how the file is called in sentences: ``METADATA`` or ``PKG-INFO``.
    :raises InvalidUpload: name or version is missing, or not that of the filename. Anything else is tolerated.
    """
    _check_header(content, document)
    raw, unparsed = parse_email(content)
    _check_identity(raw.get("name"), raw.get("version"), unparsed, document, parsed)
    fields: dict[str, str | tuple[str, ...]] = {}
    for key, value in raw.items():
        if key == "description":
            continue
        if key == "keywords":
            value = ",".join(cast("list[str]", value))
        elif key == "project_urls":
            value = [f"{label}, {url}" if label else url for label, url in cast("dict[str, str]", value).items()]
        if isinstance(value, str):
            if value.strip() not in ABSENT:
                fields[key] = value
        else:
            _add(fields, key, cast("list[str]", value))
    for name, values in unparsed.items():  # what packaging did not understand, by name in lower case
        if name in MULTIPLE_FIELDS:
            _add(fields, MULTIPLE_FIELDS[name], values)
        elif name in SINGLE_FIELDS:
            said = [value for value in values if value.strip() not in ABSENT]
            if said:
                fields.setdefault(name.replace("-", "_"), said[0])
    return fields


def description_of(content: bytes) -> str:
    """The description in a core metadata file, as it was written; "" if it has none.

    Metadata before 2.1 has it in a header, folded by eight columns of indentation, which are taken off again.
    """
    raw, unparsed = parse_email(content)
    # Given in header and body, or not in UTF-8: the body, which stands last, is what today's tools write.
    text: str | bytes = raw.get("description") or next(iter(unparsed.get("description", [])[-1:]), "")
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    if not content.replace(b"\r\n", b"\n").partition(b"\n\n")[2].strip():
        text = _FOLD.sub("\n", text)
    return "" if text.strip() in ABSENT else text


def text_of(fields: CoreMetadata, key: str) -> str | None:
    """The value of a field that has at most one."""
    value = fields.get(key)
    return value if isinstance(value, str) else None


def stays_true_when_built(fields: CoreMetadata) -> bool:
    """Whether an sdist's metadata is that of every wheel built from it: 2.2 or later, no ``Dynamic`` (PEP 643)."""
    number = (text_of(fields, "metadata_version") or "").split(".")
    if len(number) != 2 or not all(_SMALL_NUMBER.match(part) for part in number):
        return False
    return (int(number[0]), int(number[1])) >= (2, 2) and not fields.get("dynamic")


def _check_header(content: bytes, document: str) -> None:
    """``parse_email`` looks through all fields for each name: 8 MiB of names that differ would take it weeks."""
    names: set[bytes] = set()
    count = 0
    for line in content.splitlines():
        if not line:
            break
        if not line.startswith((b" ", b"\t")):
            count += 1
            names.add(line.partition(b":")[0].lower())
        if count > _MOST_FIELDS or len(names) > _MOST_NAMES:
            raise InvalidUpload(
                f"The archive's {document} has more than {_MOST_NAMES} kinds of fields, or more than {_MOST_FIELDS} "
                "fields; core metadata knows some 30 kinds."
            )


def _add(fields: dict[str, str | tuple[str, ...]], key: str, values: list[str]) -> None:
    said = tuple(value for value in values if value.strip() not in ABSENT)
    if said:
        fields[key] = (*fields.get(key, ()), *said)


def _check_identity(
    name: str | None, version: str | None, unparsed: Mapping[str, list[str]], document: str, parsed: ParsedFilename
) -> None:
    for field, value in (("Name", name), ("Version", version)):
        if field.lower() in unparsed:
            raise InvalidUpload(f"The archive's {document} gives {field} twice or unreadably; it should be given once.")
        if value is None:
            raise InvalidUpload(f"The archive's {document} has no {field}; build the file again with a current tool.")
    if canonicalize_name(str(name)) != parsed.project:
        raise InvalidUpload(
            f"The archive's {document} is of the project {quoted(str(name))}, its filename of "
            f"{quoted(parsed.project)}; they should agree."
        )
    if not same_version(str(version), parsed.version):
        raise InvalidUpload(
            f"The archive's {document} is of version {quoted(str(version))}, its filename of "
            f"{quoted(str(parsed.version))}; they should agree."
        )
