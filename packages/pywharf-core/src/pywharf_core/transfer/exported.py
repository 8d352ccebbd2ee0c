"""Packages from a folder that ``pywharf export`` wrote: a repository with all that was known of it.

It is believed as that repository itself: whoever can change the folder can change what the packages are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from packaging.utils import NormalizedName

from pywharf_core.errors import FileNotFound, InvalidUpload, SourceUnusable
from pywharf_core.export.document import OWN_KEY
from pywharf_core.export.folder import FORMAT, MARKER_NAME, PROVENANCE_SUFFIX, Form
from pywharf_core.filenames import ParsedFilename, is_project_name, normalise, same_version
from pywharf_core.model import (
    AttachmentKind,
    DistributionFile,
    ProjectState,
    ProjectStatus,
    StagedFile,
    from_record,
)
from pywharf_core.project_choice import ProjectChoice
from pywharf_core.static_site import JSON_NAME, METADATA_SUFFIX
from pywharf_core.transfer.carrying_over import carried_over, deleted_files_warning, offer_of
from pywharf_core.transfer.local_files import LocalFiles
from pywharf_core.transfer.offers import (
    Finding,
    Findings,
    Offer,
    PassedOver,
    Unusable,
    parsed,
)
from pywharf_core.upload.staging import StagingFile

_FORMAT_KEY = "pywharf-export"
_SUFFIXES = {AttachmentKind.METADATA: METADATA_SUFFIX, AttachmentKind.PROVENANCE: PROVENANCE_SUFFIX}


@dataclass(frozen=True, slots=True)
class _Project:
    """What a project's folder says; ``files`` are the entries of its document, read when it is their turn."""

    state: ProjectState
    files: Sequence[Any]
    deleted: int


class ExportedPackages(LocalFiles):
    """:param folder: holds ``pywharf-export.json``."""

    is_repository: ClassVar[bool] = True

    def __init__(self, folder: Path, *, projects: ProjectChoice | None = None) -> None:
        self._folder = folder
        self._projects = projects or ProjectChoice()
        self._states: list[ProjectState] = []
        self._deleted = 0
        self._is_complete = True

    def look(self) -> Findings:
        """:raises NotFound: a project that is wanted is not there."""
        marker = _document(self._folder / MARKER_NAME)
        version = marker.get(_FORMAT_KEY)
        if not isinstance(version, int) or version > FORMAT:
            raise SourceUnusable(f"{self._folder} was exported by a later version of pywharf; import it with that one.")
        if marker.get("form") != Form.FILES:
            raise SourceUnusable(
                f"{self._folder} was exported with --simple, as pages for a web server; import it by --kind folder, or by the "
                "address at which it is served."
            )
        self._is_complete = marker.get("complete") is True
        known = {name for entry in self._folder.iterdir() if (name := _project_name(entry)) is not None}
        self._projects.demand_some(known, f"The export {self._folder}")
        names = sorted(name for name in known if name in self._projects)
        count = 0
        for name in names:
            project = self._read(name)
            if isinstance(project, _Project):
                self._states.append(project.state)
                self._deleted += project.deleted
                count += len(project.files)
            else:
                count += 1
        return _Listing(self, names, count)

    def judged(self, offer: Offer, staging: StagingFile, now: datetime) -> tuple[DistributionFile, StagedFile]:
        del now
        return carried_over(offer, staging, self._attachment, str(self._folder))

    def states(self) -> Sequence[ProjectState]:
        return self._states

    def warnings(self) -> Sequence[str]:
        said = (
            [] if self._is_complete else [f"{self._folder} is an export that was not complete; so is what came of it."]
        )
        return [*said, *([deleted_files_warning(self._deleted, str(self._folder))] if self._deleted else [])]

    def findings(self, name: NormalizedName) -> Iterator[Finding]:
        """Of one project."""
        project = self._read(name)
        if not isinstance(project, _Project):
            yield project
            return
        for entry in project.files:
            yield self._found(project.state, entry)

    def _read(self, name: NormalizedName) -> _Project | PassedOver | Unusable:
        path = self._folder / name / JSON_NAME
        if not path.is_file():
            return PassedOver(str(path.parent), f"without {JSON_NAME}, so its export was not ended")
        try:
            document = _document(path)
            own, status = document[OWN_KEY], document["project-status"]
            if own["format"] > FORMAT:
                return Unusable(str(path), "A later version of pywharf exported it; import it with that one.")
            state = ProjectState(
                name=name,
                status=ProjectStatus(status["status"]),
                reason=None if status.get("reason") is None else str(status["reason"]),
                reserved=bool(own["reserved"]),
            )
            return _Project(state, list(document["files"]), len(own["deleted"]))
        except (SourceUnusable, ValueError, KeyError, TypeError, AttributeError):
            return Unusable(str(path), "It is damaged; export the project again.")

    def _found(self, state: ProjectState, entry: Any) -> Finding:
        folder = self._folder / state.name
        try:
            file = from_record(entry[OWN_KEY])
            _demand_sound(file, parsed(Offer(filename=file.filename, place="", project=state.name)))
        except (ValueError, KeyError, TypeError, InvalidUpload):
            return Unusable(str(folder / JSON_NAME), "An entry in it is damaged; export the project again.")
        place = folder / file.filename
        if file.project != state.name or not place.is_file():
            return Unusable(str(place), f"{JSON_NAME} names it, but it is not there.")
        return offer_of(file, str(place), state.status)

    def _attachment(self, file: DistributionFile, kind: AttachmentKind) -> bytes:
        path = self._folder / file.project / f"{file.filename}{_SUFFIXES[kind]}"
        try:
            return path.read_bytes()
        except OSError as error:
            raise FileNotFound(f"{path} cannot be read: {error.strerror}.") from error


class _Listing:
    """Documents are read project by project, each time that it is gone through."""

    def __init__(self, source: ExportedPackages, names: Sequence[NormalizedName], count: int) -> None:
        self._source = source
        self._names = names
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Finding]:
        for name in self._names:
            yield from self._source.findings(name)


def is_export(folder: Path) -> bool:
    """Whether ``pywharf export`` wrote it, as files to be imported."""
    try:
        return bool(_document(folder / MARKER_NAME).get("form") == Form.FILES)
    except SourceUnusable:
        return False


def _document(path: Path) -> dict[str, Any]:
    """
    :raises SourceUnusable: it cannot be read, or is no object in JSON.
    """
    try:
        document = json.loads(path.read_bytes())
        json.dumps(document, ensure_ascii=False).encode()  # no export holds lone surrogates, nor could a repository
    except OSError as error:
        raise SourceUnusable(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise SourceUnusable(f"{path} is damaged.") from error
    if not isinstance(document, dict):
        raise SourceUnusable(f"{path} is damaged.")
    return document


def _demand_sound(file: DistributionFile, parsed: ParsedFilename) -> None:
    """:raises ValueError: the record says what no page could show; ``KeyError``: it has no SHA-256."""
    texts = (file.requires_python, file.yanked, file.core_metadata_sha256, file.provenance_sha256, file.comment)
    if not (
        same_version(file.version, parsed.version)
        and file.packagetype == parsed.packagetype
        and file.upload_time.tzinfo is not None
        and len(file.sha256) == hashlib.sha256().digest_size * 2
        and all(text is None or isinstance(text, str) for text in texts)
    ):
        raise ValueError(f"the record of {file.filename} is damaged")


def _project_name(entry: Path) -> NormalizedName | None:
    name = entry.name
    return normalise(name) if entry.is_dir() and is_project_name(name) and normalise(name) == name else None
