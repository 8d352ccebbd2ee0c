"""All that a store publishes, read as incrementally as stat allows.

A file that kept its fingerprint costs two stats. A project's folder that kept its own costs one, as adding, removing
and renaming change it, and sidecars are only ever renamed into place; writing into a file in place does not, so every
tenth scan looks at every file.
"""

from __future__ import annotations

import errno
import itertools
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import NormalizedName

from pywharf_core import Deleted, DistributionFile, Refused, ScanResult, Unchanged
from pywharf_filesystem.fingerprint import fingerprint
from pywharf_filesystem.layout import SIDECAR_SUFFIX, UNFINISHED_SUFFIXES
from pywharf_filesystem.project_folders import ProjectFolders
from pywharf_filesystem.project_states import ProjectStates, Remembered
from pywharf_filesystem.reading import Waiting, read_file

THOROUGH_EVERY = 10  # scans

_FileResult = DistributionFile | Unchanged | Refused


@dataclass(frozen=True, slots=True)
class _Folder:
    """What the last look into a folder answered; true as long as the folder has ``signature``."""

    signature: tuple[int, int, int]
    deleted: Mapping[str, str]
    fingerprints: Sequence[tuple[str, str]]
    unchanged: Sequence[Unchanged]
    refused: Sequence[Refused]


class Scanner:
    """Remembers the folders it has seen; safe from many threads, as each folder is remembered by one assignment.

    :param settled_after_ns: a file without a sidecar of ours that is younger waits for the next scan.
    """

    def __init__(self, path: Path, folders: ProjectFolders, states: ProjectStates, *, settled_after_ns: int) -> None:
        self._path = path
        self._folders = folders
        self._states = states
        self._settled_after_ns = settled_after_ns
        self._seen: dict[str, _Folder] = {}
        self._scans = itertools.count()

    def scan(self, known: Mapping[str, str]) -> Iterator[ScanResult]:
        """:raises OSError: the store cannot be read."""
        thorough = next(self._scans) % THOROUGH_EVERY == 0
        states = self._states.read_all()
        listing = self._folders.read()
        for project, names in listing.folders.items():
            remembered = states.get(project)
            deleted: Mapping[str, str] = {} if remembered is None else remembered.deleted
            results = self._folder(project, names[0], known, deleted, thorough=thorough)
            for other in names[1:]:
                results = _joined(results, self._folder(project, other, known, deleted, thorough=thorough))
            yield from results
            if remembered is not None:
                yield from _buried(remembered, results)
        for remembered in states.values():
            if remembered.state.name not in listing.folders:
                yield from _buried(remembered, ())
        for filename in listing.misplaced:
            yield Refused(filename, f"{filename} lies beside the projects' folders; it should lie in its project's.")
        for gone in self._seen.keys() - {name for names in listing.folders.values() for name in names}:
            self._seen.pop(gone, None)

    def _folder(
        self,
        project: NormalizedName,
        name: str,
        known: Mapping[str, str],
        deleted: Mapping[str, str],
        *,
        thorough: bool,
    ) -> Sequence[_FileResult]:
        path = os.path.join(self._path, name)
        settled_before_ns = time.time_ns() - self._settled_after_ns
        try:
            stat = os.stat(path)
            signature = (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)
            seen = self._seen.get(name)
            if (
                seen is not None
                and not thorough
                and seen.signature == signature
                and seen.deleted == deleted
                and all(known.get(filename) == mark for filename, mark in seen.fingerprints)
            ):
                return [*seen.unchanged, *seen.refused] if seen.refused else seen.unchanged
            entries, sidecars = _distribution_entries(path)
        except FileNotFoundError:  # removed by hand while we look
            self._seen.pop(name, None)
            return ()
        results, fingerprints, complete = self._files(
            path, project, entries, sidecars, known, deleted, settled_before_ns
        )
        if complete and max(stat.st_mtime_ns, stat.st_ctime_ns) < settled_before_ns:
            self._seen[name] = _Folder(
                signature,
                deleted,
                fingerprints,
                [Unchanged(filename) for filename, _ in fingerprints],
                [result for result in results if isinstance(result, Refused)],
            )
        else:  # within one tick of the clock a folder can change without showing it
            self._seen.pop(name, None)
        return results

    def _files(
        self,
        folder: str,
        project: NormalizedName,
        entries: Sequence[os.DirEntry[str]],
        sidecars: Mapping[str, os.DirEntry[str]],
        known: Mapping[str, str],
        deleted: Mapping[str, str],
        settled_before_ns: int,
    ) -> tuple[Sequence[_FileResult], Sequence[tuple[str, str]], bool]:
        results: list[_FileResult] = []
        fingerprints: list[tuple[str, str]] = []
        complete = True
        for entry in entries:
            filename = entry.name
            try:
                stat = entry.stat()
                sidecar = sidecars.get(filename)
                sidecar_stat = None if sidecar is None else sidecar.stat()
                mark = fingerprint(stat, sidecar_stat)
                before = known.get(filename)
                if before == mark:
                    results.append(Unchanged(filename))
                    fingerprints.append((filename, mark))
                    continue
                result = read_file(
                    folder,
                    filename,
                    project,
                    stat,
                    sidecar_stat,
                    known=before,
                    settled_before_ns=settled_before_ns,
                    deleted=deleted,
                )
            except FileNotFoundError:  # removed or renamed while we look
                complete = False
                continue
            if isinstance(result, Waiting):
                complete = False
                continue
            results.append(result)
            if isinstance(result, DistributionFile):
                fingerprints.append((filename, mark))
        return results, fingerprints, complete


def _distribution_entries(path: str) -> tuple[list[os.DirEntry[str]], dict[str, os.DirEntry[str]]]:
    files: list[os.DirEntry[str]] = []
    sidecars: dict[str, os.DirEntry[str]] = {}
    with os.scandir(path) as entries:
        for entry in entries:
            name = entry.name
            if name.startswith(".") or name.endswith(UNFINISHED_SUFFIXES):
                continue
            if not _is_file(entry):
                continue
            if name.endswith(SIDECAR_SUFFIX):
                sidecars[name.removesuffix(SIDECAR_SUFFIX)] = entry
            else:
                files.append(entry)
    return files, sidecars


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError as error:
        if error.errno == errno.ELOOP:  # a symbolic link to itself leads to no file, as a broken one does
            return False
        raise


def _joined(first: Sequence[_FileResult], second: Sequence[_FileResult]) -> Sequence[_FileResult]:
    """Results of two folders of one project; a filename that is in both is served from the first."""
    taken = {result.filename for result in first if not isinstance(result, Refused)}
    twice = "lies in two folders of its project; it should lie in the one with the normalised name only."
    return [
        *first,
        *(Refused(it.filename, f"{it.filename} {twice}") if it.filename in taken else it for it in second),
    ]


def _buried(remembered: Remembered, results: Sequence[_FileResult]) -> Iterator[ScanResult]:
    listed = {result.filename for result in results if not isinstance(result, Refused)}
    yield remembered.state
    yield from (Deleted(filename, sha256) for filename, sha256 in remembered.deleted.items() if filename not in listed)
