"""GitHub's webhooks: signed, and of releases.

https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

from pywharf_core import Change, ChangeKind, Secret
from pywharf_github import releases
from pywharf_github.release_assets import Json
from pywharf_github.releases import Published, Tombstone

_TAKEN_BACK = "unpublished"
_GONE = ("deleted", _TAKEN_BACK)


def read_notice(
    headers: Mapping[str, str], body: bytes, secret: Secret, repository_name: str, repository_id: int | None = None
) -> Sequence[Change] | None:
    """What a webhook says changed; none for an event that changes nothing here.

    :param repository_name: ``owner/repo``, as configured; a repository that was renamed has another one.
    :param repository_id: GitHub's number of it, which decides; None: it is not known yet, and the name does.
    :returns: None: not signed with ``secret``, or of another repository.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    signature = "sha256=" + hmac.new(secret.reveal().encode(), body, "sha256").hexdigest()
    if not hmac.compare_digest(signature.encode(), lower.get("x-hub-signature-256", "").encode()):
        return None
    payload = _payload(body, lower.get("content-type", ""))
    if payload is None or not _is_of(payload, repository_name, repository_id):
        return None
    event = lower.get("x-github-event")
    if event == "release" and isinstance(payload.get("release"), Mapping):
        return _of_release(str(payload.get("action")), payload["release"])
    if event in ("push", "repository"):
        return [Change(ChangeKind.UNKNOWN)]
    return []


def _of_release(action: str, release: Json) -> Sequence[Change]:
    if release.get("draft") and action != _TAKEN_BACK:  # as of an upload that another server's overtook
        return []
    try:
        found = releases.read({**release, "draft": False})
    except (KeyError, ValueError, TypeError):
        return [Change(ChangeKind.UNKNOWN)]
    match found:
        case Tombstone():
            # One that goes away makes place for the same file, whose own event tells of it.
            return [] if action in _GONE else [Change(ChangeKind.REMOVED, found.file.filename, found.file)]
        case Published() if action in _GONE:
            return [Change(ChangeKind.REMOVED, found.file.filename, found.file)]
        case Published() if found.fields_asset is None:
            return [Change(ChangeKind.PUBLISHED, found.file.filename, found.file)]
        case Published():
            return [Change(ChangeKind.UNKNOWN, found.file.filename)]
        case _:
            return [Change(ChangeKind.UNKNOWN)]


def _payload(body: bytes, content_type: str) -> Mapping[str, Any] | None:
    try:
        if content_type.startswith("application/x-www-form-urlencoded"):
            body = parse_qs(body.decode(), strict_parsing=True)["payload"][0].encode()
        payload = json.loads(body)
    except (ValueError, KeyError):
        return None
    return payload if isinstance(payload, Mapping) else None


def _is_of(payload: Mapping[str, Any], name: str, number: int | None) -> bool:
    repository = payload.get("repository")
    if not isinstance(repository, Mapping):
        return False
    told = repository.get("id")
    if number is not None and isinstance(told, int):
        return told == number
    return str(repository.get("full_name")).lower() == name.lower()
