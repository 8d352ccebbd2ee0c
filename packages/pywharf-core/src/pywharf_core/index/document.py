"""The parts of a remote index as text, which is what a storage keeps.

They are TOML. Each entry is a line of its own, a literal string that holds JSON: a commit's difference reads as a log, and
a large part is read by ``json`` in a hundredth of the time that TOML takes. It holds what pages need and no descriptions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pywharf_core import toml_text
from pywharf_core.filenames import normalise
from pywharf_core.index.content import Content, Tombstone
from pywharf_core.model import ProjectState, ProjectStatus, from_record, to_record

FORMAT = 2  # 0.2 wrote documents without one
MOST_UNSHARDED = 10 * 1024 * 1024  # bytes of one part, about 7,000 files

_HEAD = [
    "# Written by pywharf: the index of this repository's files. Lines in single quotes are JSON.",
    f"format = {FORMAT}",
]
_LONGEST_HEAD = 1000  # bytes, with room
_TABLES = ("files", "deleted", "projects", "refused")


class UnknownFormat(ValueError):
    """Not a document of this format: written by pywharf 0.2, by a later version, or by somebody else.

    :ivar later: written by a later version, so that it must not be replaced.
    """

    def __init__(self, message: str, *, later: bool = False) -> None:
        super().__init__(message)
        self.later = later


def encode_main(content: Content | None, *, mtime: int, refused: Mapping[str, str] | None = None) -> bytes:
    """The main part.

    :param content: of the whole index; None: it lies in the shards.
    :param mtime: Unix seconds of the change, as 0.2 wrote it.
    :param refused: see ``Content``; where ``content`` does not say it.
    """
    head = [f"mtime = {mtime}", f"sharded = {'false' if content is not None else 'true'}"]
    return _encoded(head, content or Content(refused=refused or {}))


def encode_shard(content: Content) -> bytes:
    return _encoded([], content)


def _encoded(head: Sequence[str], content: Content) -> bytes:
    files = sorted(content.files.values(), key=lambda file: (file.project, file.filename, file.storage_id))
    deleted = sorted(content.deleted.values(), key=lambda it: (it.project, it.filename, it.storage_id))
    tables = (
        [{**to_record(file), "fingerprint": file.fingerprint} for file in files],
        [_encode_tombstone(it) for it in deleted],
        [encode_state(content.projects[name]) for name in sorted(content.projects)],
        [{"filename": name, "reason": content.refused[name]} for name in sorted(content.refused)],
    )
    lines = [*_HEAD, *head]
    for name, records in zip(_TABLES, tables, strict=True):
        if name == "refused" and not records:
            continue
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


def refused_in(main: bytes) -> Mapping[str, str]:
    """What the main part says of files that are refused, wherever the others lie.

    :raises UnknownFormat: the part was not written by ``encode_main``.
    """
    return _content(_document(main)).refused


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
        files, deleted, projects, refused = ([json.loads(line) for line in document.get(name, [])] for name in _TABLES)
        return Content(
            files={
                record["storage_id"]: from_record(record, fingerprint=record.get("fingerprint", "")) for record in files
            },
            deleted={record["storage_id"]: Tombstone(**record) for record in deleted},
            projects={record["name"]: decode_state(record) for record in projects},
            refused={str(record["filename"]): str(record["reason"]) for record in refused},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnknownFormat(f"the index file is damaged: {error!r}") from error


def _encode_tombstone(it: Tombstone) -> dict[str, Any]:
    record = {"filename": it.filename, "project": it.project, "sha256": it.sha256, "storage_id": it.storage_id}
    return {**record, "missing": True} if it.missing else record


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
