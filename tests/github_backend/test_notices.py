"""Webhooks: signed, and of this repository."""

from __future__ import annotations

import hmac
import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import pytest

from github_fake import Event, FakeGitHub, Repository, Token
from pywharf_core import Change, ChangeKind, FileAlreadyExists, Secret
from pywharf_core.testing import make_upload
from pywharf_github.storage import GitHubStorage

SECRET = Secret("of the webhook")


def told(storage: GitHubStorage, event: Event) -> list[Change] | None:
    changes = storage.read_notice(event.headers(SECRET.reveal()), event.body(), SECRET)
    return None if changes is None else list(changes)


def test_each_event_of_a_file_s_life_is_told_without_a_call(
    fake: FakeGitHub, storage: GitHubStorage, tmp_path: Path
) -> None:
    added = storage.add_file(*make_upload(tmp_path))
    yanked = storage.update_file(replace(added, yanked="broken"))
    storage.delete_file(yanked)
    again = storage.add_file(*make_upload(tmp_path))
    with fake.calls.during() as calls:
        changes = [change for event in fake.events for change in told(storage, event) or []]
    assert not len(calls)
    published = [change.file for change in changes if change.kind is ChangeKind.PUBLISHED]
    assert published == [added, yanked, again]
    removed = [change.file for change in changes if change.kind is ChangeKind.REMOVED]
    assert [(file.filename, file.storage_id, file.sha256) for file in removed if file] == [
        (added.filename, added.storage_id, added.sha256)
    ]
    assert ChangeKind.UNKNOWN not in {change.kind for change in changes}


def test_a_release_deleted_by_hand_is_told(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository, tmp_path: Path
) -> None:
    added = storage.add_file(*make_upload(tmp_path))
    event = fake.release_event(repository, added.filename, "deleted")
    assert told(storage, event) == [Change(ChangeKind.REMOVED, added.filename, added)]


def test_what_is_not_signed_with_the_secret_is_not_believed(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository, tmp_path: Path
) -> None:
    added = storage.add_file(*make_upload(tmp_path))
    event = fake.release_event(repository, added.filename)
    headers = event.headers(SECRET.reveal())
    assert storage.read_notice(event.headers("another"), event.body(), SECRET) is None
    assert storage.read_notice(headers, event.body() + b" ", SECRET) is None
    assert storage.read_notice({**headers, "X-Hub-Signature-256": "é"}, event.body(), SECRET) is None
    assert storage.read_notice({}, event.body(), SECRET) is None
    assert storage.read_notice({name.lower(): it for name, it in headers.items()}, event.body(), SECRET)


def test_another_repository_s_event_is_not_for_us(fake: FakeGitHub, storage: GitHubStorage, writer: Token) -> None:
    other = fake.add_repo("acme", "other")
    fake.add_release(other, "a-1.0.tar.gz", b"x")
    assert told(storage, fake.release_event(other, "a-1.0.tar.gz")) is None


def test_an_upload_that_another_server_s_overtook_is_no_deletion(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository, tmp_path: Path
) -> None:
    file, staged = make_upload(tmp_path, summary="the other's")
    publication = "PATCH /repos/{o}/{r}/releases/{id}"
    fake.faults.next(publication, before=lambda: fake.add_release(repository, file.filename, b"of another server"))
    with pytest.raises(FileAlreadyExists):
        storage.add_file(file, staged)
    assert [event.action for event in fake.events] == ["deleted"], "of our draft"
    assert told(storage, fake.events[-1]) == []


def test_drafts_and_pings_change_nothing_and_a_push_may(storage: GitHubStorage) -> None:
    repository = {"full_name": "Acme/packages"}
    draft = {"id": 1, "draft": True, "tag_name": "a-1.0.tar.gz", "body": "", "assets": []}
    payload = {"action": "created", "release": draft, "repository": repository}
    assert told(storage, Event("acme/packages", "created", payload)) == []
    for kind, expected in (("ping", []), ("push", [Change(ChangeKind.UNKNOWN)])):
        event = Event("acme/packages", "", {"repository": repository})
        headers = {**event.headers(SECRET.reveal()), "X-GitHub-Event": kind}
        assert storage.read_notice(headers, event.body(), SECRET) == expected


def test_a_form_is_read_as_well(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository, tmp_path: Path
) -> None:
    added = storage.add_file(*make_upload(tmp_path))
    event = fake.release_event(repository, added.filename)
    body = urlencode({"payload": json.dumps(event.payload)}).encode()
    signature = hmac.new(SECRET.reveal().encode(), body, "sha256").hexdigest()
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-GitHub-Event": "release",
        "X-Hub-Signature-256": f"sha256={signature}",
    }
    assert storage.read_notice(headers, body, SECRET) == [Change(ChangeKind.PUBLISHED, added.filename, added)]
