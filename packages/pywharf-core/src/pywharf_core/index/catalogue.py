"""What people are shown of each project, a line each, and the words by which it is found: derived from the files."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from pywharf_core.index.release_lines import NOT_YANKED
from pywharf_core.index.words import question, searchable, words_of_name
from pywharf_core.model import ProjectStatus, from_record
from pywharf_core.releases import Release, release_of_files
from pywharf_core.upload.core_metadata import text_of

_MOST_SUMMARY = 1000  # characters; the specification wants one line
_MOST_NAME = 250
_COLUMNS = "card.project, card.name, summary, version, releases, uploaded, yanked, status"


class Order(StrEnum):
    """In which order projects are listed."""

    NAME = "name"
    UPLOADED = "uploaded"  # what was uploaded last comes first


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A project that has files, in one line.

    :ivar project: normalised.
    :ivar name: as the metadata of its latest release spells it.
    :ivar summary: of its latest release, perhaps "".
    :ivar version: the latest, see ``pywharf_core.releases.latest``.
    :ivar releases: how many there are.
    :ivar uploaded: when its last file was, UTC.
    :ivar yanked: whether all of its releases are.
    """

    project: str
    name: str
    summary: str
    version: str
    releases: int
    uploaded: datetime
    yanked: bool
    status: ProjectStatus


@dataclass(frozen=True, slots=True)
class CataloguePage:
    """Some entries of a longer list.

    :ivar total: how many the whole list has.
    """

    entries: Sequence[CatalogueEntry]
    total: int


class CatalogueSnapshot:
    """Questions about the catalogue."""

    _connection: sqlite3.Connection

    def catalogue(self, *, order: Order = Order.NAME, offset: int = 0, limit: int = 50) -> CataloguePage:
        """All projects that have files."""
        by = "card.project" if order is Order.NAME else "uploaded desc, card.project"
        rows = self._connection.execute(
            f"select {_COLUMNS} from card join project on project.name = card.project order by {by} limit ? offset ?",  # noqa: S608 - our own words
            (limit, offset),
        )
        entries = [_entry(*row) for row in rows]
        (total,) = self._connection.execute("select count(*) from card").fetchone()
        return CataloguePage(entries, total)

    def search(self, text: str, *, offset: int = 0, limit: int = 50) -> CataloguePage:
        """Projects whose name and summary have all the words, or whose name has the text inside; the best come first.

        :param text: whatever somebody typed.
        """
        asked = question(text)
        if asked is None:
            return CataloguePage([], 0)
        values = {"match": asked.match, "part": asked.part, "name": asked.name, "limit": limit, "offset": offset}
        rows = self._connection.execute(_SEARCH, values).fetchall()
        if not rows and offset:  # nobody counted
            (total,) = self._connection.execute(f"select count(*) from ({_FOUND})", values).fetchone()  # noqa: S608 - likewise
            return CataloguePage([], total)
        return CataloguePage([_entry(*row[1:]) for row in rows], rows[0][0] if rows else 0)

    def listed_among(self, projects: Collection[str]) -> set[str]:
        """Those of these names, normalised, that have files."""
        ask = "select project from card where project = ?"
        return {name for name in projects if self._connection.execute(ask, (name,)).fetchone() is not None}


# bm25 is the better the smaller it is; what has the text only inside its name comes after all others.
_FOUND = """
    select id, min(score) as score from (
        select rowid as id, bm25(words, 10.0, 1.0) as score from words where words match :match
        union all
        select id, 1.0 from card where :part <> '' and instr(replace(project, '-', ''), :part)
    ) group by id
"""
_SEARCH = f"""
    select count(*) over (), {_COLUMNS} from ({_FOUND}) found join card using (id)
    join project on project.name = card.project
    order by card.project <> :name, score, card.project limit :limit offset :offset
"""  # noqa: S608 - our own words


class CatalogueWriter(CatalogueSnapshot):
    """Keeps the catalogue in line, inside a transaction."""

    def describe(self, project: str) -> int:
        """Bring the entry of a project in line with its files.

        :returns: how many files it has.
        """
        files, releases, uploaded, best = self._connection.execute(
            "select count(*), count(distinct release), max(uploaded), max(offered) from file where project = ?",
            (project,),
        ).fetchone()
        before = self._connection.execute("select id, name, summary from card where project = ?", (project,)).fetchone()
        if not files:
            if before is not None:
                self._connection.execute("delete from card where id = ?", (before[0],))
                self._connection.execute("delete from words where rowid = ?", (before[0],))
            return 0
        latest = self._latest(project, best)
        name, summary = _said(project, latest)
        (number,) = self._connection.execute(
            "insert into card (project, name, summary, version, releases, uploaded, yanked) values (?, ?, ?, ?, ?, ?, ?) "
            "on conflict (project) do update set name = excluded.name, summary = excluded.summary, "
            "version = excluded.version, releases = excluded.releases, uploaded = excluded.uploaded, "
            "yanked = excluded.yanked returning id",
            (project, name, summary, latest.version, releases, uploaded, best < NOT_YANKED),
        ).fetchone()
        if before is None or before[1:] != (name, summary):  # most uploads leave the words as they were
            self._connection.execute("delete from words where rowid = ?", (number,))
            self._connection.execute(
                "insert into words (rowid, name, summary) values (?, ?, ?)",
                (number, words_of_name(project, name), searchable(summary)),
            )
        return int(files)

    def _latest(self, project: str, best: int) -> Release:
        rows = self._connection.execute(
            "select record from file where project = :project and release = ("
            "select release from file where project = :project and offered = :best order by release desc limit 1)",
            {"project": project, "best": best},
        )
        return release_of_files([from_record(json.loads(record)) for (record,) in rows])


def _said(project: str, latest: Release) -> tuple[str, str]:
    """Name and summary as the release's metadata has them, in one line each."""
    told_by = latest.described_by
    fields = told_by.core_metadata if told_by is not None else None
    name = text_of(fields, "name") if fields else None
    summary = text_of(fields, "summary") if fields else None
    return _line(name or project, _MOST_NAME), _line(summary or "", _MOST_SUMMARY)


def _line(text: str, most: int) -> str:
    return " ".join(text.split())[:most]


def _entry(
    project: str, name: str, summary: str, version: str, releases: int, uploaded: float, yanked: int, status: str
) -> CatalogueEntry:
    moment = datetime.fromtimestamp(uploaded, UTC)
    moment = datetime.fromtimestamp(uploaded, UTC)
    return CatalogueEntry(project, name, summary, version, releases, moment, bool(yanked), ProjectStatus(status))
