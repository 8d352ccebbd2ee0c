"""`downloads = "stream"`: files that go through the server, and are kept on its disk."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest

from github_backend.opened import Opened
from github_backend.test_downloads import ASSET, BYTES, noise, sha256_of
from github_fake import Asset, FakeGitHub, Repository, Token
from pywharf_core import DistributionFile, FileChanged, NotAuthenticated, OpenedFile, Secret, StorageUnavailable
from pywharf_core.testing import make_upload
from pywharf_github.connection import Timeouts
from pywharf_github.storage import GitHubStorage

LARGE = 3_000_000  # bytes: more than is there before an answer begins


@pytest.fixture
def added(storage: GitHubStorage, tmp_path: Path) -> DistributionFile:
    return storage.add_file(*make_upload(tmp_path, extra_files={"noise.bin": noise(LARGE)}))


@pytest.fixture
def streaming(opened: Opened, writer: Token, tmp_path: Path) -> GitHubStorage:
    return opened.storage(writer, downloads="stream", work=tmp_path / "work")


def located(storage: GitHubStorage, file: DistributionFile) -> BinaryIO:
    location = storage.locate_file(file)
    assert isinstance(location, OpenedFile)
    return location.stream


def read(storage: GitHubStorage, file: DistributionFile) -> bytes:
    with located(storage, file) as stream:
        return in_pieces(stream)


def in_pieces(stream: BinaryIO) -> bytes:
    return b"".join(pieces_of(stream))


def pieces_of(stream: BinaryIO) -> Iterator[bytes]:
    """As a server reads it."""
    while piece := stream.read(512 * 1024):
        yield piece


def asset_of(repository: Repository, file: DistributionFile) -> Asset:
    release = repository.release(file.filename)
    assert release is not None
    (asset,) = release.assets.values()
    return asset


def cached(folder: Path) -> list[Path]:
    return [path for path in (folder / "work" / "downloads").rglob("*") if path.is_file()]


# --- filling ----------------------------------------------------------------------------------------------


def test_a_file_is_fetched_once_for_many_who_wait_and_kept(
    fake: FakeGitHub, opened: Opened, streaming: GitHubStorage, added: DistributionFile, tmp_path: Path
) -> None:
    start = threading.Barrier(12)

    def get(_: int) -> str:
        start.wait()
        return sha256_of(read(streaming, added))

    with fake.calls.during() as calls:
        with ThreadPoolExecutor(12) as threads:
            assert set(threads.map(get, range(12))) == {added.sha256}
        at_hand = streaming.file_at_hand(added)
    assert (calls.count(ASSET), calls.count(BYTES), len(calls)) == (1, 1, 2)
    assert isinstance(at_hand, OpenedFile)
    with at_hand.stream as stream:
        assert sha256_of(stream.read()) == added.sha256
    [path] = cached(tmp_path)
    assert path.name == added.sha256


@contextmanager
def half_way(fake: FakeGitHub) -> Iterator[None]:
    """GitHub's storage says nothing after half of a file until the block ends."""
    fake.faults.next(BYTES, stall="body")
    try:
        yield
    finally:
        fake.settle()


def test_bytes_go_out_while_the_rest_has_not_come(
    fake: FakeGitHub, streaming: GitHubStorage, added: DistributionFile
) -> None:
    with half_way(fake):
        stream = located(streaming, added)
        first = stream.read(100_000)
        late = located(streaming, added)  # follows the same file
        begun = late.read(100_000)
        both = min(len(first), len(begun))
        assert begun[:both] == first[:both] != b""
        assert streaming.file_at_hand(added) is None
    with fake.calls.during() as calls, stream, late:
        assert sha256_of(first + in_pieces(stream)) == added.sha256
        assert sha256_of(begun + in_pieces(late)) == added.sha256
    assert not len(calls)


def test_a_reader_that_goes_leaves_the_others_what_came_and_the_last_one_takes_it_away(
    fake: FakeGitHub, streaming: GitHubStorage, added: DistributionFile, tmp_path: Path
) -> None:
    with half_way(fake):
        first, second = located(streaming, added), located(streaming, added)
        first.close()
        begun = second.read(1000)
    with second, fake.calls.during() as calls:
        assert sha256_of(begun + in_pieces(second)) == added.sha256
    assert not len(calls)
    for path in cached(tmp_path):
        path.unlink()
    with half_way(fake):
        located(streaming, added).close()
        assert cached(tmp_path) == []
    assert sha256_of(read(streaming, added)) == added.sha256


def test_bytes_that_stop_coming_end_all_who_follow_and_the_next_one_begins_anew(
    fake: FakeGitHub, opened: Opened, writer: Token, added: DistributionFile, tmp_path: Path
) -> None:
    soon = Timeouts(connect=5, api=10, transfer=4)
    streaming = opened.storage(writer, downloads="stream", work=tmp_path / "work", timeouts=soon)
    fake.faults.next(BYTES, stall="body")
    fake.faults.next(BYTES, status=503, times=0)
    readers = [located(streaming, added) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        ended = [threads.submit(in_pieces, reader) for reader in readers]
        for end in ended:
            with pytest.raises(StorageUnavailable):
                end.result()
    for reader in readers:
        reader.close()
    fake.faults.clear()
    fake.settle()
    assert cached(tmp_path) == []
    assert sha256_of(read(streaming, added)) == added.sha256


def test_the_last_bytes_of_other_content_than_was_published_reach_nobody_and_nothing_is_kept(
    streaming: GitHubStorage, repository: Repository, added: DistributionFile, tmp_path: Path
) -> None:
    asset = asset_of(repository, added)
    good, asset.content = asset.content, asset.content[:-1] + bytes([asset.content[-1] ^ 1])
    readers = [located(streaming, added) for _ in range(2)]
    for reader in readers:
        got: list[bytes] = []
        with reader, pytest.raises(FileChanged):
            got.extend(pieces_of(reader))
        assert 0 < sum(map(len, got)) < added.size
    assert cached(tmp_path) == []
    asset.content = good
    assert sha256_of(read(streaming, added)) == added.sha256


def test_a_small_file_is_verified_before_its_first_byte(
    storage: GitHubStorage, streaming: GitHubStorage, repository: Repository, tmp_path: Path
) -> None:
    small = storage.add_file(*make_upload(tmp_path, "small"))
    asset = asset_of(repository, small)
    asset.content = bytes(len(asset.content))
    with pytest.raises(FileChanged):
        streaming.locate_file(small)


def test_a_part_of_a_file_that_is_not_here_waits_for_no_other_part(
    fake: FakeGitHub, streaming: GitHubStorage, added: DistributionFile
) -> None:
    with half_way(fake), located(streaming, added) as stream:
        stream.seek(-1000, os.SEEK_END)
        tail = stream.read(1000)
    assert tail == read(streaming, added)[-1000:]


def test_who_follows_is_served_though_the_token_of_who_began_is_no_longer_good(
    fake: FakeGitHub, opened: Opened, writer: Token, reader: Token, added: DistributionFile, tmp_path: Path
) -> None:
    server = opened.storage(None, downloads="stream", work=tmp_path / "work")
    writer.revoke()
    with pytest.raises(NotAuthenticated):
        server.acting_as(Secret(writer.value)).locate_file(added)
    assert sha256_of(read(server.acting_as(Secret(reader.value)), added)) == added.sha256


# --- keeping ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:1000]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"X" + path.read_bytes()[1:]),
        lambda path: (path.unlink(), path.mkdir()),
    ],
    ids=["cut off", "emptied", "one byte changed", "a folder instead"],
)
@pytest.mark.parametrize("restarted", [False, True])
def test_a_kept_file_that_was_damaged_is_fetched_again(
    fake: FakeGitHub, opened: Opened, writer: Token, streaming: GitHubStorage, added: DistributionFile,
    tmp_path: Path, damage: object, restarted: bool,
) -> None:  # fmt: skip
    content = read(streaming, added)
    [path] = cached(tmp_path)
    assert callable(damage)
    damage(path)
    if restarted:
        streaming = opened.storage(writer, downloads="stream", work=tmp_path / "work")
    for _ in range(2):
        assert read(streaming, added) == content


def test_a_server_that_starts_again_reads_each_kept_file_once_to_see_that_it_is_right(
    fake: FakeGitHub, opened: Opened, writer: Token, streaming: GitHubStorage, added: DistributionFile, tmp_path: Path
) -> None:
    read(streaming, added)
    again = opened.storage(writer, downloads="stream", work=tmp_path / "work")
    with fake.calls.during() as calls:
        assert again.file_at_hand(added) is None
        assert sha256_of(read(again, added)) == added.sha256
        at_hand = again.file_at_hand(added)
        assert isinstance(at_hand, OpenedFile)
        at_hand.stream.close()
    assert not len(calls)


def test_nothing_is_kept_where_nothing_may_be(
    fake: FakeGitHub, opened: Opened, writer: Token, added: DistributionFile, tmp_path: Path
) -> None:
    none = opened.storage(writer, downloads="stream", work=tmp_path / "work", download_cache_bytes=0)
    for _ in range(2):
        assert sha256_of(read(none, added)) == added.sha256
    assert cached(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_no_obstacle(
    opened: Opened, writer: Token, added: DistributionFile, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    work = tmp_path / "a work of its own"
    work.mkdir()
    (work / "downloads").write_text("in the way")
    storage = opened.storage(writer, downloads="stream", work=work)
    for _ in range(2):
        assert sha256_of(read(storage, added)) == added.sha256
    assert caplog.text.count("cannot be used now") == 1
