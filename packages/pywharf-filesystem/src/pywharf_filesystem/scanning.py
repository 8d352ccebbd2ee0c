"""All that a store publishes, read as incrementally as stat allows.

A file that kept its fingerprint costs two stats. A project's folder that kept its own costs one, as adding, removing
and renaming change it, and sidecars are only ever renamed into place; writing into a file in place does not, so every
tenth scan looks at every file.
"""

from __future__ import annotations

import itertools
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import NormalizedName

from pywharf_core import Deleted, DistributionFile, Refused, ScanResult, Unchanged, is_project_name, normalise
from pywharf_filesystem.fingerprint import SETTLED_AFTER_NS, fingerprint
from pywharf_filesystem.layout import SIDECAR_SUFFIX, UNFINISHED_SUFFIXES, Layout
from pywharf_filesystem.project_states import ProjectStates, Remembered
from pywharf_filesystem.reading import Waiting, read_file

_THOROUGH_EVERY = 10  # scans
_NORMALISED = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")
_DISTRIBUTION = re.compile(r".+(\.whl|\.tar\.gz|\.zip)\Z")


@dataclass(frozen=True, slots=True)
class _Folder:
    """What the last look into a folder answered; valid while the folder has ``signature``."""

    signature: tuple[int, int, int]
    deleted: Mapping[str, str]
    fingerprints: tuple[tuple[str, str], ...]
    unchanged: tuple[Unchanged, ...]
    refused: tuple[Refused, ...]


class Scanner:
    """Remembers the folders it has seen; safe from many threads, as each folder is remembered by one assignment.

    :param settled_after_ns: files without a sidecar that are younger wait for the next scan.
    """

    def __init__(self, layout: Layout, states: ProjectStates, *, settled_after_ns: int = SETTLED_AFTER_NS) -> None:
        self._layout = layout
        self._states = states
        self._settled_after_ns = settled_after_ns
        self._seen: dict[str, _Folder] = {}
        self._scans = itertools.count()

    def scan(self, known: Mapping[str, str]) -> Iterator[ScanResult]:
        """:raises OSError: the store cannot be read."""
        thorough = next(self._scans) % _THOROUGH_EVERY == 0
        states = self._states.read_all()
        folders: set[str] = set()
        for project, names in self._projects(folders):
            remembered = states.get(project)
            listed: set[str] = set()
            for name in names:
                for result in self._folder(project, name, known, remembered, thorough=thorough):
                    if len(names) > 1 or remembered is not None:
                        if not isinstance(result, Refused) and result.filename in listed:
                            yield _twice(result.filename)
                            continue
                        listed.add(result.filename) if not isinstance(result, Refused) else None
                    yield result
            if remembered is not None:
                yield from _remembered(remembered, listed)
        for project, remembered in states.items():
            if project not in folders:
                yield from _remembered(remembered, set())
        yield from self._misplaced()
        for name in self._seen.keys() - self._folder_names:
            del self._seen[name]
