"""Another repository under the name of ours: nobody reads by its rights, and nothing follows from what it lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from github_backend.opened import Opened
from github_fake import Event, FakeGitHub, Repository, Token
from pywharf_core import Access, Change, ChangeKind, FileNotFound, Secret, StorageUnavailable
from pywharf_core.testing import make_upload
from pywharf_github.seen_repository import FILENAME
from pywharf_github.storage import GitHubStorage

WRITE = {"acme/packages": "write"}
SECRET = Secret("hook")


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "kept"


@pytest.fixture
def storage(opened: Opened, writer: Token, work: Path) -> GitHubStorage:
    """Of a ROOT that has met the repository."""
    storage = opened.storage(writer, work=work)
    assert storage.access().access is Access.WRITE
    return storage


def squat(fake: FakeGitHub) -> Repository:
    """The repository gets another name, and somebody's public one the old name."""
    fake.rename_repo("acme/packages", "packages-of-old")
    fake.clock.advance(3600)
    return fake.add_repo("acme", "packages", private=False)


def test_nobody_reads_by_the_rights_of_another_repository(
    fake: FakeGitHub, storage: GitHubStorage, writer: Token
) -> None:
    squat(fake)
    for token in (fake.token("anybody"), writer):
        with pytest.raises(StorageUnavailable, match="is another one than before") as told:
            storage.acting_as(Secret(token.value)).access()
    assert FILENAME in str(told.value)


def test_a_server_that_starts_again_remembers_the_repository(
    fake: FakeGitHub, opened: Opened, storage: GitHubStorage, writer: Token, work: Path
) -> None:
    squat(fake)
    with pytest.raises(StorageUnavailable, match="is another one than before"):
        opened.storage(writer, work=work).access()
    assert opened.storage(writer).access().access is Access.READ, "a ROOT of its own never met the old one"


def test_nothing_is_concluded_from_what_another_repository_lacks(
    fake: FakeGitHub, storage: GitHubStorage, tmp_path: Path
) -> None:
    added = storage.add_file(*make_upload(tmp_path))
    storage.write_index({"index": b"a = 1\n"}, replaces={}, message="x")
    known = storage.read_index({})
    assert known is not None
    fake.put_file(squat(fake), "index.toml", b"")
    for ask in (
        lambda: storage.read_index(known.revisions),
        lambda: list(storage.scan({})),
        lambda: storage.find_file(added),
        lambda: storage.locate_file(added),
        lambda: storage.condition(),
    ):
        with pytest.raises(StorageUnavailable, match="is another one than before"):
            ask()


def test_a_renamed_repository_is_the_same(fake: FakeGitHub, storage: GitHubStorage, tmp_path: Path) -> None:
    fake.rename_repo("acme/packages", "packages-of-old")
    assert storage.access().access is Access.WRITE
    added = storage.add_file(*make_upload(tmp_path))
    assert [getattr(found, "filename", None) for found in storage.scan({})] == [added.filename]


def test_the_new_one_is_taken_on_purpose(fake: FakeGitHub, storage: GitHubStorage, work: Path, tmp_path: Path) -> None:
    added = storage.add_file(*make_upload(tmp_path))
    squat(fake)
    with pytest.raises(StorageUnavailable):
        storage.access()
    (work / FILENAME).unlink()
    assert storage.access().access is Access.READ
    with pytest.raises(FileNotFound):
        storage.locate_file(added)


def test_another_table_s_repository_has_a_number_of_its_own(
    fake: FakeGitHub, opened: Opened, storage: GitHubStorage, writer: Token, work: Path
) -> None:
    fake.add_repo("acme", "more")
    fake.grant("writer", "acme/more", "write")
    assert opened.storage(writer, work=work, repo="more").access().access is Access.WRITE
    assert opened.storage(writer, work=work).access().access is Access.WRITE


def test_a_damaged_memory_is_no_contact_for_the_first_time(opened: Opened, writer: Token, work: Path) -> None:
    work.mkdir()
    (work / FILENAME).write_text("known = 1")
    with pytest.raises(StorageUnavailable, match=f"{FILENAME} under ROOT/cache is damaged"):
        opened.storage(writer, work=work).access()


def test_a_notice_is_of_us_by_the_repository_s_number(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository, tmp_path: Path
) -> None:
    def told(event: Event) -> object:
        return storage.read_notice(event.headers("hook"), event.body(), SECRET)

    added = storage.add_file(*make_upload(tmp_path))
    fake.rename_repo("acme/packages", "packages-of-old")
    event = fake.release_event(repository, added.filename)
    assert event.payload["repository"]["full_name"] == "acme/packages-of-old"
    assert told(event) == [Change(ChangeKind.PUBLISHED, added.filename, added)]
    other = fake.add_repo("acme", "packages")
    fake.add_release(other, "a-1.0.tar.gz", b"x")
    assert told(fake.release_event(other, "a-1.0.tar.gz")) is None
