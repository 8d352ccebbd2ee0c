"""How files lie in releases: the one module that knows.

::

    release    tag and title: the file's name; published, or a draft while its upload runs
    body       a TOML document between ```toml and ```, with what pywharf knows of the file:
                   pywharf = 1
                   drafted_at = "2026-11-22T12:00:00Z"      when the upload began; old drafts are swept by it
                   [file]                                    to_record(file)
                   [attachments]                             small documents of the file, as text
                   [attachment_assets]                       names of the assets that hold the larger ones
    assets     the file itself, under the name that GitHub makes of it, and the larger attachments

A deleted file leaves its release behind, without assets, as its tombstone: a body with ``[deleted]``. So a name that
was published stays taken by GitHub's own rule of one published release per tag.

pywharf 0.2 wrote the fields of the upload form as plain TOML. A release that a person made is served too, if its tag
is a distribution's filename and GitHub knows the hash of its asset.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from pywharf_core import (
    AttachmentKind,
    DistributionFile,
    InvalidUpload,
    NotSupported,
    Refused,
    from_record,
    parse_filename,
    to_record,
    toml_text,
)

MAX_FILE_BYTES = 2**31 - 1
MAX_BODY = 120_000  # characters and bytes; GitHub's own limit is 125,000 characters

_VERSION = 1
_FENCED = re.compile(r"```toml\n(.*?\n)```", re.DOTALL)
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_FIELDS = "core_metadata"  # of the record, where even they do not fit into the body
_OLD_LINE = re.compile(r'^(distrib|sha256|requires_python|comment) = "((?:[^"\\]|\\.)*)"$', re.MULTILINE)

#: A release, or an asset, as GitHub's API describes it.
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Body:
    """A release's body, and what did not fit into it.

    :ivar assets: content by the name that its asset must have.
    """

    text: str
    assets: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Published:
    """A release that serves a file.

    :ivar file: with ``storage_id`` and ``fingerprint``.
    :ivar attachments: those that the body holds.
    :ivar attachment_assets: asset id and name by kind, of the larger ones.
    :ivar fields_asset: id of the asset with the file's core metadata fields, which ``file`` then lacks.
    :ivar ours: its body was written by this version.
    """

    release_id: int
    asset_id: int
    file: DistributionFile
    attachments: Mapping[AttachmentKind, bytes] = field(default_factory=dict)
    attachment_assets: Mapping[AttachmentKind, tuple[int, str]] = field(default_factory=dict)
    fields_asset: int | None = None
    drafted_at: str = ""
    ours: bool = True
    immutable: bool = False


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A release whose file was deleted.

    :ivar file: as it was, with its ``storage_id``.
    :ivar leftovers: ids of assets that are still there.
    """

    release_id: int
    file: DistributionFile
    leftovers: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """An upload that is not published.

    :ivar drafted_at: when a pywharf began it; None: it is somebody else's.
    """

    release_id: int
    drafted_at: datetime | None


# --- writing ----------------------------------------------------------------------------------------------


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
            "pywharf": _VERSION,
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
        elif _FIELDS not in record:
            raise NotSupported(f"GitHub takes no note as long as the comment on {file.filename}; shorten it.")
        else:  # requirements by the thousand
            beside[_FIELDS] = toml_text.dumps({_FIELDS: record.pop(_FIELDS)}).encode()


def tombstone_body(file: DistributionFile, *, deleted_at: datetime) -> str:
    """The body of the release that a deleted file leaves behind."""
    record = to_record(replace(file, core_metadata=None, comment=None))
    return _fenced({"pywharf": _VERSION, "deleted": {"deleted_at": stamp(deleted_at)}, "file": record})


def tombstone_title(filename: str) -> str:
    return f"{filename} (deleted)"


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


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


# --- reading ----------------------------------------------------------------------------------------------


def read(release: Json) -> Published | Tombstone | Draft | Refused:
    """What a release is."""
    document = _document(release)
    release_id = int(release["id"])
    if release.get("draft"):
        return Draft(release_id, _moment(document.get("drafted_at")) if document else None)
    tag = str(release["tag_name"])
    assets = [asset for asset in release.get("assets") or () if isinstance(asset, Mapping)]
    try:
        if document is None:
            return _not_ours(release, tag, assets)
        if int(document["pywharf"]) > _VERSION:
            return Refused(tag, f"{tag} was published by a newer pywharf; update this one.")
        if "deleted" in document:
            file = from_record(dict(document["file"]))
            return Tombstone(release_id, file, [int(asset["id"]) for asset in assets])
        return _ours(release, tag, document, assets)
    except (KeyError, TypeError, ValueError, AttributeError):
        return Refused(tag, f"The release {tag} has a damaged body; publish the file again under a new version.")


def _fingerprint(release: Json, asset: Json) -> str:
    """Changes whenever the release's body or its file does; larger attachments are named in the body by their content."""
    body = str(release.get("body") or "").replace("\r\n", "\n").strip()
    parts = (body, str(asset["id"]), str(asset.get("size")), str(asset.get("digest")))
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=12).hexdigest()
    return f"{release['id']}-{digest}"


def storage_id(release_id: int, asset_id: int) -> str:
    return f"{release_id}:{asset_id}"


def ids_of(file: DistributionFile) -> tuple[int, int] | None:
    """Release and asset id of ``file``; None: it was never in a release."""
    release, _, asset = file.storage_id.partition(":")
    if not (release.isdecimal() and asset.isdecimal()):
        return None
    return int(release), int(asset)


def digest_of(asset: Json) -> str | None:
    """The asset's SHA-256 as GitHub computed it; None: it was uploaded before GitHub did, or to an old server."""
    algorithm, _, value = str(asset.get("digest") or "").partition(":")
    return value if algorithm == "sha256" and _SHA256.match(value) else None


def is_whole(asset: Json, *, size: int, sha256: str) -> bool:
    """Whether the asset is completely uploaded and, as far as GitHub tells, the expected file."""
    return (
        asset.get("state", "uploaded") == "uploaded"
        and asset.get("size") == size
        and digest_of(asset) in (None, sha256)
    )


def name_on_github(filename: str) -> str:
    """The name that GitHub gives an asset of this filename; only a hint, as its rule is written down nowhere."""
    return re.sub(r"\.{2,}", ".", re.sub(r"[^A-Za-z0-9._+-]", ".", filename)).strip(".")


def with_fields(published: Published, content: bytes) -> Published:
    """``published`` with the core metadata of its ``fields_asset``."""
    fields = toml_text.loads(content.decode())[_FIELDS]
    metadata = {name: value if isinstance(value, str) else tuple(value) for name, value in fields.items()}
    return replace(published, file=replace(published.file, core_metadata=metadata))


def _document(release: Json) -> dict[str, Any] | None:
    """What a body of ours says; None: it is not one."""
    body = str(release.get("body") or "").replace("\r\n", "\n")
    found = _FENCED.search(body)
    if found is None or "pywharf" not in found[1]:
        return None
    try:
        document = toml_text.loads(found[1])
    except ValueError:
        return None
    return document if isinstance(document.get("pywharf"), int) else None


def _moment(text: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _ours(release: Json, tag: str, document: Json, assets: Sequence[Json]) -> Published | Refused:
    file = from_record(dict(document["file"]))
    if file.filename != tag:
        return Refused(tag, f"The release {tag} says that it is of {file.filename}; its tag should be that.")
    names = {str(kind): str(name) for kind, name in document.get("attachment_assets", {}).items()}
    beside = {name: int(asset["id"]) for name in names.values() for asset in assets if asset["name"] == name}
    asset = _asset_of(file.filename, [asset for asset in assets if asset["name"] not in beside], sha256=file.sha256)
    if asset is None or asset.get("state", "uploaded") != "uploaded":
        return Refused(tag, f"The release {tag} lacks its file; publish it again under a new version.")
    if not is_whole(asset, size=file.size, sha256=file.sha256):
        return Refused(tag, f"The file in the release {tag} is not the one that was published; somebody replaced it.")
    ids = {kind: beside[name] for kind, name in names.items() if name in beside}
    texts = document.get("attachments", {})
    return Published(
        release_id=int(release["id"]),
        asset_id=int(asset["id"]),
        file=_placed(file, release, asset),
        attachments={kind: str(texts[kind.value]).encode() for kind in AttachmentKind if kind.value in texts},
        attachment_assets={kind: (ids[kind], names[kind]) for kind in AttachmentKind if kind in ids},
        fields_asset=ids.get(_FIELDS),
        drafted_at=str(document.get("drafted_at", "")),
        immutable=bool(release.get("immutable")),
    )


def _not_ours(release: Json, tag: str, assets: Sequence[Json]) -> Published | Refused:
    """Of pywharf 0.2, or made by a person."""
    old = _old_fields(str(release.get("body") or ""))
    try:
        parsed = parse_filename(tag, old.get("distrib"))
    except InvalidUpload:
        return Refused(tag, f"The release {tag} is not of a distribution file: its tag should be a filename.")
    asset = _asset_of(tag, assets, sha256=None)
    if asset is None or asset.get("state", "uploaded") != "uploaded":
        return Refused(tag, f"The release {tag} has no asset {tag}; upload the file there.")
    # GitHub's own digest is the truth; 0.2 wrote down whatever the client said.
    sha256 = digest_of(asset) or old.get("sha256", "")
    if not _SHA256.match(sha256):
        return Refused(tag, f"GitHub does not know the SHA-256 of {tag}; upload the file to the release once more.")
    file = DistributionFile(
        filename=tag,
        project=parsed.project,
        version=str(parsed.version),
        packagetype=parsed.packagetype,
        size=int(asset["size"]),
        hashes={"sha256": sha256},
        upload_time=datetime.fromisoformat(str(asset.get("created_at") or release["published_at"])),
        requires_python=old.get("requires_python") or None,
        comment=old.get("comment") or None,
    )
    return Published(
        release_id=int(release["id"]),
        asset_id=int(asset["id"]),
        file=_placed(file, release, asset),
        ours=False,
        immutable=bool(release.get("immutable")),
    )


def _placed(file: DistributionFile, release: Json, asset: Json) -> DistributionFile:
    return replace(
        file,
        storage_id=storage_id(int(release["id"]), int(asset["id"])),
        fingerprint=_fingerprint(release, asset),
    )


def _asset_of(filename: str, assets: Sequence[Json], *, sha256: str | None) -> Json | None:
    """Which asset is the file: by its hash, then by the name that it should have, then because there is no other."""
    for asset in assets:
        if sha256 is not None and digest_of(asset) == sha256:
            return asset
    for name in (filename, name_on_github(filename)):
        for asset in assets:
            if asset.get("name") == name:
                return asset
    return assets[0] if len(assets) == 1 else None


def _old_fields(body: str) -> dict[str, str]:
    """What a body of 0.2 says, as far as it is used; its ``toml`` wrote some texts that are not TOML."""
    body = body.replace("\r\n", "\n")
    try:
        document = toml_text.loads(body)
    except ValueError:
        document = dict(_OLD_LINE.findall(body))
    return {name: value for name, value in document.items() if isinstance(value, str) and value != "UNKNOWN"}
