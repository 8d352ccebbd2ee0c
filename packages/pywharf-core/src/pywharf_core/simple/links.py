"""Addresses on the pages, and the text that may stand there."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

from pywharf_core.filenames import normalise
from pywharf_core.model import DistributionFile

#: The address of a file, without a fragment; what a page is given instead of ``relative_file_url``.
FileUrl = Callable[[DistributionFile], str]

#: The address of a file's provenance, or None if it is to be announced nowhere.
ProvenanceUrl = Callable[[DistributionFile], str | None]

_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]+")
_NORMALISED = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")


def relative_file_url(file: DistributionFile) -> str:
    """Right below the project's page, whatever prefix that page has."""
    return quote(file.filename, safe="", errors="replace")


def relative_project_url(project: str) -> str:
    """Right below the list of projects."""
    if _NORMALISED.match(project):
        return f"{project}/"
    return f"{quote(normalise(project), safe='', errors='replace')}/"


def announced_provenance(file: DistributionFile, provenance_url: ProvenanceUrl | None) -> str | None:
    """The address to announce, or None. PEP 740 allows absolute addresses of secure origin only."""
    if provenance_url is None or file.provenance_sha256 is None:
        return None
    url = provenance_url(file)
    return url if url is not None and url.startswith("https://") else None


def encodable(text: str) -> str:
    """``text`` without lone surrogates, which UTF-8 cannot carry and strict JSON readers refuse."""
    return _SURROGATE.sub("\ufffd", text)


def one_line(text: str) -> str:
    """``encodable`` text without control characters: pip and others print a reason as it is, and a terminal obeys it."""
    return _CONTROL.sub(" ", encodable(text))
