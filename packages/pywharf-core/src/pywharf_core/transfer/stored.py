"""Packages from another repository of the same configuration: what ``copy`` takes from.

What that repository serves was judged when it came there, so it is carried over as it is written down: metadata, upload
time, yank, provenance, comment. Bytes and attachments are compared with the hashes that the index has of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pywharf_core.errors import FileChanged, FileNotFound, InvalidUpload
from pywharf_core.filenames import normalise, parse_filename
from pywharf_core.index.local import IndexSnapshot
from pywharf_core.model import AttachmentKind, DistributionFile, ProjectState, ProjectStatus, StagedFile
from pywharf_core.repository import Repository
from pywharf_core.storage import Refused
from pywharf_core.transfer.clock import Clock
from pywharf_core.transfer.offers import (
    Finding,
    Findings,
    Offer,
    PassedOver,
    ProjectChoice,
    Source,
    parsed,
    write_all,
)
from pywharf_core.upload.archive import read_core_metadata
from pywharf_core.upload.staging import StagingFile


@dataclass(frozen=True, kw_only=True, slots=True)
class _StoredOffer(Offer):
    file: DistributionFile


class StoredPackages(Source):
    """:param repository: synchronised."""

    def __init__(self, repository: Repository, *, projects: ProjectChoice | None = None) -> None:
        self._repository = repository
        self._storage = repository.view(None)
        self._projects = projects or ProjectChoice()
        self._states: Sequence[ProjectState] = ()
        self._deleted = 0

    def look(self) -> Findings:
        with self._repository.index.reading() as snapshot:
            self._repository.synchronisation.demanded(snapshot)
            states = snapshot.states()
            self._states = [states[name] for name in sorted(states) if normalise(name) in self._projects]
            self._deleted = sum(len(snapshot.tombstones_of(state.name)) for state in self._states)
            refused = [item for item in snapshot.refused() if self._is_wanted(item.filename)]
            return _Listing(self._repository, self._states, snapshot, refused)

    def fetch(self, offer: Offer, staging: StagingFile, clock: Clock) -> None:
        try:
            with self._storage.open_file(_file(offer)) as stream:
                write_all(stream, staging, clock)
        except FileChanged as error:
            raise FileNotFound(f"{offer.filename} is no longer what {self._repository.name} lists: {error}") from error

    def judged(self, offer: Offer, staging: StagingFile, now: datetime) -> tuple[DistributionFile, StagedFile]:
        del now
        file = replace(_file(offer), storage_id="", counter=0, fingerprint="")
        staging.finish()
        attachments = {kind: self._attachment(_file(offer), kind, sha256) for kind, sha256 in _announced(file).items()}
        if file.core_metadata is None:
            file, attachments = _with_metadata(file, offer, staging, attachments)
        return file, StagedFile(path=staging.path, size=staging.size, hashes=file.hashes, attachments=attachments)

    def states(self) -> Sequence[ProjectState]:
        return self._states

    def warnings(self) -> Sequence[str]:
        if not self._deleted:
            return ()
        return [
            f"{self._deleted} deleted files of {self._repository.name} are not remembered by the other repository: their "
            "names could come back there with other content. The projects' names stay reserved."
        ]

    def _is_wanted(self, filename: str) -> bool:
        try:
            return parse_filename(filename).project in self._projects
        except InvalidUpload:
            return not self._projects.globs

    def _attachment(self, file: DistributionFile, kind: AttachmentKind, sha256: str) -> bytes:
        content = self._storage.read_attachment(file, kind)
        if hashlib.sha256(content).hexdigest() != sha256:
            raise FileNotFound(
                f"The {kind} of {file.filename} is damaged in {self._repository.name}; `pywharf verify` may repair it."
            )
        return content


class _Listing:
    """Files are read project by project, each time that it is gone through."""

    def __init__(
        self,
        repository: Repository,
        states: Sequence[ProjectState],
        snapshot: IndexSnapshot,
        refused: Sequence[Refused],
    ) -> None:
        self._repository = repository
        self._states = states
        self._refused = refused
        rows = (snapshot.project(state.name) for state in states)
        self._length = len(self._refused) + sum(
            min(row.files, 1) if row.state.status is ProjectStatus.QUARANTINED else row.files
            for row in rows
            if row is not None
        )

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Finding]:
        for refused in self._refused:
            yield PassedOver(refused.filename, refused.reason)
        for state in self._states:
            with self._repository.index.reading() as snapshot:
                files = sorted(snapshot.files(state.name), key=lambda file: file.filename)
            if state.status is ProjectStatus.QUARANTINED:
                if files:
                    yield PassedOver(
                        state.name, f"quarantined: its status is taken over, its {len(files)} files are not"
                    )
                continue
            for file in files:
                yield _StoredOffer(
                    filename=file.filename,
                    place=f"{self._repository.name}: {file.filename}",
                    project=file.project,
                    size=file.size,
                    hashes=file.hashes,
                    upload_time=file.upload_time,
                    yanked=file.yanked,
                    file=file,
                )


def _file(offer: Offer) -> DistributionFile:
    assert isinstance(offer, _StoredOffer), "another source's offer"
    return offer.file


def _announced(file: DistributionFile) -> Mapping[AttachmentKind, str]:
    said = {
        AttachmentKind.METADATA: file.core_metadata_sha256,
        AttachmentKind.PROVENANCE: file.provenance_sha256,
    }
    return {kind: sha256 for kind, sha256 in said.items() if sha256 is not None}


def _with_metadata(
    file: DistributionFile, offer: Offer, staging: StagingFile, attachments: Mapping[AttachmentKind, bytes]
) -> tuple[DistributionFile, dict[AttachmentKind, bytes]]:
    """The file, of which nobody read the metadata yet, with it if it can be read."""
    try:
        with staging.path.open("rb") as stream:
            found = read_core_metadata(stream, parsed(offer))
    except InvalidUpload:
        return file, dict(attachments)
    content = found.core_metadata_bytes
    complete = replace(
        file,
        core_metadata=found.core_metadata,
        requires_python=found.requires_python,
        core_metadata_sha256=None if content is None else hashlib.sha256(content).hexdigest(),
    )
    return complete, {**attachments, **({} if content is None else {AttachmentKind.METADATA: content})}
