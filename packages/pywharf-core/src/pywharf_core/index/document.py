"""The remote index file as a value: entries, what was deleted, projects; and its parts, as a storage keeps them.

Small indexes are one part, ``index``; large ones are sharded by project, so that an upload rewrites one small part.
The parts are TOML. Each entry is a line of its own, a literal string that holds JSON: a commit's difference reads as a
log, and a large part is read by ``json`` in a hundredth of the time that TOML takes. It holds what pages need and no
descriptions.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pywharf_core import toml_text
from pywharf_core.filenames import normalise
from pywharf_core.model import DistributionFile, ProjectState, ProjectStatus, from_record, to_record

MAIN = "index"
FORMAT = 2  # 0.2 wrote documents without one
MOST_UNSHARDED = 10 * 1024 * 1024  # bytes of one part, about 7,000 files

_HEAD = [
    "# Written by pywharf: the index of this repository's files. Lines in single quotes are JSON.",
    f"format = {FORMAT}",
]
_LONGEST_HEAD = 1000  # bytes, with room
_TABLES = ("files", "deleted", "projects")


class UnknownFormat(ValueError):
    """Not a document of this format: written by pywharf 0.2, by a later version, or by somebody else.

    :ivar later: written by a later version, so that it must not be replaced.
    """

    def __init__(self, message: str, *, later: bool = False) -> None:
        super().__init__(message)
        self.later = later


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """A file that was deleted, by the storage's identity of it: nothing brings that one back."""

    storage_id: str
    filename: str
    sha256: str
    project: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What one part, or all parts together, say.

    :ivar files: by the storage's identity.
    :ivar deleted: likewise.
    :ivar projects: by name; only those with a status or a reservation of their own.
    """

    files: Mapping[str, DistributionFile] = field(default_factory=dict)
    deleted: Mapping[str, Tombstone] = field(default_factory=dict)
    projects: Mapping[str, ProjectState] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A project's name that was published here once: it is kept, whatever becomes of the files."""

    project: str


#: A change of the index: a file's present state, a deletion, a project's state, a name that is kept. Applying one twice
#: changes nothing more.
Operation = DistributionFile | Tombstone | ProjectState | Reservation


def apply(content: Content, operations: Iterable[Operation]) -> Content:
    """The content after the operations, in whatever order they come.

    An addition never beats a tombstone; of two states of a file the one with the higher counter wins; a reservation is
    never taken back. (Searched for among all interleavings of several servers and a rebuild: weaker rules lose files.)
    """
    files, deleted, projects = dict(content.files), dict(content.deleted), dict(content.projects)
    for operation in operations:
        match operation:
            case DistributionFile():
                present = files.get(operation.storage_id)
                if operation.storage_id not in deleted and (present is None or present.counter < operation.counter):
                    files[operation.storage_id] = operation
            case Tombstone():
                files.pop(operation.storage_id, None)
                deleted.setdefault(operation.storage_id, operation)
                _reserve(projects, operation.project)
            case Reservation():
                _reserve(projects, operation.project)
            case ProjectState():
                before = projects.get(operation.name, operation)
                projects[operation.name] = replace(operation, reserved=operation.reserved or before.reserved)
    return Content(files=files, deleted=deleted, projects=projects)


def _reserve(projects: dict[str, ProjectState], project: str) -> None:
    before = projects.get(project, ProjectState(name=normalise(project)))
    projects[project] = replace(before, reserved=True)


def shows(content: Content, operation: Operation) -> bool:
    """Whether the operation would change nothing."""
    match operation:
        case DistributionFile():
            present = content.files.get(operation.storage_id)
            is_there = present is not None and present.counter >= operation.counter
            return is_there or operation.storage_id in content.deleted
        case Tombstone():
            return operation.storage_id in content.deleted and _is_reserved(content, operation.project)
        case Reservation():
            return _is_reserved(content, operation.project)
        case ProjectState():
            state = content.projects.get(operation.name)
            return state is not None and state == replace(operation, reserved=operation.reserved or state.reserved)


def _is_reserved(content: Content, project: str) -> bool:
    state = content.projects.get(project)
    return state is not None and state.reserved


def project_of(operation: Operation) -> str:
    return operation.name if isinstance(operation, ProjectState) else operation.project


def tombstone_of(file: DistributionFile) -> Tombstone:
    return Tombstone(storage_id=file.storage_id, filename=file.filename, sha256=file.sha256, project=file.project)


def shard_of(project: str) -> str:
    """The part of a sharded index that holds the project: two hexadecimal digits."""
    return hashlib.sha256(project.encode()).hexdigest()[:2]


SHARDS = tuple(f"{number:02x}" for number in range(256))


def part_of(project: str, *, sharded: bool) -> str:
    return shard_of(project) if sharded else MAIN


def split(content: Content) -> dict[str, Content]:
    """A whole content by shard; every shard is there, empty or not."""
    shards: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {name: ({}, {}, {}) for name in SHARDS}
    for identity, file in content.files.items():
        shards[shard_of(file.project)][0][identity] = file
    for identity, tombstone in content.deleted.items():
        shards[shard_of(tombstone.project)][1][identity] = tombstone
    for name, state in content.projects.items():
        shards[shard_of(name)][2][name] = state
    return {
        name: Content(files=files, deleted=dead, projects=projects) for name, (files, dead, projects) in shards.items()
    }


def merge(contents: Iterable[Content]) -> Content:
    files: dict[str, DistributionFile] = {}
    deleted: dict[str, Tombstone] = {}
    projects: dict[str, ProjectState] = {}
    for content in contents:
        files.update(content.files)
        deleted.update(content.deleted)
        projects.update(content.projects)
    return Content(files=files, deleted=deleted, projects=projects)


# --- text ---------------------------------------------------------------------------------------------------


def encode_main(content: Content | None, *, mtime: int) -> bytes:
    """The main part.

    :param content: of the whole index; None: it lies in the shards.
    :param mtime: Unix seconds of the change, as 0.2 wrote it.
    """
    head = [f"mtime = {mtime}", f"sharded = {'false' if content is not None else 'true'}"]
    return _encoded(head, content or Content())


def encode_shard(content: Content) -> bytes:
    return _encoded([], content)


def _encoded(head: Sequence[str], content: Content) -> bytes:
    files = sorted(content.files.values(), key=lambda file: (file.project, file.filename, file.storage_id))
    deleted = sorted(content.deleted.values(), key=lambda it: (it.project, it.filename, it.storage_id))
    tables = (
        [{**to_record(file), "fingerprint": file.fingerprint} for file in files],
        [
            {"filename": it.filename, "project": it.project, "sha256": it.sha256, "storage_id": it.storage_id}
            for it in deleted
        ],
        [encode_state(content.projects[name]) for name in sorted(content.projects)],
    )
    lines = [*_HEAD, *head]
    for name, records in zip(_TABLES, tables, strict=True):
        lines += [f"{name} = [", *(f"  '{_json(record)}'," for record in records), "]"]
    return ("\n".join(lines) + "\n").encode("ascii")


def is_sharded(main: bytes) -> bool:
    """Whether the index lies in the shards, by its main part.

    :raises UnknownFormat: the part was not written by ``encode_main``.
    """
    first = main[:_LONGEST_HEAD].decode("utf-8", "replace").split("\n")
    if first[: len(_HEAD)] == _HEAD and first[len(_HEAD) + 1 : len(_HEAD) + 2] == ["sharded = false"]:
        return False
    return bool(_document(main).get("sharded"))


def written_at(main: bytes) -> int | None:
    """Unix seconds of the last change of the index, by its main part; None: it does not say."""
    head = main[:_LONGEST_HEAD].decode("utf-8", "replace")
    settings = (_SETTING.match(line) for line in head.split("\n"))
    return next((int(found[2]) for found in settings if found and found[1] == "mtime" and found[2].isdecimal()), None)


def decode_main(text: bytes) -> Content | None:
    """The whole content, or None: it lies in the shards.

    :raises UnknownFormat: the part was not written by ``encode_main``.
    """
    document = _document(text)
    return None if document.get("sharded") else _content(document)


def decode_shard(text: bytes) -> Content:
    """
    :raises UnknownFormat: the part was not written by ``encode_shard``.
    """
    return _content(_document(text))


def _document(text: bytes) -> dict[str, Any]:
    lines = text.decode("utf-8", "replace").split("\n")
    if lines[: len(_HEAD)] == _HEAD:
        try:
            return _quickly(lines[len(_HEAD) :])
        except ValueError:
            pass  # edited by hand: slowly, then
    try:
        document = toml_text.loads(text.decode())
    except ValueError as error:
        raise UnknownFormat(f"the index file is not TOML: {error}") from error
    found = document.get("format")
    if found != FORMAT:
        later = isinstance(found, int) and found > FORMAT
        raise UnknownFormat(f"the index file has the format {found!r}, not {FORMAT}", later=later)
    return document


_SETTING = re.compile(r"(mtime|sharded) = (\w+)\Z")
_ENTRY = re.compile(r"  '(.*)',\Z")


def _quickly(lines: Sequence[str]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    table: list[str] | None = None
    for line in lines:
        if table is not None and (entry := _ENTRY.match(line)):
            table.append(entry[1])
        elif line == "]":
            table = None
        elif line.endswith(" = [") and line[:-4] in _TABLES:
            table = document.setdefault(line[:-4], [])
        elif setting := _SETTING.match(line):
            document[setting[1]] = setting[2] == "true" if setting[1] == "sharded" else int(setting[2])
        elif line:
            raise ValueError("not as it was written")
    return document


def _content(document: Mapping[str, Any]) -> Content:
    try:
        files, deleted, projects = ([json.loads(line) for line in document.get(name, [])] for name in _TABLES)
        return Content(
            files={
                record["storage_id"]: from_record(record, fingerprint=record.get("fingerprint", "")) for record in files
            },
            deleted={record["storage_id"]: Tombstone(**record) for record in deleted},
            projects={record["name"]: decode_state(record) for record in projects},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnknownFormat(f"the index file is damaged: {error!r}") from error


def encode_state(state: ProjectState) -> dict[str, Any]:
    record: dict[str, Any] = {"name": state.name, "status": state.status.value, "reserved": state.reserved}
    return record if state.reason is None else {**record, "reason": state.reason}


def decode_state(record: Mapping[str, Any]) -> ProjectState:
    return ProjectState(
        name=normalise(record["name"]),
        status=ProjectStatus(record["status"]),
        reason=record.get("reason"),
        reserved=bool(record["reserved"]),
    )


def _json(value: Any) -> str:
    # A literal string of TOML holds no single quote and no control character.
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), sort_keys=True)
    return text.replace("'", "\\u0027").replace("\x7f", "\\u007f")
