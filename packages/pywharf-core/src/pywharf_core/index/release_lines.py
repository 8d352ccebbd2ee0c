"""The releases of one project, a line each, without reading what all of its files say."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime

from packaging.version import InvalidVersion

from pywharf_core.filenames import parse_version
from pywharf_core.index.version_key import is_final, key_of
from pywharf_core.model import DistributionFile, from_record
from pywharf_core.releases import Release, release_of_files

NOT_YANKED = 2  # and more: see ``offered``


@dataclass(frozen=True, slots=True)
class ReleaseLine:
    """A release among others, in one line.

    :ivar version: as its first file spells it.
    :ivar files: how many it has.
    :ivar uploaded: when its first file was, UTC.
    :ivar yanked: all of its files are.
    """

    version: str
    files: int
    uploaded: datetime
    yanked: bool
    prerelease: bool


def offered(file: DistributionFile) -> int:
    """The greater, the rather is its release meant by "the latest": yanked or not counts before final or not."""
    return (0 if file.yanked is not None else NOT_YANKED) + is_final(file.version)


class ReleaseSnapshot:
    """Questions about a project's releases."""

    _connection: sqlite3.Connection

    def releases(self, project: str, *, limit: int = -1) -> list[ReleaseLine]:
        """Those of a project, the highest version first."""
        rows = self._connection.execute(
            # With one min() and no max(), the other columns are those of its row.
            "select version, count(*), min(uploaded), total(offered >= :good) = 0, offered % 2 = 0 from file "
            "where project = :project group by release order by release desc limit :limit",
            {"project": project, "good": NOT_YANKED, "limit": limit},
        )
        return [
            ReleaseLine(version, files, datetime.fromtimestamp(uploaded, UTC), bool(yanked), bool(prerelease))
            for version, files, uploaded, yanked, prerelease in rows
        ]

    def latest_version(self, project: str) -> str | None:
        """What people mean by it; None: the project has no files."""
        row = self._connection.execute("select version from card where project = ?", (project,)).fetchone()
        return None if row is None else str(row[0])

    def count_releases(self, project: str) -> int:
        row = self._connection.execute("select releases from card where project = ?", (project,)).fetchone()
        return 0 if row is None else int(row[0])

    def release(self, project: str, version: str) -> Release | None:
        """The release whose version equals this one; None: there is none, or it is no version."""
        try:
            key = key_of(parse_version(version))  # not remembered: whoever asks can think of any number of them
        except InvalidVersion:
            return None
        rows = self._connection.execute(
            "select record, fingerprint from file where project = ? and release = ?", (project, key)
        )
        files = [from_record(json.loads(record), fingerprint=fingerprint) for record, fingerprint in rows]
        return release_of_files(files) if files else None
