"""The documents of ``ObjectStorage``: what each says, and the JSON that it is written as."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass

from pywharf_core.model import (
    AttachmentKind,
    DistributionFile,
    ProjectState,
    ProjectStatus,
    Record,
    from_record,
    to_record,
)
from pywharf_core.storage_answers import Deleted


@dataclass(frozen=True, slots=True)
class Published:
    """A file, and the small documents that belong to it."""

    file: DistributionFile
    attachments: Mapping[AttachmentKind, bytes]


#: What a document says.
Said = Published | Deleted | ProjectState


def encoded(said: Said) -> bytes:
    return json.dumps(_to_json(said)).encode()


def decoded(content: bytes, revision: str, *, name: str) -> Said:
    """The inverse of ``encoded``.

    :param revision: becomes the fingerprint of a published file.
    :param name: of the file or the project that it must be about.
    :raises ValueError: it is none of these documents.
    """
    try:
        said = _from_json(json.loads(content), revision)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a document: {error!r}") from error
    if name != (about := said.name if isinstance(said, ProjectState) else _file(said)):
        raise ValueError(f"it is about {about}")
    return said


def _file(said: Published | Deleted) -> str:
    return said.file.filename if isinstance(said, Published) else said.filename


def _to_json(said: Said) -> Record:
    match said:
        case Published(file, attachments):
            texts = {kind.value: base64.b64encode(content).decode() for kind, content in attachments.items()}
            return {"file": to_record(file), "attachments": texts}
        case Deleted(filename, sha256):
            return {"deleted": {"filename": filename, "sha256": sha256}}
        case ProjectState():
            state = {"name": said.name, "status": said.status, "reason": said.reason, "reserved": said.reserved}
            return {"project": state}


def _from_json(record: Record, revision: str) -> Said:
    if "file" in record:
        attachments = {AttachmentKind(kind): base64.b64decode(text) for kind, text in record["attachments"].items()}
        return Published(from_record(record["file"], fingerprint=revision), attachments)
    if "deleted" in record:
        return Deleted(record["deleted"]["filename"], record["deleted"]["sha256"])
    state = record["project"]
    return ProjectState(
        name=state["name"], status=ProjectStatus(state["status"]), reason=state["reason"], reserved=state["reserved"]
    )
