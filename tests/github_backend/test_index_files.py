"""The remote index on the branch: read for nothing while nothing changes, written by compare and swap in one commit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from github_backend.opened import Opened
from github_fake import FakeGitHub, Repository, Token
from pywharf_core import IndexConflict, ProjectState, ProjectStatus, Secret, StorageUnavailable, normalise
from pywharf_core.testing import make_upload
from pywharf_github.storage import GitHubStorage

PUT = "PUT /repos/{o}/{r}/contents/{p}"
MOVE = "PATCH /repos/{o}/{r}/git/refs/{ref}"

SHARDS = {f"{number:02x}": f"shard = {number}\n".encode() for number in range(256)}


def write(storage: GitHubStorage, parts: Mapping[str, bytes], message: str = "Change") -> Mapping[str, str]:
    """On top of what is there."""
    now = storage.read_index({})
    return storage.write_index(parts, replaces=now.revisions if now else {}, message=message)


def parts_of(storage: GitHubStorage) -> Mapping[str, bytes]:
    stored = storage.read_index({})
    return {} if stored is None else stored.parts


def commits(repository: Repository) -> int:
    branch = repository.git.refs[f"refs/heads/{repository.default_branch}"]
    count, commit = 0, repository.git.commits.get(branch)
    while commit is not None:
        count += 1
        commit = repository.git.commits.get(commit.parents[0]) if commit.parents else None
    return count


def test_without_an_index_there_is_none(storage: GitHubStorage) -> None:
    assert storage.read_index({}) is None
    assert storage.read_index({"index": "x"}) is None


def test_the_main_part_is_the_configured_file(opened: Opened, writer: Token, repository: Repository) -> None:
    storage = opened.storage(writer, index_filename="meta/packages.toml")
    write(storage, {"index": b"a = 1\n"})
    write(storage, {"index": b"a = 2\n", "ab": b"b = 1\n"})
    assert repository.file("meta/packages.toml") == b"a = 2\n"
    assert repository.file("meta/packages/ab.toml") == b"b = 1\n"
    assert parts_of(storage) == {"index": b"a = 2\n", "ab": b"b = 1\n"}


def test_an_index_of_0_2_is_found_where_it_was(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository
) -> None:
    fake.put_file(repository, "index.toml", b"mtime = 1\n")
    assert parts_of(storage) == {"index": b"mtime = 1\n"}


def test_looking_again_costs_nothing_of_the_limit(fake: FakeGitHub, storage: GitHubStorage) -> None:
    revisions = write(storage, {"index": b"a = 1\n"})
    storage.read_index(revisions)
    with fake.calls.during() as calls:
        for _ in range(3):
            stored = storage.read_index(revisions)
            assert stored is not None
            assert (stored.parts, stored.revisions) == ({}, revisions)
    assert [call.status for call in calls] == [304, 304, 304]
    assert calls.charged == 0


def test_a_change_costs_three_calls_whatever_the_size(
    fake: FakeGitHub, storage: GitHubStorage, reopen: Callable[[], GitHubStorage]
) -> None:
    revisions = write(storage, {"index": b"a = 1\n", **SHARDS})
    storage.read_index(revisions)
    changed = write(reopen(), {"7f": b"shard = 'new'\n"})
    with fake.calls.during() as calls:
        stored = storage.read_index(revisions)
    assert stored is not None
    assert stored.parts == {"7f": b"shard = 'new'\n"}
    assert stored.revisions == {**revisions, **changed}
    assert calls.charged == 3


def test_another_token_s_etag_is_not_used(fake: FakeGitHub, storage: GitHubStorage, reader: Token) -> None:
    revisions = write(storage, {"index": b"a = 1\n"})
    storage.read_index(revisions)
    stored = storage.acting_as(Secret(reader.value)).read_index({})
    assert stored is not None
    assert stored.parts == {"index": b"a = 1\n"}


def test_one_part_is_written_by_one_call(fake: FakeGitHub, storage: GitHubStorage) -> None:
    with fake.calls.during() as calls:
        revisions = storage.write_index({"index": b"a = 1\n"}, replaces={}, message="first")
        storage.write_index({"index": b"a = 2\n"}, replaces=revisions, message="second")
    assert calls.charged == 2


def test_all_shards_are_written_in_one_commit(fake: FakeGitHub, storage: GitHubStorage, repository: Repository) -> None:
    revisions = write(storage, {"index": b"a = 1\n"})
    storage.read_index(revisions)
    before = commits(repository)
    with fake.calls.during() as calls:
        storage.write_index({"index": b"a = 2\n", **SHARDS}, replaces=revisions, message="Shard the index")
    assert commits(repository) == before + 1
    assert calls.charged == 3
    assert parts_of(storage) == {"index": b"a = 2\n", **SHARDS}


def test_a_commit_s_message_is_the_writer_s(storage: GitHubStorage, repository: Repository) -> None:
    write(storage, {"index": b"a = 1\n"}, message="Add holygrail-1.0.tar.gz")
    head = repository.git.refs[f"refs/heads/{repository.default_branch}"]
    assert repository.git.commits[head].message == "Add holygrail-1.0.tar.gz"


@pytest.mark.parametrize("parts", [{"index": b"mine\n"}, {"index": b"mine\n", "00": b"mine\n"}])
def test_a_stale_writer_changes_nothing(
    storage: GitHubStorage, reopen: Callable[[], GitHubStorage], repository: Repository, parts: Mapping[str, bytes]
) -> None:
    old = write(storage, {"index": b"a = 1\n"})
    storage.read_index(old)
    write(reopen(), {"index": b"a = 2\n"})
    before = commits(repository)
    with pytest.raises(IndexConflict):
        storage.write_index(parts, replaces=old, message="stale")
    with pytest.raises(IndexConflict):
        storage.write_index(parts, replaces={}, message="stale")
    assert commits(repository) == before
    assert parts_of(storage) == {"index": b"a = 2\n"}


@pytest.mark.parametrize("parts", [{"index": b"a = 2\n"}, {"index": b"a = 2\n", "00": b"b = 1\n"}])
def test_another_file_s_commit_in_between_is_no_conflict(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository, parts: Mapping[str, bytes]
) -> None:
    revisions = write(storage, {"index": b"a = 1\n"})
    storage.read_index(revisions)
    fake.faults.branch_moved()
    fake.faults.next(MOVE, before=lambda: fake.put_file(repository, "README.md", b"another\n"))
    storage.write_index(parts, replaces=revisions, message="mine")
    assert parts_of(storage) == {"index": b"a = 1\n", **parts}
    fake.faults.clear()


def test_a_write_between_look_and_commit_is_a_conflict(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository
) -> None:
    revisions = write(storage, {"index": b"a = 1\n"})
    fake.faults.next(MOVE, before=lambda: fake.put_file(repository, "index.toml", b"theirs\n"))
    with pytest.raises(IndexConflict):
        storage.write_index({"index": b"mine\n", "00": b"mine\n"}, replaces=revisions, message="mine")
    assert parts_of(storage) == {"index": b"theirs\n"}


@pytest.mark.parametrize("shard", [False, True])
def test_of_racing_writers_each_loses_nothing(
    storage: GitHubStorage, reopen: Callable[[], GitHubStorage], shard: bool
) -> None:
    write(storage, {"index": b"", "00": b""} if shard else {"index": b""})
    start = threading.Barrier(4)

    def add(number: int) -> None:
        mine = reopen()
        start.wait()
        while True:
            stored = mine.read_index({})
            assert stored is not None
            changed = {part: content + b"# %d\n" % number for part, content in stored.parts.items()}
            try:
                mine.write_index(changed, replaces=stored.revisions, message=str(number))
            except (IndexConflict, StorageUnavailable):
                continue
            return

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(add, range(4)))
    for content in parts_of(storage).values():
        assert sorted(content.splitlines()) == [b"# %d" % number for number in range(4)]


def test_a_branch_with_very_many_files_is_read_folder_by_folder(
    fake: FakeGitHub, opened: Opened, writer: Token, repository: Repository
) -> None:
    storage = opened.storage(writer, index_filename="meta/index.toml")
    for number in range(12):
        fake.put_file(repository, f"docs/{number}.md", b"x\n")
    write(storage, {"index": b"a = 1\n", "00": b"b = 1\n", "01": b"c = 1\n"})
    fake.with_limits(tree_entries=10)
    again = opened.storage(writer, index_filename="meta/index.toml")
    assert parts_of(again) == {"index": b"a = 1\n", "00": b"b = 1\n", "01": b"c = 1\n"}


def test_a_large_part_is_read_and_written_whole(storage: GitHubStorage) -> None:
    large = b"# \xff\xfe not text\n" + b"x" * 5_000_000
    write(storage, {"index": b"a = 1\n"})
    write(storage, {"index": b"a = 2\n", "00": large})
    assert parts_of(storage) == {"index": b"a = 2\n", "00": large}


def test_a_protected_branch_is_said_to_be_so(fake: FakeGitHub, storage: GitHubStorage) -> None:
    message = "Repository rule violations found\n\nChanges must be made through a pull request."
    fake.faults.next(PUT, status=409, message=message)
    with pytest.raises(StorageUnavailable, match="pull request"):
        storage.write_index({"index": b"a = 1\n"}, replaces={}, message="x")


def test_a_branch_that_is_not_there_is_said_to_be_missing(opened: Opened, writer: Token) -> None:
    storage = opened.storage(writer, branch="absent")
    assert storage.read_index({}) is None
    for parts in ({"index": b""}, {"index": b"", "00": b""}):
        with pytest.raises(StorageUnavailable, match="the branch absent"):
            storage.write_index(parts, replaces={}, message="x")


# --- projects ---------------------------------------------------------------------------------------------


def test_a_project_s_state_is_no_part_of_the_index(storage: GitHubStorage) -> None:
    write(storage, {"index": b"a = 1\n"})
    storage.update_project(ProjectState(name=normalise("a"), status=ProjectStatus.DEPRECATED))
    assert parts_of(storage) == {"index": b"a = 1\n"}


def test_racing_states_of_different_projects_are_all_kept(
    storage: GitHubStorage, reopen: Callable[[], GitHubStorage]
) -> None:
    states = [ProjectState(name=normalise(f"p{number}"), reserved=True) for number in range(5)]
    with ThreadPoolExecutor(5) as threads:
        list(threads.map(lambda state: reopen().update_project(state), states))
    assert sorted(storage.scan({}), key=str) == sorted(states, key=str)


def test_a_state_that_is_so_already_makes_no_commit(storage: GitHubStorage, repository: Repository) -> None:
    state = ProjectState(name=normalise("a"), status=ProjectStatus.ARCHIVED)
    storage.update_project(state)
    before = commits(repository)
    storage.update_project(state)
    assert commits(repository) == before


def test_a_damaged_file_of_states_is_never_written_over(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository, tmp_path: Path
) -> None:
    storage.add_file(*make_upload(tmp_path))
    fake.put_file(repository, "index.projects.toml", b"pywharf = [\n")
    with pytest.raises(StorageUnavailable, match="damaged"):
        storage.update_project(ProjectState(name=normalise("a")))
    with pytest.raises(StorageUnavailable, match="damaged"):
        list(storage.scan({}))
    assert repository.file("index.projects.toml") == b"pywharf = [\n"
