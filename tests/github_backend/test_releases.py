"""Releases as pywharf 0.2 and people leave them, listings that shift, and what died on the way."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import toml

from github_backend.dying_store import run_dying
from github_backend.opened import Opened
from github_fake import FakeGitHub, Release, Repository, Token
from pywharf_core import AttachmentKind, Deleted, DistributionFile, Refused, StorageUnavailable, Unchanged
from pywharf_core.testing import make_upload, make_wheel
from pywharf_core.testing.storage_contract import HOSTILE
from pywharf_github.storage import GitHubStorage

HOUR = 3600


def listed(storage: GitHubStorage) -> dict[str, DistributionFile]:
    return {it.filename: it for it in storage.scan({}) if isinstance(it, DistributionFile)}


def reasons(storage: GitHubStorage) -> dict[str, str]:
    return {it.filename: it.reason for it in storage.scan({}) if isinstance(it, Refused)}


def old_release(
    fake: FakeGitHub, repository: Repository, wheel: Path, *, digest: bool = False, **fields: str
) -> Release:
    """As pywharf 0.2 left it: the form's fields, `distrib` and `sha256`, written by `toml`; no digest by GitHub."""
    content = wheel.read_bytes()
    form = {":action": "file_upload", "name": "HolyGrail", "version": "1.0", "filetype": "bdist_wheel", **fields}
    meta = {**form, "distrib": "holygrail", "sha256": hashlib.sha256(content).hexdigest()} | fields
    release = fake.add_release(repository, wheel.name, content, body=toml.dumps(meta))
    for asset in release.assets.values():
        asset.digest = f"sha256:{hashlib.sha256(content).hexdigest()}" if digest else None
    return release


# --- pywharf 0.2 ------------------------------------------------------------------------------------------


def test_a_release_of_0_2_is_served(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, "HolyGrail", "1.0", requires_python=">=3.9", description="# Grail\n")
    old_release(fake, repository, wheel, requires_python=">=3.9", comment="UNKNOWN", description='a """ b \\ \x7f')
    file = listed(storage)[wheel.name]
    assert file.project == "holygrail"
    assert file.version == "1.0"
    assert file.size == wheel.stat().st_size
    assert file.sha256 == hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert file.requires_python == ">=3.9"
    assert file.comment is None
    with storage.open_file(file) as stream:
        assert stream.read() == wheel.read_bytes()
    assert b"# Grail" in storage.read_attachment(file, AttachmentKind.METADATA)
    assert storage.find_file(file) == file
    assert list(storage.scan({file.filename: file.fingerprint})) == [Unchanged(file.filename)]


@pytest.mark.parametrize("description", [HOSTILE, '"""', "'''", '""""', "\\", "x\x7fy", 'sha256 = "00"\n'])
def test_whatever_description_0_2_wrote_the_release_is_served(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository, tmp_path: Path, description: str
) -> None:
    wheel = make_wheel(tmp_path, "HolyGrail", "1.0")
    old_release(fake, repository, wheel, description=description)
    assert listed(storage)[wheel.name].sha256 == hashlib.sha256(wheel.read_bytes()).hexdigest()


def test_a_hash_that_the_client_of_0_2_made_up_is_not_believed_where_github_knows_better(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, "HolyGrail", "1.0")
    old_release(fake, repository, wheel, digest=True, sha256="0" * 64)
    assert listed(storage)[wheel.name].sha256 == hashlib.sha256(wheel.read_bytes()).hexdigest()


def test_a_release_of_0_2_can_be_yanked_and_deleted(
    fake: FakeGitHub,
    storage: GitHubStorage,
    reopen: Callable[[], GitHubStorage],
    repository: Repository,
    tmp_path: Path,
) -> None:
    wheel = make_wheel(tmp_path, "HolyGrail", "1.0")
    old_release(fake, repository, wheel)
    file = listed(storage)[wheel.name]
    yanked = storage.update_file(replace(file, yanked="broken"))
    assert listed(reopen()) == {wheel.name: yanked}
    assert yanked.yanked == "broken"
    storage.delete_file(yanked)
    assert Deleted(wheel.name, file.sha256) in list(reopen().scan({}))


# --- people's releases ------------------------------------------------------------------------------------


def test_a_release_that_a_person_makes_is_served(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, "HolyGrail", "1!1.0")
    fake.add_release(repository, wheel.name, wheel.read_bytes(), body="The first one!\n\n- works")
    file = listed(storage)[wheel.name]
    assert file.version == "1!1.0"
    assert file.sha256 == hashlib.sha256(wheel.read_bytes()).hexdigest()


def test_what_is_no_distribution_file_is_refused_with_a_reason(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, "HolyGrail", "1.0")
    fake.add_release(repository, "v1.0", b"x", body="# Notes")
    fake.add_release(repository, wheel.name)
    assert listed(storage) == {}
    found = reasons(storage)
    assert "should be a filename" in found["v1.0"]
    assert "has no asset" in found[wheel.name]


def test_a_file_that_somebody_replaced_is_refused(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository, tmp_path: Path
) -> None:
    added = storage.add_file(*make_upload(tmp_path))
    release = repository.release(added.filename)
    assert release is not None
    (asset,) = release.assets.values()
    asset.digest = f"sha256:{'0' * 64}"
    assert "somebody replaced it" in reasons(storage)[added.filename]
    assert storage.find_file(added) is None
    release.assets.clear()
    assert "lacks its file" in reasons(storage)[added.filename]


def test_notes_edited_by_hand_around_the_record_do_no_harm(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository, tmp_path: Path
) -> None:
    added = storage.add_file(*make_upload(tmp_path))
    release = repository.release(added.filename)
    assert release is not None
    assert release.body is not None
    release.body = "Do not use.\r\n\r\n" + release.body.replace("\n", "\r\n") + "\r\nReally."
    assert listed(storage) == {added.filename: replace(added, fingerprint=listed(storage)[added.filename].fingerprint)}


@pytest.mark.parametrize("body", ["```toml\npywharf = 1\n```", "```toml\npywharf = 1\n[file]\nfilename = 1\n```"])
def test_a_damaged_record_is_refused(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository, tmp_path: Path, body: str
) -> None:
    fake.add_release(repository, "a-1.0.tar.gz", b"x", body=body)
    assert "damaged" in reasons(storage)["a-1.0.tar.gz"]


def test_a_record_of_a_newer_pywharf_is_refused(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository
) -> None:
    fake.add_release(repository, "a-1.0.tar.gz", b"x", body="```toml\npywharf = 2\n```")
    assert "newer pywharf" in reasons(storage)["a-1.0.tar.gz"]


# --- listings ---------------------------------------------------------------------------------------------


def test_a_scan_takes_a_call_for_each_hundred_files(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository
) -> None:
    for number in range(250):
        fake.add_release(repository, f"a-{number}.tar.gz", b"x")
    with fake.calls.during() as calls:
        assert len(listed(storage)) == 250
    assert calls.count("GET /repos/{o}/{r}/releases") == 3
    assert calls.charged <= 6


def test_a_release_that_a_shifting_listing_shows_twice_is_told_once(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository
) -> None:
    for number in range(120):
        fake.add_release(repository, f"a-{number}.tar.gz", b"x")
    newer = "b-1.tar.gz"
    fake.faults.next("GET /repos/{o}/{r}/releases", skip=1, before=lambda: fake.add_release(repository, newer, b"x"))
    assert len(list(storage.scan({}))) == 120


def test_releases_beyond_those_that_github_lists_are_found_by_their_tags(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository
) -> None:
    for number in range(120):
        fake.add_release(repository, f"a-{number}.tar.gz", b"x")
    everything = list(storage.scan({}))
    known = {it.filename: it.fingerprint for it in everything if isinstance(it, DistributionFile)}
    fake.with_limits(listing=100)
    assert sorted(storage.scan({}), key=str) == sorted(everything, key=str)
    fresh = fake.add_release(repository, "a-120.tar.gz", b"x")
    del repository.releases[next(it.id for it in repository.releases.values() if it.tag_name == "a-3.tar.gz")]
    del repository.git.refs["refs/tags/a-3.tar.gz"]
    with fake.calls.during() as calls:
        results = list(storage.scan(known))
    assert {it.filename for it in results if isinstance(it, DistributionFile)} == {fresh.tag_name}
    assert {it.filename for it in results if isinstance(it, Unchanged)} == known.keys() - {"a-3.tar.gz"}
    assert calls.count("GET /repos/{o}/{r}/releases/tags/{t}") == 0, "what is known is not asked for"
    assert storage.sweep() == 0
    assert list(storage.flaws()) == []


def test_a_rate_limit_in_the_middle_of_the_tags_is_no_end(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository
) -> None:
    for number in range(120):
        fake.add_release(repository, f"a-{number}.tar.gz", b"x")
    fake.with_limits(listing=100)
    fake.faults.next("GET /repos/{o}/{r}/releases/tags/{t}", skip=5, status=403, headers={"x-ratelimit-remaining": "0"})
    with pytest.raises(StorageUnavailable, match="rate limit"):
        list(storage.scan({}))


# --- sweeping ---------------------------------------------------------------------------------------------


def test_an_upload_that_died_is_swept_after_an_hour(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository, tmp_path: Path
) -> None:
    file, staged = make_upload(tmp_path)
    assert run_dying(lambda: storage.add_file(file, staged), dying_at=3)
    fake.clock.advance(HOUR - 60)
    assert list(storage.scan({})) == []
    assert storage.sweep() == 0
    assert len(repository.drafts()) == 1
    assert list(storage.flaws()) == []
    fake.clock.advance(120)
    assert list(storage.scan({})) == []
    assert len(repository.drafts()) == 1, "who only looks removes nothing"
    [flaw] = storage.flaws()
    assert (flaw.name, flaw.swept) == (file.filename, True)
    assert storage.sweep() == 1
    assert not repository.drafts()
    assert list(storage.flaws()) == []


def test_an_upload_that_comes_to_its_end_while_it_is_swept_is_left_alone(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository, tmp_path: Path
) -> None:
    file, staged = make_upload(tmp_path)
    assert run_dying(lambda: storage.add_file(file, staged), dying_at=3)
    [draft] = repository.drafts()
    fake.clock.advance(2 * HOUR)
    fake.faults.next("GET /repos/{o}/{r}/releases/{id}", before=lambda: fake.world.publish(repository, draft))
    assert storage.sweep() == 0
    assert set(listed(storage)) == {file.filename}


def test_a_sweep_right_after_a_scan_asks_for_what_the_scan_saw_only(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository, tmp_path: Path
) -> None:
    file, staged = make_upload(tmp_path)
    assert run_dying(lambda: storage.add_file(file, staged), dying_at=3)
    fake.clock.advance(2 * HOUR)
    assert list(storage.scan({})) == []
    with fake.calls.during() as calls:
        assert storage.sweep() == 1
    assert calls.count("GET /repos/{o}/{r}/releases") == 0
    assert not repository.drafts()
    with fake.calls.during() as calls:
        assert storage.sweep() == 0
    assert calls.count("GET /repos/{o}/{r}/releases") == 1, "without a scan, it looks itself"


def test_a_server_whose_clock_is_slow_does_not_lose_its_uploads_to_the_others(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository, tmp_path: Path
) -> None:
    file, staged = make_upload(tmp_path)
    assert run_dying(lambda: storage.add_file(file, staged), dying_at=3)
    [draft] = repository.drafts()
    assert draft.body is not None
    draft.body = re.sub(r'drafted_at = "\d{4}', 'drafted_at = "2020', draft.body)
    assert storage.sweep() == 0
    assert repository.drafts() == [draft]


def test_somebody_else_s_draft_is_left_alone(fake: FakeGitHub, storage: GitHubStorage, repository: Repository) -> None:
    fake.add_release(repository, "v2", body="soon", draft=True)
    fake.clock.advance(100 * HOUR)
    assert storage.sweep() == 0
    assert len(repository.drafts()) == 1


def test_a_reader_sweeps_nothing(
    fake: FakeGitHub, opened: Opened, storage: GitHubStorage, reader: Token, repository: Repository, tmp_path: Path
) -> None:
    file, staged = make_upload(tmp_path)
    assert run_dying(lambda: storage.add_file(file, staged), dying_at=3)
    added = storage.add_file(*make_upload(tmp_path, version="2.0"))
    assert run_dying(lambda: storage.delete_file(added), dying_at=2)
    fake.clock.advance(2 * HOUR)
    assert Deleted(added.filename, added.sha256) in list(opened.storage(reader).scan({}))
    assert len(repository.releases) == 2
    assert {flaw.name for flaw in storage.flaws()} == {file.filename, added.filename}
    assert storage.sweep() == 2
    assert not any(release.assets for release in repository.releases.values())
