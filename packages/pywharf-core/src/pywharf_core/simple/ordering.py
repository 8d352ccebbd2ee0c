"""In which order files and versions stand on a page."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from packaging.version import Version

from pywharf_core.model import DistributionFile


@lru_cache(maxsize=65536)  # most versions of a page were there when it was last rendered
def parsed_version(version: str) -> Version:
    """
    :raises InvalidVersion: not a version of PEP 440; those of listed files all are.
    """
    return Version(version)


def files_in_order(files: Iterable[DistributionFile]) -> list[DistributionFile]:
    """By version (PEP 440), then filename."""
    return sorted(files, key=lambda file: (parsed_version(file.version), file.filename))


def versions_in_order(files: Iterable[DistributionFile]) -> list[str]:
    """Every version once, ascending; of equal spellings (``1.0`` and ``1.0.0``) that of the file that came first."""
    first: dict[Version, DistributionFile] = {}
    for file in files:
        version = parsed_version(file.version)
        other = first.get(version)
        if other is None or (file.upload_time, file.filename) < (other.upload_time, other.filename):
            first[version] = file
    return [first[version].version for version in sorted(first)]
