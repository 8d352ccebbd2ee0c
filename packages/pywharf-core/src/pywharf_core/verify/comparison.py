"""The index compared with a whole scan of its storage; what does not fit together is only suspected here."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from packaging.utils import NormalizedName

from pywharf_core.errors import InvalidUpload
from pywharf_core.filenames import normalise, parse_filename
from pywharf_core.model import DistributionFile, ProjectState
from pywharf_core.repository import Repository
from pywharf_core.storage_answers import Deleted, Refused, ScanResult
from pywharf_core.verify.disagreements import (
    AboutDeletion,
    AboutFile,
    AboutForgottenDeletion,
    AboutProject,
    Disagreement,
    differences,
)


class Comparison:
    """Made before the scan begins; memory grows with the number of files only by their names.

    :param covers: whether a project is to be looked at.
    :ivar unlisted: files that the storage has, and the index does not.
    """

    def __init__(self, repository: Repository, covers: Callable[[NormalizedName], bool]) -> None:
        self._repository = repository
        self._covers = covers
        self._keeps_index = repository.storage.keeps_index  # there the index itself remembers names and deletions
        with repository.index.reading() as snapshot:
            self._not_seen = set(snapshot.fingerprints())
            self._states = {normalise(name): state for name, state in snapshot.states().items()}
            self._tombstones = {} if self._keeps_index else {it.filename: it for it in snapshot.tombstones()}
        self._told: dict[NormalizedName, ProjectState] = {}
        self.unlisted: list[DistributionFile] = []

    def suspect(self, result: ScanResult) -> Disagreement | None:
        """What one answer of the scan does not fit together with."""
        match result:
            case DistributionFile():
                return self._about_file(result)
            case Deleted():
                return self._about_deletion(result)
            case ProjectState():
                self._told[result.name] = result
            case Refused():
                self._not_seen.discard(result.filename)
        return None

    def suspect_missing(self) -> Iterator[Disagreement]:
        """After the whole scan: what it did not name."""
        for filename in sorted(self._not_seen):
            with self._repository.index.reading() as snapshot:
                row = snapshot.file(filename)
            if row is not None and self._covers(row.project):
                yield AboutFile(self._repository, row)
        if self._keeps_index:
            return
        for tombstone in self._tombstones.values():
            if self.covers_file(tombstone.filename):
                yield AboutForgottenDeletion(self._repository, tombstone)
        for name in sorted(self._states.keys() | self._told.keys()):
            about = AboutProject(self._repository, name, self._states.get(name), self._told.get(name))
            if self._covers(name) and about.look() is not None:
                yield about

    def covers_file(self, filename: str) -> bool:
        """What is no distribution's filename belongs to no project, and is covered only where all are."""
        return self._covers(_named_by(filename) or normalise("-"))

    def _about_file(self, told: DistributionFile) -> Disagreement | None:
        self._not_seen.discard(told.filename)
        self._tombstones.pop(told.filename, None)
        if not self._covers(told.project):
            return None
        with self._repository.index.reading() as snapshot:
            row = snapshot.file(told.filename)
        if row is None:
            self.unlisted.append(told)
        elif not differences(row, told):
            return None
        return AboutFile(self._repository, told)

    def _about_deletion(self, deleted: Deleted) -> Disagreement | None:
        self._not_seen.discard(deleted.filename)
        remembered = self._tombstones.pop(deleted.filename, None)
        if remembered == deleted or not self.covers_file(deleted.filename):
            return None
        with self._repository.index.reading() as snapshot:
            row = snapshot.file(deleted.filename)
        if row is not None:
            return AboutFile(self._repository, row, deleted=True)
        return None if self._keeps_index else AboutDeletion(self._repository, deleted)


def project_of(result: ScanResult) -> NormalizedName | None:
    """The project that one answer of the scan tells of; None: of none, or only of what is as the index knows it."""
    match result:
        case DistributionFile():
            return result.project
        case ProjectState():
            return result.name
        case Deleted() | Refused():
            return _named_by(result.filename)
    return None


def _named_by(filename: str) -> NormalizedName | None:
    try:
        return parse_filename(filename).project
    except InvalidUpload:
        return None
