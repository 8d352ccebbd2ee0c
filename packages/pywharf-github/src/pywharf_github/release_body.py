"""The body of a release of ours: a TOML document with what pywharf knows of the file, as long as GitHub takes it.

::

    ```toml
    pywharf = 1
    drafted_at = "2026-11-22T12:00:00Z"      when the upload began; old drafts are swept by it
    [file]                                    to_record(file)
    [attachments]                             small documents of the file, as text
    [attachment_assets]                       names of the assets that hold the larger ones
    ```

Of a deleted file it has ``[deleted]`` and ``[file]``. What people write around it is left alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from pywharf_core import AttachmentKind, DistributionFile, NotSupported, to_record, toml_text
from pywharf_github.release_assets import Json

VERSION = 1
MAX_BODY = 120_000  # characters and bytes; GitHub's own limit is 125,000 characters
FIELDS = "core_metadata"  # of the record; where even they do not fit, an asset of this name holds them

_FENCED = re.compile(r"```toml\n(.*?\n)```", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Body:
    """A release's body, and what did not fit into it.

    :ivar assets: content by the name that its asset must have.
    """

    text: str
    assets: Mapping[str, bytes] = field(default_factory=dict)


def body_of(
    file: DistributionFile,
    attachments: Mapping[AttachmentKind, bytes],
    *,
    drafted_at: str,
    kept_assets: Mapping[AttachmentKind, str] | None = None,
) -> Body:
    """The body of a release for ``file``, with as many attachments in it as fit, the small ones first.

    :param kept_assets: names of attachments' assets that are there already.
    :raises NotSupported: even without its metadata it is too long.
    """
    record = to_record(replace(file, storage_id=""))
    texts = {kind.value: text for kind, content in attachments.items() if (text := _text(content)) is not None}
    beside = {kind.value: content for kind, content in attachments.items() if kind.value not in texts}
    kept = {kind.value: name for kind, name in (kept_assets or {}).items()}
    while True:
        names = {**kept, **{name: _asset_name(name, content) for name, content in beside.items()}}
        document = {
            "pywharf": VERSION,
            "drafted_at": drafted_at,
            "file": record,
            "attachments": texts,
            "attachment_assets": names,
        }
        text = _fenced(document)
        if max(len(text), len(text.encode())) < MAX_BODY:
            return Body(text, {names[name]: content for name, content in beside.items()})
        if texts:
            largest = max(texts, key=lambda name: len(texts[name]))
            beside[largest] = texts.pop(largest).encode()
        elif FIELDS not in record:
            raise NotSupported(f"GitHub takes no note as long as the comment on {file.filename}; shorten it.")
        else:  # requirements by the thousand
            beside[FIELDS] = toml_text.dumps({FIELDS: record.pop(FIELDS)}).encode()


def tombstone_body(file: DistributionFile, *, deleted_at: datetime) -> str:
    """The body of the release that a deleted file leaves behind."""
    record = to_record(replace(file, core_metadata=None, comment=None))
    return _fenced({"pywharf": VERSION, "deleted": {"deleted_at": stamp(deleted_at)}, "file": record})


def tombstone_title(filename: str) -> str:
    return f"{filename} (deleted)"


def draft_title(filename: str) -> str:
    """Of an upload that runs, or died: a draft of another title was published once, and somebody took it back."""
    return f"{filename} (upload under way)"


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def document_in(release: Json) -> dict[str, Any] | None:
    """What a body of ours says; None: it is not one."""
    found = _FENCED.search(text_of(release))
    if found is None or "pywharf" not in found[1]:
        return None
    try:
        document = toml_text.loads(found[1])
    except ValueError:
        return None
    return document if isinstance(document.get("pywharf"), int) else None


def text_of(release: Json) -> str:
    """The body with the ends of lines that were written; GitHub's form for people makes others of them."""
    return str(release.get("body") or "").replace("\r\n", "\n")


def _fenced(document: Json) -> str:
    # Every text is on one line, with its control characters escaped: nothing in it can end the fence.
    shown = {name: value for name, value in document.items() if value != {}}
    return f"```toml\n{toml_text.dumps(shown)}```\n"


def _text(content: bytes) -> str | None:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def _asset_name(kind: str, content: bytes) -> str:
    """By content: an asset of this name is never another one's."""
    return f"{kind}.{hashlib.sha256(content).hexdigest()[:16]}"
