"""Packages from another repository of the same configuration: what ``copy`` takes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import ClassVar

from pywharf_core.chosen_projects import Chosen
from pywharf_core.clock import Clock
from pywharf_core.errors import FileNotFound, InvalidUpload
from pywharf_core.filenames import parse_filename
from pywharf_core.listed_file import FileLost, FileReplaced, FileUnlisted, open_listed
from pywharf_core.model import AttachmentKind, DistributionFile, ProjectState, StagedFile
from pywharf_core.repository import Repository
from pywharf_core.storage_answers import Refused
from pywharf_core.transfer.carrying_over import carried_over, deleted_files_warning, file_of, offer_of
from pywharf_core.transfer.offers import Finding, Findings, Offer, PassedOver, Source, write_all
from pywharf_core.upload.staging import StagingFile


class StoredPackages(Source):
    """:param repository: synchronised.
    :param projects: globs of names; none: all projects.
    """

    is_repository: ClassVar[bool] = True

    def __init__(self, repository: Repository, *, projects: Sequence[str] = ()) -> None:
        self._repository = repository
        self._storage = repository.view(None)
        self._projects = projects
        self._chosen = Chosen(repository, projects)
        self._states: Sequence[ProjectState] = ()
        self._deleted = 0

    def look(self) -> Findings:
        """
        :raises NotSynchronised: what exists is not known completely.
        :raises NotFound: a project that is wanted is not there.
        """
        self._chosen.demand_some()
        with self._repository.index.reading() as snapshot:
            self._repository.synchronisation.demanded(snapshot)
            states = snapshot.states()
            names = self._chosen.names()
            self._states = [states[name] for name in names if name in states]
            self._deleted = sum(len(snapshot.tombstones_of(name)) for name in names)
            refused = [item for item in snapshot.refused() if self._is_wanted(item.filename)]
        return _Listing(self._repository, self._chosen, refused)

    def fetch(self, offer: Offer, staging: StagingFile, clock: Clock) -> None:
        try:
            stream, _ = open_listed(self._repository, file_of(offer))
        except FileUnlisted as error:
            raise FileNotFound(f"{offer.filename} was deleted meanwhile.") from error
        except (FileLost, FileReplaced) as error:
            raise FileNotFound(str(error)) from error
        with stream:
            write_all(stream, staging, clock)

    def judged(self, offer: Offer, staging: StagingFile, now: datetime) -> tuple[DistributionFile, StagedFile]:
        del now
        return carried_over(offer, staging, self._attachment, self._repository.name)

    def states(self) -> Sequence[ProjectState]:
        return self._states

    def warnings(self) -> Sequence[str]:
        return [deleted_files_warning(self._deleted, self._repository.name)] if self._deleted else []

    def _attachment(self, file: DistributionFile, kind: AttachmentKind) -> bytes:
        return self._storage.read_attachment(file, kind)

    def _is_wanted(self, filename: str) -> bool:
        try:
            return self._chosen.covers(parse_filename(filename).project)
        except InvalidUpload:
            return not self._projects


class _Listing:
    """Files are read project by project, each time that it is gone through."""

    def __init__(self, repository: Repository, chosen: Chosen, refused: Sequence[Refused]) -> None:
        self._repository = repository
        self._chosen = chosen
        self._refused = refused
        self._length = len(refused) + chosen.count_files()

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Finding]:
        for refused in self._refused:
            yield PassedOver(refused.filename, refused.reason)
        for project in self._chosen.projects():
            for file in sorted(project.files, key=lambda file: file.filename):
                yield offer_of(file, f"{self._repository.name}: {file.filename}", project.state.status)
