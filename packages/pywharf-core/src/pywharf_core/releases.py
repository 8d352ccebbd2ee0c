"""The files of a project by release, and what a release says of itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from pywharf_core.filenames import parse_version
from pywharf_core.model import DistributionFile
from pywharf_core.simple.ordering import parsed_version


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """All files of one version; equal spellings (``1.0`` and ``1.0.0``) are one version (PEP 440).

    :ivar version: as the file that was uploaded first spells it.
    :ivar files: by filename; at least one.
    """

    version: str
    files: Sequence[DistributionFile]

    @property
    def parsed(self) -> Version:
        return parsed_version(self.version)

    @property
    def yanked(self) -> str | None:
        """The reason, perhaps ""; None: at least one file is not yanked."""
        reasons = [file.yanked for file in self.files if file.yanked is not None]
        if len(reasons) < len(self.files):
            return None
        return next((reason for reason in reasons if reason), "")

    @property
    def described_by(self) -> DistributionFile | None:
        """The file whose metadata is the release's: of those that have any, the one that was uploaded first."""
        return min((file for file in self.files if file.core_metadata), key=_age, default=None)


def by_release(files: Iterable[DistributionFile]) -> list[Release]:
    """The releases of one project, ascending by version."""
    found: dict[Version, list[DistributionFile]] = {}
    for file in files:
        found.setdefault(parsed_version(file.version), []).append(file)
    return [release_of_files(found[version]) for version in sorted(found)]


def release_of_files(files: Iterable[DistributionFile]) -> Release:
    """The release that these are all files of.

    :param files: at least one.
    """
    in_order = tuple(sorted(files, key=lambda file: file.filename))
    return Release(version=min(in_order, key=_age).version, files=in_order)


def latest(releases: Iterable[Release]) -> Release:
    """What a person means by the newest one: not yanked, then final before pre-release, then the highest version.

    :param releases: at least one.
    """
    return max(releases, key=lambda release: (release.yanked is None, not release.parsed.is_prerelease, release.parsed))


def release_of(releases: Iterable[Release], version: str) -> Release | None:
    """The release whose version equals ``version`` by PEP 440; None: there is none, or it is no version."""
    try:
        wanted = parse_version(version)  # not remembered: whoever asks can think of any number of them
    except InvalidVersion:
        return None
    return next((release for release in releases if release.parsed == wanted), None)


def _age(file: DistributionFile) -> tuple[object, str]:
    return file.upload_time, file.filename
