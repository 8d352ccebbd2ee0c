"""Documents of the shape of PyPI's JSON API, which no standard describes: values in, text out.

The field list is the one that PyPI's documentation has (``docs/user/api/json.md`` of Warehouse). What has no meaning
here has its empty value: downloads, vulnerabilities, owners.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from packaging.utils import NormalizedName

from pywharf_core.model import CoreMetadata, DistributionFile
from pywharf_core.releases import Release
from pywharf_core.simple.links import FileUrl, encodable, one_line

#: Names of digests, as this API knows them.
_DIGESTS = ("md5", "sha256", "blake2b_256")


@dataclass(frozen=True, kw_only=True, slots=True)
class Addresses:
    """Makers of absolute URLs: of a file, of a project's page for people, and of a release's."""

    file: FileUrl
    project: Callable[[NormalizedName], str]
    release: Callable[[NormalizedName, str], str]


def release_document(
    project: NormalizedName,
    release: Release,
    *,
    description: str,
    serial: int,
    addresses: Addresses,
    releases: Sequence[Release] | None = None,
) -> str:
    """One release, as compact ASCII.

    :param description: the release's README, as written.
    :param serial: ``last_serial``: raised whenever the project changes.
    :param releases: all of the project; given: the form of a whole project, of which ``release`` is the latest.
    """
    document: dict[str, Any] = {
        "info": _info(project, release, description, addresses),
        "last_serial": serial,
        "ownership": {"roles": [], "organization": None},
        "urls": _files(release, addresses),
        "vulnerabilities": [],
    }
    if releases is not None:
        document["releases"] = {each.version: _files(each, addresses) for each in releases}
    return json.dumps(document, separators=(",", ":"))


def _info(project: NormalizedName, release: Release, description: str, addresses: Addresses) -> dict[str, Any]:
    told_by = release.described_by
    fields: CoreMetadata = {} if told_by is None or told_by.core_metadata is None else told_by.core_metadata
    texts = {key: _text(fields, key) for key in _TEXTS}
    page = addresses.project(project)
    return {
        "name": _text(fields, "name") or project,
        "version": release.version,
        **texts,
        "description": encodable(description),
        "keywords": ", ".join(word.strip() for word in (_text(fields, "keywords") or "").split(",")) or None,
        "platform": next(iter(_texts(fields, "platforms")), None),
        "classifiers": _texts(fields, "classifiers"),
        "dynamic": _texts(fields, "dynamic") or None,
        "license_files": _texts(fields, "license_files") or None,
        "provides_extra": _texts(fields, "provides_extra") or None,
        "requires_dist": _texts(fields, "requires_dist") or None,
        "package_url": page,
        "project_url": page,
        "project_urls": project_urls(fields) or None,
        "release_url": addresses.release(project, release.version),
        "yanked": release.yanked is not None,
        "yanked_reason": one_line(release.yanked) if release.yanked else None,
        "bugtrack_url": None,
        "docs_url": None,
        "downloads": {"last_day": -1, "last_month": -1, "last_week": -1},
    }


_TEXTS = (
    "summary",
    "description_content_type",
    "license",
    "license_expression",
    "author",
    "author_email",
    "maintainer",
    "maintainer_email",
    "requires_python",
    "home_page",
    "download_url",
)


def project_urls(fields: CoreMetadata) -> dict[str, str]:
    """URLs by label: the two fields of old, then ``Project-URL``, unless that only repeats one of them (PEP 753)."""
    urls = {}
    for label, key in (("Homepage", "home_page"), ("Download", "download_url")):
        if url := _text(fields, key):
            urls[label] = url
    named_before = {"homepage": urls.get("Homepage"), "downloadurl": urls.get("Download")}
    for value in _texts(fields, "project_urls"):
        label, _, url = (part.strip() for part in value.partition(","))
        if not url:  # somebody forgot the label
            url = label
        comparable = "".join(character for character in label.lower() if character.isalnum())
        if named_before.get(comparable) != url:
            urls[label] = url
    return urls


def _files(release: Release, addresses: Addresses) -> list[dict[str, Any]]:
    return [_file(file, addresses.file(file)) for file in release.files]


def _file(file: DistributionFile, url: str) -> dict[str, Any]:
    uploaded = file.upload_time.astimezone(UTC).replace(tzinfo=None)
    return {
        "filename": file.filename,
        "packagetype": file.packagetype,
        "python_version": _python_version(file),
        "size": file.size,
        "url": url,
        "digests": {name: file.hashes[name] for name in _DIGESTS if name in file.hashes},
        "md5_digest": file.hashes.get("md5"),
        "upload_time": uploaded.isoformat(timespec="seconds"),
        "upload_time_iso_8601": f"{uploaded.isoformat(timespec='microseconds')}Z",
        "requires_python": None if file.requires_python is None else encodable(file.requires_python),
        "yanked": file.yanked is not None,
        "yanked_reason": one_line(file.yanked) if file.yanked else None,
        "comment_text": encodable(file.comment or ""),
        "core-metadata": {"sha256": file.core_metadata_sha256} if file.core_metadata_sha256 else False,
        "has_sig": False,
        "downloads": -1,
    }


def _python_version(file: DistributionFile) -> str:
    """What uploaders state as ``pyversion``: a wheel's Python tag, or ``source``."""
    if file.packagetype == "sdist":
        return "source"
    return file.filename.removesuffix(".whl").split("-")[-3]


def _text(fields: CoreMetadata, key: str) -> str | None:
    value = fields.get(key)
    return encodable(value) if isinstance(value, str) else None


def _texts(fields: CoreMetadata, key: str) -> list[str]:
    value = fields.get(key, ())
    return [encodable(value)] if isinstance(value, str) else [encodable(one) for one in value]
