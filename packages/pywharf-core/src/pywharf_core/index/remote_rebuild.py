"""Rebuilding a remote index: a whole scan of what is published, compared with what the index says.

The rules, found by trying all interleavings of several servers and a rebuild: the index is read before the storage is
listed, and what differs becomes *operations* on the index as it is then. An entry goes only after the storage was asked
for it by identity, because a listing's pages shift while they are read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pywharf_core.errors import FileChanged, FileNotFound, InvalidUpload, NotSupported, StorageUnavailable
from pywharf_core.filenames import parse_filename
from pywharf_core.index.content import (
    Content,
    Operation,
    RefusedFiles,
    Reservation,
    Revival,
    Tombstone,
    tombstone_of,
)
from pywharf_core.index.local import LocalIndex
from pywharf_core.index.remote_reading import NoRemoteIndex, content_of, pull
from pywharf_core.index.remote_writing import push
from pywharf_core.index.sync import why_other_content, with_what_was_computed
from pywharf_core.model import DistributionFile, ProjectState, ProjectStatus
from pywharf_core.storage import Storage
from pywharf_core.storage_answers import Deleted, Refused, ScanResult, Unchanged

_MOST_REFUSED = 100  # lines in the index; the report has all


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """What a rebuild changed in the remote index, and what it could not list."""

    added: int
    changed: int
    removed: int
    refused: Sequence[Refused]


def rebuild(index: LocalIndex, storage: Storage, store: str) -> RebuildReport:
    """Bring the remote index in line with a whole scan of what is published; makes it if there is none.

    :raises StorageUnavailable: the scan did not end; nothing was changed.
    """
    operations: list[Operation] = []
    try:
        pull(index, storage, store)
        before, is_new = content_of(index), False
    except NoRemoteIndex:
        before, is_new = Content(), True
        with index.reading() as snapshot:  # what no scan tells
            operations += [state for state in snapshot.states().values() if _is_worth_a_line(state)]
    found = _Comparison(before, is_new=is_new)
    found.read(storage.scan(found.fingerprints()))
    gone = _gone(storage, found.missing(), {it.filename for it in found.refused})
    written_back = _written_back(storage, found.overwritten)
    revived = _revived(storage, found.missed)
    operations += [*found.operations, *gone, *written_back, *revived]
    told = _told(found.refused)
    operations += [] if told.reasons == before.refused else [told]
    push(index, storage, store, operations, create=True)
    return RebuildReport(
        added=found.added + len(revived),
        changed=found.changed + len(written_back),
        removed=sum(isinstance(operation, Tombstone) for operation in gone),
        refused=found.refused,
    )


class _Comparison:
    """What a scan says, beside what the index said before it began.

    :ivar operations: of what is new or newer.
    :ivar overwritten: files of which the index has a newer state than the storage, as it has them.
    :ivar missed: files that were found gone once.
    """

    def __init__(self, before: Content, *, is_new: bool) -> None:
        self._before = before
        self._is_new = is_new
        self._by_name = {file.filename: file for file in before.files.values()}
        self._names = _BuriedNames(before)
        self._seen: set[str] = set()
        self.operations: list[Operation] = []
        self.refused: list[Refused] = []
        self.overwritten: list[DistributionFile] = []
        self.missed: list[DistributionFile] = []
        self.added = self.changed = 0

    def fingerprints(self) -> Mapping[str, str]:
        return {name: file.fingerprint for name, file in self._by_name.items()}

    def read(self, results: Iterable[ScanResult]) -> None:
        for result in results:
            match result:
                case Unchanged(filename):
                    self._seen.add(self._by_name[filename].storage_id)
                case DistributionFile() if result.storage_id not in self._seen:
                    self._seen.add(result.storage_id)
                    self._read_file(result)
                case Refused():
                    self.refused.append(result)
                case ProjectState() if self._is_new:
                    self.operations.append(result)
                case ProjectState(reserved=True):  # its status lives in the index, where it may be newer
                    self.operations.append(Reservation(project=result.name))
                case Deleted() | _:
                    pass  # what a storage remembers itself it also enforces itself

    def missing(self) -> list[DistributionFile]:
        """What the scan did not show."""
        return [file for identity, file in self._before.files.items() if identity not in self._seen]

    def _read_file(self, file: DistributionFile) -> None:
        listed = self._before.files.get(file.storage_id)
        tombstone = self._before.deleted.get(file.storage_id)
        if tombstone is not None and tombstone.missing:
            self.missed.append(file)
        elif tombstone is not None:
            self.refused.append(_dug_out(file))
        elif listed is None:
            if (reason := self._names.why_refused(file)) is not None:
                self.refused.append(Refused(file.filename, reason))
            else:
                self.added += 1
                self.operations.append(file)
        elif listed.counter < file.counter:
            self.changed += 1
            self.operations.append(file)
        elif listed.counter > file.counter:
            self.overwritten.append(listed)


def _told(refused: Iterable[Refused]) -> RefusedFiles:
    reasons = {it.filename: it.reason for it in refused if is_filename(it.filename)}
    return RefusedFiles(reasons=dict(sorted(reasons.items())[:_MOST_REFUSED]))


def is_filename(name: str) -> bool:
    """Other things may lie in the storage, which are none of ours to complain of each time."""
    try:
        parse_filename(name)
    except InvalidUpload:
        return False
    return True


def _is_worth_a_line(state: ProjectState) -> bool:
    return state.reserved or state.status is not ProjectStatus.ACTIVE


def _gone(storage: Storage, missing: Iterable[DistributionFile], refused: Collection[str]) -> list[Operation]:
    """For what a listing did not show: a tombstone if the storage says so when it is asked for this very file.

    :param refused: names under which something is that cannot be served. Where the storage cannot tell what, the file
        stays: nothing would bring it back when its record is mended.
    """
    operations: list[Operation] = []
    for file in missing:
        try:
            found = storage.find_file(file)
        except StorageUnavailable:
            if file.filename not in refused:
                raise
            continue
        if found is None or found.storage_id != file.storage_id:
            operations.append(tombstone_of(file, missing=True))
        if found is not None:
            operations.append(found)
    return operations


class _BuriedNames:
    """Names that nobody has now and somebody had: they come back with the same content only."""

    def __init__(self, content: Content) -> None:
        listed = {file.filename for file in content.files.values()}
        self._hashes: dict[str, set[str]] = {}
        for tombstone in content.deleted.values():
            if tombstone.filename not in listed:
                self._hashes.setdefault(tombstone.filename, set()).add(tombstone.sha256)

    def why_refused(self, file: DistributionFile) -> str | None:
        """A sentence for the operator; None: the name is free for this file."""
        if file.sha256 in self._hashes.get(file.filename, {file.sha256}):
            return None
        return why_other_content(file.filename)


def _dug_out(file: DistributionFile) -> Refused:
    return Refused(
        file.filename,
        f"{file.filename} was deleted, and somebody put it back past pywharf: it is not listed. Remove it from the storage, "
        "and upload the same file again to have it back.",
    )


def _revived(storage: Storage, missed: Iterable[DistributionFile]) -> list[Revival]:
    """Files that are there again as the storage says when it is asked for them: a listing may be older than what it lists."""
    found = [(file, storage.find_file(file)) for file in missed]
    return [Revival(file=now) for file, now in found if now is not None and now.storage_id == file.storage_id]


def _written_back(storage: Storage, overwritten: Iterable[DistributionFile]) -> list[DistributionFile]:
    """Tell the storage the newer state of files once more.

    Where it knows no compare-and-swap, of two servers' updates of one file at one moment the one that comes last stays
    there, and the one with the higher counter here.
    """
    operations: list[DistributionFile] = []
    for file in overwritten:
        try:
            found = storage.find_file(file)  # a listing may be older than what it lists
            if found is not None and found.counter < file.counter and storage.can_update:
                newer = replace(with_what_was_computed(file, found), yanked=file.yanked, counter=file.counter)
                operations.append(storage.update_file(newer))
        except (FileNotFound, FileChanged):
            continue  # in this moment: the next rebuild sees it
        except NotSupported:
            continue  # it does not take this state, which the index keeps
    return operations
