"""The Simple API as JSON (PEP 691, 592, 700, 714, 740, 792): version 1.4, or 1.5 with namespaces (PEP 752)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import UTC
from typing import Any

from pywharf_core.filenames import normalise
from pywharf_core.model import DistributionFile, ProjectPage, ProjectStatus
from pywharf_core.simple import namespaces as namespace_pages
from pywharf_core.simple.links import (
    FileUrl,
    ProvenanceUrl,
    announced_provenance,
    encodable,
    one_line,
    relative_file_url,
)
from pywharf_core.simple.ordering import files_in_order, versions_in_order

API_VERSION = "1.4"


def project_list(projects: Iterable[str], *, with_namespaces: bool = False) -> str:
    """The list of projects, sorted, as compact ASCII.

    :param projects: names as they shall be shown.
    :param with_namespaces: whether the repository tells of namespaces.
    """
    names = sorted(projects, key=lambda name: (normalise(name), name))
    return _text({"meta": _meta(with_namespaces), "projects": [{"name": encodable(name)} for name in names]})


def project_page(
    page: ProjectPage,
    *,
    file_url: FileUrl = relative_file_url,
    provenance_url: ProvenanceUrl | None = None,
    namespaces: Sequence[str] | None = None,
) -> str:
    """The files of one project as compact ASCII; none while it is quarantined (PEP 792).

    :param file_url: the address of a file; its last segment must be the filename, for pip reads it there.
    :param provenance_url: the address of a file's provenance; announced only if it begins with ``https://``.
    :param namespaces: those that the project is in, perhaps none; None: the repository does not tell of namespaces.
    """
    status = {"status": page.status.value}
    if page.status_reason is not None:
        status["reason"] = one_line(page.status_reason)
    shown = [] if page.status is ProjectStatus.QUARANTINED else files_in_order(page.files)
    files = [_file(file, file_url(file), announced_provenance(file, provenance_url)) for file in shown]
    document: dict[str, Any] = {
        "meta": _meta(namespaces is not None),
        "name": page.project,
        "project-status": status,
        "versions": versions_in_order(shown),
        "files": files,
    }
    if namespaces is not None:
        document["namespaces"] = [{"name": name, "owned": True} for name in namespaces] or None
    return _text(document)


_NAMED_BY_HASHLIB = hashlib.algorithms_guaranteed - {"sha256"}


def _meta(with_namespaces: bool) -> dict[str, str]:
    return {"api-version": namespace_pages.API_VERSION if with_namespaces else API_VERSION}


def _file(file: DistributionFile, url: str, provenance: str | None) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "filename": file.filename,
        "url": url,
        "hashes": _hashes(file),
        "size": file.size,
        "upload-time": file.upload_time.astimezone(UTC).isoformat()[:-6] + "Z",  # without +00:00: PEP 700 wants Z
        "yanked": (one_line(file.yanked) or True) if file.yanked is not None else False,
    }
    if file.requires_python is not None:
        entry["requires-python"] = one_line(file.requires_python)
    if file.core_metadata_sha256 is not None:
        # Not under the old name dist-info-metadata: an object there crashes some old clients (PEP 714).
        entry["core-metadata"] = {"sha256": file.core_metadata_sha256}
    if provenance is not None:
        entry["provenance"] = provenance
    return entry


def _hashes(file: DistributionFile) -> dict[str, str]:
    """sha256 first, for some clients take the first; then those that go by a name of hashlib's, as PEP 691 asks.

    blake2b_256 has no such name there and stays out.
    """
    hashes = {"sha256": file.sha256}
    if len(file.hashes) > 1:
        hashes.update((name, file.hashes[name]) for name in sorted(file.hashes) if name in _NAMED_BY_HASHLIB)
    return hashes


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":"))
