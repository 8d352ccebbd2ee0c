"""Publication in three requests, and what becomes of it when one goes wrong, a process dies, or another is quicker."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from github_backend.dying_store import run_dying
from github_backend.opened import Opened
from github_fake import FakeGitHub, Repository, Token
from pywharf_core import (
    AttachmentKind,
    DistributionFile,
    FileAlreadyExists,
    NotAuthenticated,
    NotPermitted,
    NotSupported,
    StagedFile,
    StorageUnavailable,
    WharfError,
)
from pywharf_core.testing import make_upload
from pywharf_github.connection import Timeouts
from pywharf_github.storage import GitHubStorage

DRAFT = "POST /repos/{o}/{r}/releases"
UPLOAD = "POST /repos/{o}/{r}/releases/{id}/assets"
PUBLISH = "PATCH /repos/{o}/{r}/releases/{id}"
BY_ID = "GET /repos/{o}/{r}/releases/{id}"
BY_TAG = "GET /repos/{o}/{r}/releases/tags/{t}"
ASSETS = "GET /repos/{o}/{r}/releases/{id}/assets"

PUBLICATION = [DRAFT, UPLOAD, PUBLISH]


def asked(fake: FakeGitHub) -> list[str]:
    """Operations so far, without the parameters' names."""
    known = {name: name for name in (DRAFT, UPLOAD, PUBLISH, BY_ID, BY_TAG, ASSETS)}
    return [next((short for short in known if _same(short, name)), name) for name in fake.calls.operations]


def _same(short: str, name: str) -> bool:
    parts, others = short.split("/"), name.split("/")
    return len(parts) == len(others) and all(
        one == other or (one.startswith("{") and other.startswith("{"))
        for one, other in zip(parts, others, strict=True)
    )


def content_of(repository: Repository, tag: str) -> bytes:
    release = repository.release(tag)
    assert release is not None
    return next(asset.content for asset in release.assets.values() if asset.name.endswith((".whl", ".gz")))


def test_a_publication_takes_three_requests(fake: FakeGitHub, storage: GitHubStorage, tmp_path: Path) -> None:
    storage.add_file(*make_upload(tmp_path))
    assert asked(fake) == PUBLICATION


def test_a_release_never_becomes_the_latest_of_the_project(
    storage: GitHubStorage, repository: Repository, tmp_path: Path
) -> None:
    added = storage.add_file(*make_upload(tmp_path))
    storage.update_file(replace(added, yanked=""))
    release = repository.release(added.filename)
    assert release is not None
    assert not release.latest


@dataclass
class Case:
    """:ivar heals: the publication succeeds all the same.
    :ivar calls: what was asked then.
    """

    operation: str
    fault: dict[str, Any]
    heals: bool
    calls: list[str] | None = None


RECOVERY = {
    "draft answered 502": Case(DRAFT, {"status": 502}, heals=True, calls=[DRAFT, *PUBLICATION]),
    "draft's answer lost": Case(DRAFT, {"lose_answer": True}, heals=True, calls=[DRAFT, *PUBLICATION]),
    "upload 502, nothing there": Case(
        UPLOAD, {"status": 502}, heals=True, calls=[DRAFT, UPLOAD, ASSETS, UPLOAD, PUBLISH]
    ),
    "upload 502 with half an asset": Case(UPLOAD, {"status": 502, "leaves": "starter"}, heals=True),
    "upload 502 with a whole asset": Case(
        UPLOAD, {"status": 502, "leaves": "asset"}, heals=True, calls=[DRAFT, UPLOAD, ASSETS, PUBLISH]
    ),
    "upload's answer lost": Case(UPLOAD, {"lose_answer": True}, heals=True, calls=[DRAFT, UPLOAD, ASSETS, PUBLISH]),
    "upload cut half-way": Case(UPLOAD, {"cut_request_at": 100}, heals=True),
    "upload answered by a page": Case(UPLOAD, {"status": 502, "html": True}, heals=True),
    "publication 502, not done": Case(PUBLISH, {"status": 502}, heals=True, calls=[*PUBLICATION, BY_ID, PUBLISH]),
    "publication 502, done": Case(PUBLISH, {"status": 502, "after": True}, heals=True, calls=[*PUBLICATION, BY_ID]),
    "publication's answer lost": Case(PUBLISH, {"lose_answer": True}, heals=True, calls=[*PUBLICATION, BY_ID]),
    "draft refused for long": Case(DRAFT, {"status": 502, "times": 0}, heals=False),
    "upload refused for long": Case(UPLOAD, {"status": 502, "times": 0}, heals=False),
    "half an asset each time": Case(UPLOAD, {"status": 502, "leaves": "starter", "times": 0}, heals=False),
    "publication refused for long": Case(PUBLISH, {"status": 502, "times": 0}, heals=False),
}


@pytest.mark.parametrize("case", RECOVERY.values(), ids=list(RECOVERY))
def test_a_publication_recovers_or_leaves_nothing_that_readers_see(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository, tmp_path: Path, case: Case
) -> None:
    file, staged = make_upload(tmp_path)
    content = staged.path.read_bytes()
    fake.faults.next(case.operation, **case.fault)
    if case.heals:
        added = storage.add_file(file, staged)
        assert case.calls is None or asked(fake) == case.calls
    else:
        with pytest.raises(StorageUnavailable):
            storage.add_file(file, staged)
        fake.faults.clear()
        assert list(storage.scan({})) == []
        added = storage.add_file(file, staged)
    assert list(storage.scan({})) == [added]
    assert content_of(repository, added.filename) == content


def test_a_stalled_upload_is_over_after_the_timeout_and_tried_again(
    fake: FakeGitHub, opened: Opened, writer: Token, tmp_path: Path
) -> None:
    storage = opened.storage(writer, timeouts=Timeouts(connect=2, api=2, transfer=0.3))
    fake.faults.next(UPLOAD, stall="before")
    storage.add_file(*make_upload(tmp_path))
    assert asked(fake).count(UPLOAD) + 1 >= 2
    fake.faults.release()


def test_a_stalled_api_is_unavailable_after_the_timeout(
    fake: FakeGitHub, opened: Opened, writer: Token, tmp_path: Path
) -> None:
    storage = opened.storage(writer, timeouts=Timeouts(connect=2, api=1, transfer=1))
    fake.faults.next(DRAFT, stall="before", times=0)
    with pytest.raises(StorageUnavailable):
        storage.add_file(*make_upload(tmp_path))
    fake.faults.clear()
    fake.faults.release()


def test_other_bytes_than_were_sent_are_found_by_github_s_digest(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository, tmp_path: Path
) -> None:
    file, staged = make_upload(tmp_path)
    content = bytearray(staged.path.read_bytes())
    content[100] ^= 1
    staged.path.write_bytes(content)
    with pytest.raises(StorageUnavailable, match="damaged"):
        storage.add_file(file, staged)
    assert list(storage.scan({})) == []
    assert not repository.drafts()


def test_a_server_without_digests_is_believed_by_the_size(
    fake: FakeGitHub, storage: GitHubStorage, tmp_path: Path
) -> None:
    fake.world.digests = False
    added = storage.add_file(*make_upload(tmp_path))
    assert list(storage.scan({})) == [added]


def test_a_publication_lost_to_another_server_leaves_no_draft(
    fake: FakeGitHub,
    storage: GitHubStorage,
    reopen: Callable[[], GitHubStorage],
    repository: Repository,
    tmp_path: Path,
) -> None:
    rival = reopen()
    others = make_upload(tmp_path, summary="the other's")

    def overtake() -> None:
        rival.add_file(*others)

    fake.faults.next(UPLOAD, before=_in_thread(overtake))
    with pytest.raises(FileAlreadyExists):
        storage.add_file(*make_upload(tmp_path, summary="mine"))
    assert not repository.drafts()
    assert [file.sha256 for file in storage.scan({}) if isinstance(file, DistributionFile)] == [others[0].sha256]


def _in_thread(call: Callable[[], object]) -> Callable[[], None]:
    """A rival's move: of another server, so on a connection of its own."""

    def run() -> None:
        thread = threading.Thread(target=call)
        thread.start()
        thread.join()

    return run


def test_a_name_that_is_free_again_at_the_last_moment_is_taken(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository, tmp_path: Path
) -> None:
    file, staged = make_upload(tmp_path)
    other = fake.add_release(repository, file.filename, b"other")
    fake.faults.next(BY_TAG, before=lambda: repository.releases.pop(other.id))
    added = storage.add_file(file, staged)
    assert list(storage.scan({})) == [added]


@pytest.mark.parametrize("step", [1, 2, 3])
def test_what_a_killed_publication_left_does_not_hinder_the_next(
    storage: GitHubStorage, repository: Repository, tmp_path: Path, step: int
) -> None:
    file, staged = make_upload(tmp_path)
    assert run_dying(lambda: storage.add_file(file, staged), dying_at=step)
    assert len(repository.drafts()) == (0 if step == 1 else 1)
    added = storage.add_file(file, staged)
    assert list(storage.scan({})) == [added]


def test_racing_uploads_of_the_same_content_leave_one_release_and_no_drafts(
    reopen: Callable[[], GitHubStorage], repository: Repository, tmp_path: Path
) -> None:
    uploads = [make_upload(tmp_path) for _ in range(6)]
    storages = [reopen() for _ in range(3)]

    def publish(number: int) -> bool:
        try:
            storages[number % 3].add_file(*uploads[number])
        except FileAlreadyExists:
            return False
        return True

    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(publish, range(6))) == 1
    assert len(repository.releases) == 1


@pytest.mark.parametrize("same", [True, False], ids=["same content", "other content"])
def test_a_name_that_is_refused_at_the_draft_already_is_treated_alike(
    fake: FakeGitHub, storage: GitHubStorage, tmp_path: Path, same: bool
) -> None:
    added = storage.add_file(*make_upload(tmp_path))
    upload = make_upload(tmp_path, summary=None if same else "other")
    taken: list[Mapping[str, Any]] = [{"resource": "Release", "code": "already_exists", "field": "tag_name"}]
    fake.faults.next(DRAFT, status=422, message="Validation Failed", errors=taken)
    with pytest.raises(FileAlreadyExists):
        storage.add_file(*upload)
    storage.delete_file(added)
    fake.faults.next(DRAFT, status=422, message="Validation Failed", errors=taken)
    if same:
        assert storage.add_file(*upload).sha256 == added.sha256
    else:
        with pytest.raises(FileAlreadyExists, match="deleted"):
            storage.add_file(*upload)


# --- what GitHub would rewrite or refuse ------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1!2.0", "1!2.0+local.1", "2.0+local.1"])
def test_a_version_whose_name_github_rewrites_keeps_its_own(
    storage: GitHubStorage, repository: Repository, tmp_path: Path, version: str
) -> None:
    file, staged = make_upload(tmp_path, version=version, provenance=b"{}")
    content = staged.path.read_bytes()
    added = storage.add_file(file, staged)
    assert added.filename == file.filename
    assert added.version == version
    assert version in added.filename
    assert list(storage.scan({})) == [added]
    assert content_of(repository, file.filename) == content
    with storage.open_file(added) as stream:
        assert stream.read() == content


@pytest.mark.parametrize("fault", [{"status": 502, "leaves": "asset"}, {"status": 502, "leaves": "starter"}])
def test_a_rewritten_name_is_found_again_after_a_fault(
    fake: FakeGitHub, storage: GitHubStorage, tmp_path: Path, fault: dict[str, Any]
) -> None:
    fake.faults.next(UPLOAD, **fault)
    added = storage.add_file(*make_upload(tmp_path, version="1!2.0"))
    assert list(storage.scan({})) == [added]


def upload_with_readme(folder: Path, size: int) -> tuple[DistributionFile, StagedFile]:
    return make_upload(folder, description="é\n" * (size // 2), provenance=b'{"a": 1}')


@pytest.mark.parametrize("size", [1_000, 60_000, 200_000])
def test_a_readme_of_any_length_survives(
    fake: FakeGitHub, storage: GitHubStorage, reopen: Callable[[], GitHubStorage], tmp_path: Path, size: int
) -> None:
    file, staged = upload_with_readme(tmp_path, size)
    added = storage.add_file(file, staged)
    assert len(asked(fake)) == (3 if size < 30_000 else 4)
    for view in (storage, reopen()):
        assert list(view.scan({})) == [added]
        assert view.read_attachment(added, AttachmentKind.METADATA) == staged.attachments[AttachmentKind.METADATA]
        assert view.read_attachment(added, AttachmentKind.PROVENANCE) == b'{"a": 1}'


def test_a_long_readme_survives_a_yank_and_new_provenance(storage: GitHubStorage, tmp_path: Path) -> None:
    file, staged = upload_with_readme(tmp_path, 200_000)
    added = storage.add_file(file, staged)
    long = b'{"long": "' + b"x" * 150_000 + b'"}'
    change = replace(added, yanked="x", provenance_sha256=hashlib.sha256(long).hexdigest())
    yanked = storage.update_file(change, {AttachmentKind.PROVENANCE: long})
    change = replace(yanked, yanked=None, provenance_sha256=hashlib.sha256(b"[2]").hexdigest())
    again = storage.update_file(change, {AttachmentKind.PROVENANCE: b"[2]"})
    assert list(storage.scan({})) == [again]
    assert storage.read_attachment(again, AttachmentKind.METADATA) == staged.attachments[AttachmentKind.METADATA]
    assert storage.read_attachment(again, AttachmentKind.PROVENANCE) == b"[2]"


def test_requirements_by_the_thousand_survive(
    storage: GitHubStorage, reopen: Callable[[], GitHubStorage], repository: Repository, tmp_path: Path
) -> None:
    file, staged = make_upload(tmp_path)
    many = tuple(f"project-{number} >= {number}.0" for number in range(8000))
    file = replace(file, core_metadata={"name": "holygrail", "requires_dist": many})
    added = storage.add_file(file, staged)
    assert added.core_metadata == file.core_metadata
    assert list(reopen().scan({})) == [added]
    assert list(reopen().scan({added.filename: added.fingerprint})) != [added]
    yanked = storage.update_file(replace(added, yanked="x"))
    assert list(reopen().scan({})) == [yanked]
    assert storage.find_file(added) == yanked


def test_a_note_that_is_too_long_is_refused_with_a_sentence(storage: GitHubStorage, tmp_path: Path) -> None:
    with pytest.raises(NotSupported, match="shorten"):
        storage.add_file(*make_upload(tmp_path, comment="x" * 130_000))


@pytest.mark.parametrize("size", [0, 2**31])
def test_a_size_that_github_does_not_take_is_refused_before_anything_is_sent(
    fake: FakeGitHub, storage: GitHubStorage, tmp_path: Path, size: int
) -> None:
    file, staged = make_upload(tmp_path)
    with pytest.raises(NotSupported):
        storage.add_file(replace(file, size=size), replace(staged, size=size))
    assert not len(fake.calls)


# --- deletions --------------------------------------------------------------------------------------------


def test_a_deletion_leaves_a_release_without_assets(
    storage: GitHubStorage, repository: Repository, tmp_path: Path
) -> None:
    added = storage.add_file(*make_upload(tmp_path))
    storage.delete_file(added)
    release = repository.release(added.filename)
    assert release is not None
    assert release.name == f"{added.filename} (deleted)"
    assert not release.assets


def test_a_file_deleted_by_hand_is_gone(storage: GitHubStorage, repository: Repository, tmp_path: Path) -> None:
    added = storage.add_file(*make_upload(tmp_path))
    repository.releases.clear()
    assert storage.find_file(added) is None
    assert list(storage.scan({added.filename: added.fingerprint})) == []


def test_an_immutable_release_is_deleted_for_good(fake: FakeGitHub, opened: Opened, tmp_path: Path) -> None:
    repository = fake.repo("acme/packages")
    repository.immutable_releases = True
    storage = opened.storage(fake.token("owner", rights={"acme/packages": "write"}))
    added = storage.add_file(*make_upload(tmp_path))
    yanked = storage.update_file(replace(added, yanked="broken"))
    assert list(storage.scan({})) == [yanked]
    storage.delete_file(yanked)
    assert not repository.releases
    results = list(storage.scan({}))
    assert [type(result).__name__ for result in results] == ["Deleted", "ProjectState"]
    with pytest.raises(FileAlreadyExists, match="never frees"):
        storage.add_file(*make_upload(tmp_path))


# --- rights at the write ----------------------------------------------------------------------------------


def test_github_s_refusal_of_a_reader_s_upload_says_why(
    fake: FakeGitHub, opened: Opened, repository: Repository, tmp_path: Path
) -> None:
    token = fake.token("fine", kind="fine_grained", rights={"acme/packages": "write"}, permissions={"contents": "read"})
    with pytest.raises(NotPermitted, match="Resource not accessible by personal access token"):
        opened.storage(token).add_file(*make_upload(tmp_path))
    assert not repository.releases


def test_a_reader_changes_nothing(opened: Opened, storage: GitHubStorage, reader: Token, tmp_path: Path) -> None:
    added = storage.add_file(*make_upload(tmp_path))
    view = opened.storage(reader)
    attempts: list[Callable[[], object]] = [
        lambda: view.add_file(*make_upload(tmp_path, version="2.0")),
        lambda: view.update_file(replace(added, yanked="")),
        lambda: view.delete_file(added),
        lambda: view.write_index({"index": b""}, replaces={}, message="x"),
    ]
    for attempt in attempts:
        with pytest.raises(NotPermitted):
            attempt()
    assert list(storage.scan({})) == [added]


def test_a_token_revoked_in_the_middle_of_an_upload_leaves_a_draft_only(
    fake: FakeGitHub, opened: Opened, storage: GitHubStorage, repository: Repository, tmp_path: Path
) -> None:
    token = fake.token("leaving", rights={"acme/packages": "write"})
    fake.faults.next(UPLOAD, then=token.revoke)
    with pytest.raises(NotAuthenticated):
        opened.storage(token).add_file(*make_upload(tmp_path))
    assert list(storage.scan({})) == []


def test_a_rate_limit_says_when_to_come_back(
    fake: FakeGitHub, storage: GitHubStorage, writer: Token, tmp_path: Path
) -> None:
    upload = make_upload(tmp_path)
    for status in (403, 429):
        fake.limits.refusing_status = status
        fake.limits.exhaust(writer, for_seconds=600)
        for attempt in (lambda: storage.add_file(*upload), lambda: list(storage.scan({}))):
            with pytest.raises(StorageUnavailable) as caught:
                attempt()
            assert caught.value.retry_after is not None
            assert 590 <= caught.value.retry_after <= 602


@pytest.mark.parametrize(("retry_after", "expected"), [(30, 30), (None, 60)])
def test_a_secondary_limit_is_not_waited_for(
    fake: FakeGitHub, storage: GitHubStorage, tmp_path: Path, retry_after: int | None, expected: int
) -> None:
    upload = make_upload(tmp_path)
    for attempt in (lambda: storage.add_file(*upload), lambda: list(storage.scan({}))):
        fake.faults.secondary_limit(retry_after=retry_after)
        with pytest.raises(StorageUnavailable) as caught:
            attempt()
        assert caught.value.retry_after == expected


def test_a_renamed_repository_is_served_under_its_old_name(
    fake: FakeGitHub, storage: GitHubStorage, tmp_path: Path
) -> None:
    first = storage.add_file(*make_upload(tmp_path))
    fake.rename_repo("acme/packages", "wheels")
    second = storage.add_file(*make_upload(tmp_path, version="2.0"))
    listed = {file.filename: file for file in storage.scan({}) if isinstance(file, DistributionFile)}
    assert listed == {first.filename: first, second.filename: second}
    with storage.open_file(first) as stream:
        assert len(stream.read()) == first.size


def test_no_error_shows_the_token(fake: FakeGitHub, storage: GitHubStorage, writer: Token, tmp_path: Path) -> None:
    upload = make_upload(tmp_path)
    for status in (401, 403, 404, 409, 422, 500):
        fake.faults.next("*", status=status, times=0)
        with pytest.raises(WharfError) as caught:
            storage.add_file(*upload)
        fake.faults.clear()
        assert writer.value not in str(caught.value)
