"""Where index and storage disagree, each looked at by itself: again after a moment, and once more after a repair.

Others publish, yank and delete meanwhile; the storage knows of it first, and the index a moment later. That is no finding.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from packaging.utils import NormalizedName

from pywharf_core import changes
from pywharf_core.errors import FileNotFound
from pywharf_core.index.sync import why_other_content, with_what_was_computed
from pywharf_core.model import DistributionFile, ProjectState
from pywharf_core.repository import Repository
from pywharf_core.storage_answers import Deleted
from pywharf_core.verify.findings import Finding, FindingKind

_FOLLOWS = "The next synchronisation, or --repair, brings the index in line."


class Disagreement(ABC):
    """About one name."""

    @abstractmethod
    def look(self) -> Finding | None:
        """What is wrong now; None: nothing any more.

        :raises StorageUnavailable: nobody knows.
        """

    def mend(self) -> bool:
        """Do what a synchronisation did not do; whether nothing is wrong any more.

        :raises NotSupported, NotPermitted: the storage does not let itself be changed.
        """
        return self.look() is None


@dataclass(frozen=True, slots=True)
class AboutFile(Disagreement):
    """Whether a file is there, and what is known of it.

    :ivar file: as one of both has it.
    :ivar deleted: the storage remembers that it was deleted.
    """

    repository: Repository
    file: DistributionFile
    deleted: bool = False

    def look(self) -> Finding | None:
        name = self.file.filename
        row, stored = self._both()
        if row is None and stored is None:
            return None
        if row is None and (reason := self._why_refused()) is not None:
            return Finding(FindingKind.REFUSED, name, reason)
        if row is None:
            sentence = f"{name} is in the storage, and is not listed. {_FOLLOWS}"
            return Finding(FindingKind.UNLISTED, name, sentence)
        if stored is None and self.deleted:
            sentence = f"{name} was deleted, and is listed all the same. {_FOLLOWS}"
            return Finding(FindingKind.TOMBSTONE, name, sentence)
        if stored is None:
            sentence = (
                f"{name} is listed, but the storage no longer has it. Put it back out of a backup; else it leaves the index "
                "by the next synchronisation, or --repair."
            )
            return Finding(FindingKind.MISSING, name, sentence)
        if stored.sha256 != row.sha256:
            sentence = (
                f"{name} has other content in the storage than was published: its SHA-256 is {stored.sha256} instead of "
                f"{row.sha256}. Put the right file back, or delete this one; docs/verify.md says how."
            )
            return Finding(FindingKind.DAMAGED, name, sentence)
        if different := differences(row, stored):
            sentence = f"The index says of {name} other things than the storage: {', '.join(different)}. {_FOLLOWS}"
            return Finding(FindingKind.DIFFERS, name, sentence)
        return None

    def mend(self) -> bool:
        """What kept its fingerprint, a synchronisation leaves as it is; and what waits for the remote index, too."""
        row, stored = self._both()
        if row is not None and stored is None:
            self.repository.correct(row, FileNotFound(f"{row.filename} is gone."))
        if row is not None and stored is not None and row.sha256 == stored.sha256 and differences(row, stored):
            if self.repository.storage.keeps_index:  # or the remote index would bring the wrong row back
                changes.amend(self.repository, stored, {})
            else:
                with self.repository.index.changing() as change:
                    if change.file(row.filename) == row:
                        change.put_file(with_what_was_computed(row, stored))
        return self.look() is None

    def _why_refused(self) -> str | None:
        """Why what the storage has is not listed on purpose, where an index is kept that says so; None: nothing speaks
        against it."""
        if not self.repository.storage.keeps_index:
            return None
        with self.repository.index.reading() as snapshot:
            told = {it.filename: it.reason for it in snapshot.refused()}
            tombstone = snapshot.tombstone(self.file.filename)
        is_other = tombstone is not None and tombstone.sha256 != self.file.sha256
        return told.get(self.file.filename, why_other_content(self.file.filename) if is_other else None)

    def _both(self) -> tuple[DistributionFile | None, DistributionFile | None]:
        with self.repository.index.reading() as snapshot:
            row = snapshot.file(self.file.filename)
        return row, self.repository.view(None).find_file(row or self.file)


@dataclass(frozen=True, slots=True)
class AboutDeletion(Disagreement):
    """The storage remembers a deletion, and the index does not."""

    repository: Repository
    deleted: Deleted

    def look(self) -> Finding | None:
        with self.repository.index.reading() as snapshot:
            tombstone = snapshot.tombstone(self.deleted.filename)
            row = snapshot.file(self.deleted.filename)
        if tombstone == self.deleted or row is not None:
            return None
        sentence = f"The index does not know that {self.deleted.filename} was deleted. {_FOLLOWS}"
        return Finding(FindingKind.TOMBSTONE, self.deleted.filename, sentence)


@dataclass(frozen=True, slots=True)
class AboutForgottenDeletion(Disagreement):
    """The index remembers a deletion, and the storage does not."""

    repository: Repository
    deleted: Deleted

    def look(self) -> Finding | None:
        with self.repository.index.reading() as snapshot:
            if snapshot.tombstone(self.deleted.filename) != self.deleted:
                return None
        sentence = (
            f"The storage has forgotten that {self.deleted.filename} was deleted; only the index still keeps other content "
            "from its name. Put the storage's own notes back out of a backup, or publish the same file and delete it again."
        )
        return Finding(FindingKind.TOMBSTONE, self.deleted.filename, sentence)


@dataclass(frozen=True, slots=True)
class AboutProject(Disagreement):
    """A project's status, and whether its name is reserved.

    :ivar before: as the index had it when this began; None: it knew nothing of the name.
    :ivar told: as the storage has it; None: it knows nothing of the name.
    """

    repository: Repository
    name: NormalizedName
    before: ProjectState | None
    told: ProjectState | None

    def look(self) -> Finding | None:
        nothing = ProjectState(name=self.name)
        with self.repository.index.reading() as snapshot:
            row = snapshot.project(self.name)
        if (None if row is None else row.state) != self.before:
            return None  # it was changed meanwhile
        ours, theirs = self.before or nothing, self.told or nothing
        if (ours.status, ours.reason) != (theirs.status, theirs.reason):
            which = "storage" if self.told is not None else "index, as the storage knows nothing of it"
            return self._finding(
                f"{self.name} is {_spoken(ours)} in the index and {_spoken(theirs)} in the storage; --repair takes what is in "
                f"the {which}."
            )
        if theirs.reserved and not ours.reserved:
            return self._finding(f"The index does not know that the name {self.name} is reserved. {_FOLLOWS}")
        if ours.reserved and not theirs.reserved and (row is None or not row.files):
            return self._finding(
                f"The storage does not know that the name {self.name} is reserved; --repair writes it down there."
            )
        return None

    def mend(self) -> bool:
        if self.look() is None:
            return True
        if self.told is None:
            assert self.before is not None, "of what neither knows there is nothing to say"
            self.repository.view(None).update_project(self.before)
            return True
        reserved = self.told.reserved or (self.before is not None and self.before.reserved)
        state = replace(self.told, reserved=reserved)
        if state != self.told:
            self.repository.view(None).update_project(state)
        with self.repository.index.changing() as change:
            row = change.project(self.name)
            if (None if row is None else row.state) == self.before:
                change.put_project(state)
        return True

    def _finding(self, sentence: str) -> Finding:
        return Finding(FindingKind.PROJECT, self.name, sentence)


def _spoken(state: ProjectState) -> str:
    return f"{state.status} ({state.reason})" if state.reason else str(state.status)


def differences(row: DistributionFile, stored: DistributionFile) -> Sequence[str]:
    """Names of fields that differ; what was computed here and the storage does not write down is not one."""
    now = with_what_was_computed(row, stored)
    return [
        field.name
        for field in fields(DistributionFile)
        if field.name != "fingerprint" and getattr(row, field.name) != getattr(now, field.name)
    ]
