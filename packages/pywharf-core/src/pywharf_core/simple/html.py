"""The Simple API as HTML (PEP 503, 592, 629, 658, 714, 740, 792), frozen at 1.4 by PEP 833."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from pywharf_core.filenames import normalise
from pywharf_core.model import DistributionFile, ProjectPage, ProjectStatus
from pywharf_core.simple.links import (
    FileUrl,
    ProvenanceUrl,
    announced_provenance,
    encodable,
    relative_file_url,
    relative_project_url,
)
from pywharf_core.simple.ordering import files_in_order

API_VERSION = "1.4"

# What an HTML document may not hold: control characters, and code points that Unicode assigns to nobody ever.
_FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\ufdd0-\ufdef"
    + "".join(chr(plane * 0x10000 + last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
    + "]+"
)
_PLAIN = re.compile(r"[A-Za-z0-9 ._+!=,~-]*\Z")  # needs no escaping


def project_list(projects: Iterable[str]) -> str:
    """The list of projects, sorted; ``projects`` are names as they shall be shown."""
    anchors = [
        f'<a href="{relative_project_url(project)}">{_text(project)}</a><br>\n'
        for project in sorted(projects, key=lambda name: (normalise(name), name))
    ]
    return _document("Simple index", [], anchors)


def project_page(
    page: ProjectPage, *, file_url: FileUrl = relative_file_url, provenance_url: ProvenanceUrl | None = None
) -> str:
    """The files of one project; none while it is quarantined (PEP 792).

    :param file_url: the address of a file; its last segment must be the filename, for pip reads it there.
    :param provenance_url: the address of a file's provenance; announced only if it begins with ``https://``.
    """
    status = [_meta("pypi:project-status", page.status)]
    if page.status_reason is not None:
        status.append(_meta("pypi:project-status-reason", page.status_reason))
    shown = () if page.status is ProjectStatus.QUARANTINED else files_in_order(page.files)
    anchors = [_anchor(file, file_url(file), announced_provenance(file, provenance_url)) for file in shown]
    return _document(f"Links for {page.project}", status, anchors)


def _document(title: str, head: list[str], anchors: list[str]) -> str:
    heading = _text(title)
    return "".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            _meta("pypi:repository-version", API_VERSION),
            *head,
            f"<title>{heading}</title>\n</head>\n<body>\n<h1>{heading}</h1>\n",
            *anchors,
            "</body>\n</html>\n",
        ]
    )


def _meta(name: str, content: str) -> str:
    return f'<meta name="{name}" content="{_text(content)}">\n'


def _anchor(file: DistributionFile, url: str, provenance: str | None) -> str:
    attributes = [f'href="{_text(url)}#sha256={_text(file.sha256)}"']
    if file.requires_python is not None:
        attributes.append(f'data-requires-python="{_text(file.requires_python)}"')
    if file.yanked is not None:
        attributes.append(f'data-yanked="{_text(file.yanked)}"')
    if file.core_metadata_sha256 is not None:
        digest = f"sha256={_text(file.core_metadata_sha256)}"
        attributes.append(f'data-core-metadata="{digest}"')
        attributes.append(f'data-dist-info-metadata="{digest}"')  # PEP 714: the old name, which old clients still read
    if provenance is not None:
        attributes.append(f'data-provenance="{_text(provenance)}"')
    return f"<a {' '.join(attributes)}>{_text(file.filename)}</a><br>\n"


def _text(text: str) -> str:
    """Inert as text and inside quotes; characters that HTML forbids become a space."""
    if _PLAIN.match(text):
        return text
    return escape(_FORBIDDEN.sub(" ", encodable(text)))
