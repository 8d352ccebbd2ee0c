"""Packages from what ``devpi-export`` wrote: ``dataindex.json``, and each file of each index below USER/INDEX/.

Believed of it: the hash of each file, which is compared with its bytes, and when it was uploaded. What else it says of
releases came from the client that uploaded them, and is read out of the archives instead.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from packaging.utils import NormalizedName

from pywharf_core.errors import SourceUnusable
from pywharf_core.filenames import normalise
from pywharf_core.project_choice import ProjectChoice
from pywharf_core.simple.links import encodable
from pywharf_core.transfer.local_files import LocalFiles
from pywharf_core.transfer.offers import (
    Finding,
    Findings,
    Offer,
    PassedOver,
    Unusable,
    why_passed_over,
)

DATA_INDEX = "dataindex.json"

_DUMP_VERSION = "2"
_KINDS = {"doczip": "documentation", "toxresult": "a test's result"}
_ALGORITHMS = ("sha256", "md5")


class DevpiExport(LocalFiles):
    """:param folder: holds ``dataindex.json``.
    :param indexes: as USER/INDEX; empty: the only one that has files of its own.
    """

    def __init__(self, folder: Path, *, indexes: Sequence[str] = (), projects: ProjectChoice | None = None) -> None:
        self._folder = folder
        self._indexes = indexes
        self._projects = projects or ProjectChoice()

    def look(self) -> Findings:
        """:raises NotFound: a project that is wanted is not there."""
        indexes = self._read()
        chosen = self._chosen(indexes)
        known = {_project(entry) for name in chosen for entry in _files(indexes[name])}
        self._projects.demand_some(known, f"What devpi exported to {self._folder}")
        found: list[Finding] = []
        for name in chosen:
            yanked = _yanked(indexes[name])
            for entry in _files(indexes[name]):
                found.append(self._found(entry, yanked))
        return found

    def nothing_found(self) -> str:
        return (
            f"What devpi exported to {self._folder} has no wheel or sdist in {', '.join(self._indexes) or 'its index'}."
        )

    def _read(self) -> Mapping[str, Any]:
        path = self._folder / DATA_INDEX
        try:
            document = json.loads(path.read_bytes())
            indexes = document["indexes"]
            if str(document["dumpversion"]) != _DUMP_VERSION:
                raise SourceUnusable(
                    f"{path} has the dump version {document['dumpversion']}; only version {_DUMP_VERSION} is known; "
                    "export again with a current devpi-server."
                )
            if not isinstance(indexes, dict) or not all(isinstance(index, dict) for index in indexes.values()):
                raise TypeError
        except OSError as error:
            raise SourceUnusable(f"{path} cannot be read: {error.strerror}.") from error
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise SourceUnusable(f"{path} is not what devpi-export writes, or damaged; export again.") from error
        return indexes

    def _chosen(self, indexes: Mapping[str, Any]) -> Sequence[str]:
        """Those that are named, or the only one that people upload to and that has files."""
        own = [name for name in indexes if _is_stage(indexes[name]) and any(True for _ in _files(indexes[name]))]
        known = ", ".join(sorted(indexes)) or "none"
        for name in self._indexes:
            if name not in indexes:
                raise SourceUnusable(f"The export has no index {name}; it has {known}.")
        if self._indexes:
            return self._indexes
        if len(own) != 1:
            said = f"several indexes with files ({', '.join(sorted(own))})" if own else f"no index with files ({known})"
            raise SourceUnusable(f"The export has {said}; name those to import by --index USER/INDEX.")
        return own

    def _found(self, entry: Mapping[str, Any], yanked: Mapping[tuple[NormalizedName, str], str]) -> Finding:
        relative = str(entry.get("relpath", ""))
        place = str(self._folder / relative)
        kind = str(entry.get("type", ""))
        if kind != "releasefile":
            return PassedOver(place, _KINDS.get(kind, "not a distribution file"))
        filename = posixpath.basename(relative)
        reason = why_passed_over(filename)
        if reason is not None:
            return PassedOver(place, reason)
        project = _project(entry)
        if project not in self._projects:
            return PassedOver(place, "of a project that nobody asked for")
        try:
            if not self._is_inside(relative):
                return Unusable(place, f"{DATA_INDEX} says that it lies outside of the export.")
            size = Path(place).stat().st_size
        except (ValueError, RuntimeError):  # a NUL, or what UTF-8 cannot carry; links in a circle
            return Unusable(place, f"{DATA_INDEX} names it, but that is the path of no file.")
        except OSError as error:
            return Unusable(place, f"{DATA_INDEX} names it, but it cannot be read: {error.strerror}.")
        mapping = entry.get("entrymapping")
        mapping = mapping if isinstance(mapping, Mapping) else {}
        return Offer(
            filename=filename,
            place=place,
            project=project,
            size=size,
            hashes=_hashes(mapping),
            upload_time=_upload_time(entry.get("log"), mapping),
            yanked=yanked.get((project, str(entry.get("version")))),
        )

    def _is_inside(self, relative: str) -> bool:
        folder = self._folder.resolve()
        return (folder / relative).resolve().is_relative_to(folder)


def is_devpi_export(folder: Path) -> bool:
    return (folder / DATA_INDEX).is_file()


def _is_stage(index: Mapping[str, Any]) -> bool:
    """Whether people upload to it; else it mirrors another index."""
    config = index.get("indexconfig")
    return isinstance(config, Mapping) and config.get("type", "stage") != "mirror"


def _files(index: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    files = index.get("files")
    for entry in files if isinstance(files, list) else ():
        if isinstance(entry, Mapping):
            yield entry


def _project(entry: Mapping[str, Any]) -> NormalizedName:
    return normalise(str(entry.get("projectname", "")))


def _yanked(index: Mapping[str, Any]) -> Mapping[tuple[NormalizedName, str], str]:
    """Reason by project and version; only mirrors tell of it."""
    marks = {}
    projects = index.get("projects")
    for project, versions in (projects if isinstance(projects, Mapping) else {}).items():
        for version, said in (versions if isinstance(versions, Mapping) else {}).items():
            mark = said.get("yanked") if isinstance(said, Mapping) else None
            if mark is not None and mark is not False:
                marks[normalise(str(project)), str(version)] = encodable(mark) if isinstance(mark, str) else ""
    return marks


def _hashes(mapping: Mapping[str, Any]) -> Mapping[str, str]:
    """As devpi wrote them: since 6.5 all of them, before that one, long ago only MD5."""
    said: list[tuple[str, object]] = [("md5", mapping.get("md5"))]
    algorithm, _, value = str(mapping.get("hash_spec", "")).partition("=")
    said.append((algorithm, value))
    hashes = mapping.get("hashes")
    said.extend(hashes.items() if isinstance(hashes, Mapping) else ())
    return {name: str(value).lower() for name, value in said if name in _ALGORITHMS and value}


def _upload_time(log: object, mapping: Mapping[str, Any]) -> datetime | None:
    """When the file was first uploaded; where nobody wrote that down, when it came to be."""
    moments = [_moment(line) for line in _lines(log) if line.get("what") == "upload"]
    known = [moment for moment in moments if moment is not None]
    if known:
        return min(known)
    try:
        moment = parsedate_to_datetime(str(mapping.get("last_modified", "")))
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _lines(log: object) -> Iterable[Mapping[str, Any]]:
    return [line for line in log if isinstance(line, Mapping)] if isinstance(log, list) else []


def _moment(line: Mapping[str, Any]) -> datetime | None:
    try:
        year, month, day, hour, minute, second = map(int, line["when"][:6])
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
