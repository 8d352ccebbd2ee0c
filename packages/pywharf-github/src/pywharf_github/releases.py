"""What a release is: a file, an upload on its way, the tombstone of a file, or nothing that can be served.

::

    release    tag and title: the file's name; published, or a draft while its upload runs, whose title says so
    body       what pywharf knows of the file, as `release_body` writes it
    assets     the file itself, under the name that GitHub makes of it, and the larger attachments

A deleted file leaves its release behind, without assets, as its tombstone: a body with ``[deleted]``. So a name that
was published stays taken by GitHub's own rule of one published release per tag.

Releases of pywharf 0.2 are served, and those that a person made, if their tag is a distribution's filename and GitHub
knows the hash of its asset.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from packaging.version import Version

from pywharf_core import (
    AttachmentKind,
    DistributionFile,
    InvalidUpload,
    Refused,
    core_metadata_of,
    from_record,
    parse_filename,
    toml_text,
)
from pywharf_github import version_0_2
from pywharf_github.release_assets import Json, asset_of, digest_of, is_sha256, is_uploaded, is_whole
from pywharf_github.release_body import FIELDS, VERSION, document_in, draft_title, text_of

MAX_FILE_BYTES = 2**31 - 1

#: Counters below it are a clock's until 2109, see `changing`; what somebody wrote by hand above it is not taken, or it
#: would stand before every later change.
MOST_COUNTED = 2**52
_HASH_NAME = re.compile(r"[a-z0-9_]{1,40}\Z")
_HEX = re.compile(r"[0-9a-f]{1,256}\Z")


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
class Unreadable(Refused):
    """A release whose record says nothing to this version, now: whether it serves its file, nobody knows."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An upload that is not published.

    :ivar touched_at: when it was begun or last changed, as GitHub's clock or else the uploader's has it; None: it is no
        upload of pywharf's, but somebody else's.
    """

    release_id: int
    touched_at: datetime | None


def read(release: Json) -> Published | Tombstone | Draft | Refused:
    """What a release is."""
    document = document_in(release)
    release_id = int(release["id"])
    if release.get("draft"):
        is_not_upload = document is None or is_unpublished(release)
        return Draft(release_id, None if is_not_upload else _touched_at(release, document or {}))
    tag = str(release["tag_name"])
    assets = [asset for asset in release.get("assets") or () if isinstance(asset, Mapping)]
    try:
        if document is None:
            return _not_ours(release, tag, assets)
        if int(document["pywharf"]) > VERSION:
            return Unreadable(tag, f"{tag} was published by a newer pywharf; update this one.")
        if "deleted" in document:
            return _tombstone(release_id, tag, from_record(dict(document["file"])), assets)
        return _ours(release, tag, document, assets)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, InvalidUpload):
        sentence = f"The release {tag} has a damaged body; restore it, or publish the file again under a new version."
        return Unreadable(tag, sentence)


def ids_of(file: DistributionFile) -> tuple[int, int] | None:
    """Release and asset id of ``file``; None: it was never in a release."""
    release, _, asset = file.storage_id.partition(":")
    if not (release.isdecimal() and asset.isdecimal()):
        return None
    return int(release), int(asset)


def with_fields(published: Published, content: bytes) -> Published:
    """``published`` with the core metadata of its ``fields_asset``."""
    metadata = core_metadata_of(toml_text.loads(content.decode())[FIELDS])
    return replace(published, file=replace(published.file, core_metadata=metadata))


def is_unpublished(release: Json) -> bool:
    """Whether pywharf published it, and somebody made it a draft again."""
    is_ours = bool(release.get("draft")) and document_in(release) is not None
    return is_ours and release.get("name") != draft_title(str(release.get("tag_name")))


def _touched_at(release: Json, document: Json) -> datetime | None:
    """The later of both: a server whose clock is slow must not lose its uploads to the others' sweeping."""
    moments = [_moment(document.get("drafted_at")), _moment(release.get("updated_at"))]
    return max((moment for moment in moments if moment is not None), default=None)


def _moment(text: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _tombstone(release_id: int, tag: str, file: DistributionFile, assets: Sequence[Json]) -> Tombstone | Refused:
    """A body that was copied to another release buries neither file."""
    ids = ids_of(file)
    if file.filename != tag or (ids is not None and ids[0] != release_id):
        return Unreadable(tag, f"The release {tag} says that another one was deleted; restore its own body.")
    return Tombstone(release_id, file, [int(asset["id"]) for asset in assets])


def _ours(release: Json, tag: str, document: Json, assets: Sequence[Json]) -> Published | Refused:
    file = from_record(dict(document["file"]))
    if file.filename != tag:
        return Unreadable(tag, f"The release {tag} says that it is of {file.filename}; its tag should be that.")
    _check_record(file)
    names = {str(kind): str(name) for kind, name in document.get("attachment_assets", {}).items()}
    beside = {name: int(asset["id"]) for name in names.values() for asset in assets if asset["name"] == name}
    asset = asset_of(file.filename, [asset for asset in assets if asset["name"] not in beside], sha256=file.sha256)
    if asset is None or not is_uploaded(asset):
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
        fields_asset=ids.get(FIELDS),
        drafted_at=str(document.get("drafted_at", "")),
        immutable=bool(release.get("immutable")),
    )


def _check_record(file: DistributionFile) -> None:
    """People can edit a body: what no upload would have written must not get into an index.

    :raises ValueError, InvalidUpload: it is such.
    """
    parsed = parse_filename(file.filename, file.project)
    told = (file.project, Version(file.version), file.packagetype)
    if told != (parsed.project, parsed.version, parsed.packagetype):
        raise ValueError("of another file")
    if not 0 <= file.counter < MOST_COUNTED:
        raise ValueError("no counter")
    if not all(_HASH_NAME.match(name) and _HEX.match(value) for name, value in file.hashes.items()):
        raise ValueError("no hash")
    if not all(text is None or is_sha256(text) for text in (file.core_metadata_sha256, file.provenance_sha256)):
        raise ValueError("no SHA-256")


def _not_ours(release: Json, tag: str, assets: Sequence[Json]) -> Published | Refused:
    """Of pywharf 0.2, or made by a person."""
    old = version_0_2.fields_in(text_of(release))
    try:
        parsed = parse_filename(tag, old.get("distrib"))
    except InvalidUpload:
        return Refused(tag, f"The release {tag} is not of a distribution file: its tag should be a filename.")
    asset = asset_of(tag, assets, sha256=None)
    if asset is None or not is_uploaded(asset):
        return Refused(tag, f"The release {tag} has no asset {tag}; upload the file there.")
    # GitHub's own digest is the truth; 0.2 wrote down whatever the client said.
    sha256 = digest_of(asset) or old.get("sha256", "")
    if not is_sha256(sha256):
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
    return replace(file, storage_id=f"{release['id']}:{asset['id']}", fingerprint=_fingerprint(release, asset))


def _fingerprint(release: Json, asset: Json) -> str:
    """Changes whenever the release's body or its file does; larger attachments are named in the body by their content."""
    parts = (text_of(release).strip(), str(asset["id"]), str(asset.get("size")), str(asset.get("digest")))
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=12).hexdigest()
    return f"{release['id']}-{digest}"
