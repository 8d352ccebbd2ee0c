"""The release that serves a file now."""

from __future__ import annotations

from pywharf_core import DistributionFile, FileChanged, FileNotFound, StorageUnavailable
from pywharf_github import releases
from pywharf_github.release_assets import Json
from pywharf_github.release_requests import ReleaseRequests
from pywharf_github.releases import Published, Unreadable


class Finder:
    """Asks GitHub each time: one request.

    All its answers raise ``StorageUnavailable`` of a release whose record cannot be read: that it is gone nobody said.
    """

    def __init__(self, requests: ReleaseRequests) -> None:
        self._requests = requests

    def published(self, file: DistributionFile) -> Published | None:
        """By id, where the file has one: another release of the same name is another file."""
        return self._look(file)[1]

    def current(self, file: DistributionFile) -> Published:
        """:raises FileNotFound: no release serves it."""
        published = self.published(file)
        if published is None:
            raise gone(file)
        return published

    def same(self, file: DistributionFile) -> tuple[Json, Published]:
        """The release too.

        :raises FileNotFound: no release serves it.
        :raises FileChanged: its content is another.
        """
        release, published = self._look(file)
        if release is None or published is None:
            raise gone(file)
        if published.file.sha256 != file.sha256:
            raise changed(file)
        return release, published

    def _look(self, file: DistributionFile) -> tuple[Json | None, Published | None]:
        ids = releases.ids_of(file)
        release = self._requests.by_tag(file.filename) if ids is None else self._requests.by_id(ids[0])
        found = None if release is None else releases.read(release)
        if isinstance(found, Unreadable):
            raise StorageUnavailable(found.reason)
        is_it = isinstance(found, Published) and found.file.filename == file.filename
        return release, found if is_it and isinstance(found, Published) else None


def gone(file: DistributionFile) -> FileNotFound:
    return FileNotFound(f"{file.filename} is not in the GitHub repository.")


def changed(file: DistributionFile) -> FileChanged:
    return FileChanged(f"{file.filename} is not the file that was listed.")
