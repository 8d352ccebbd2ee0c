"""How much of the disk the caches take, and what they do when it is full."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pytest

from github_backend.test_downloads import noise, sha256_of
from pywharf_core import FileChanged, NotAuthenticated
from pywharf_github.cache_room import CacheRoom
from pywharf_github.disk_cache import DiskCache
from pywharf_github.releases import MAX_FILE_BYTES

HUGE = 10**15  # bytes


@dataclass
class Disk:
    """One of ``total`` bytes on which, beside what is in the folder, others have ``others``."""

    total: int
    others: int = 0

    def usage(self, folder: Path) -> tuple[int, int, int]:
        used = self.others + sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        return self.total, used, self.total - used


def cache_on(disk: Disk, folder: Path, max_bytes: int = HUGE) -> DiskCache:
    folder.mkdir(exist_ok=True)
    return DiskCache(folder, CacheRoom(folder, max_bytes=max_bytes, reserve=MAX_FILE_BYTES, disk=disk.usage))


def opened(cache: DiskCache, content: bytes) -> BinaryIO:
    return cache.open(sha256_of(content), len(content), lambda: io.BytesIO(content))


def get(cache: DiskCache, content: bytes) -> None:
    with opened(cache, content) as stream:
        assert stream.read() == content


def is_kept(folder: Path, content: bytes) -> bool:
    return path_of(folder, content).exists()


def kept(folder: Path, contents: list[bytes]) -> list[bool]:
    """Which of them are there; and nothing else is."""
    assert {path.name for path in folder.glob("??/*")} <= {sha256_of(content) for content in contents}
    return [is_kept(folder, content) for content in contents]


def path_of(folder: Path, content: bytes) -> Path:
    sha256 = sha256_of(content)
    return folder / sha256[:2] / sha256


def age(folder: Path, content: bytes, seconds: float) -> None:
    path = path_of(folder, content)
    stat = path.stat()
    os.utime(path, (stat.st_atime - seconds, stat.st_mtime))


def test_what_was_unused_longest_gives_way(tmp_path: Path) -> None:
    cache = cache_on(Disk(HUGE), tmp_path, 250)
    contents = [bytes([number]) * 100 for number in range(3)]
    for content in contents[:2]:
        get(cache, content)
        age(tmp_path, content, 1000)
    get(cache, contents[0])  # used again
    get(cache, contents[2])
    assert kept(tmp_path, contents) == [True, False, True]


def test_a_file_larger_than_all_that_may_be_kept_is_not_kept_and_drives_nothing_away(tmp_path: Path) -> None:
    cache = cache_on(Disk(HUGE), tmp_path, 250)
    small, large = b"s" * 100, b"l" * 300
    get(cache, small)
    get(cache, large)
    assert kept(tmp_path, [small, large]) == [True, False]


def test_small_contents_are_kept_within_their_bound(tmp_path: Path) -> None:
    cache = cache_on(Disk(HUGE), tmp_path, 1000)
    contents = [number.to_bytes(2) * 50 for number in range(30)]
    for content in contents:
        assert cache.read(sha256_of(content), lambda content=content: content) == content  # type: ignore[misc]  # a default binds it
        for other in contents[1:]:
            if is_kept(tmp_path, other):
                age(tmp_path, other, 1)  # before the first, which is used again and again
        assert cache.read(sha256_of(contents[0]), lambda: contents[0]) == contents[0]
        assert sum(path.stat().st_size for path in tmp_path.glob("??/*")) <= 1000
    assert kept(tmp_path, contents)[0]


def test_small_contents_that_were_damaged_on_disk_are_fetched_again(tmp_path: Path) -> None:
    cache = cache_on(Disk(HUGE), tmp_path)
    assert cache.read(sha256_of(b"good"), lambda: b"good") == b"good"
    [path] = tmp_path.glob("??/*")
    path.write_bytes(b"bad")
    assert cache.read(sha256_of(b"good"), lambda: b"good") == b"good"
    assert path.read_bytes() == b"good"


def test_a_quarter_of_a_small_disk_stays_free(tmp_path: Path) -> None:
    disk = Disk(1000)
    cache = cache_on(disk, tmp_path)
    contents = [bytes([number]) * 200 for number in range(6)]
    for content in contents:
        get(cache, content)
        age(tmp_path, content, 100)
        assert disk.usage(tmp_path)[2] >= 250
    assert kept(tmp_path, contents) == [False, False, False, True, True, True]


def test_of_a_large_disk_as_much_stays_free_as_the_largest_upload_takes(tmp_path: Path) -> None:
    disk = Disk(100 * MAX_FILE_BYTES)
    cache = cache_on(disk, tmp_path)
    disk.others = disk.total - MAX_FILE_BYTES - 150
    first, second = b"1" * 100, b"2" * 100
    get(cache, first)
    get(cache, second)
    assert kept(tmp_path, [first, second]) == [False, True]


def test_before_an_upload_the_cache_gives_way_to_whatever_filled_the_disk(tmp_path: Path) -> None:
    disk = Disk(1000)
    cache = cache_on(disk, tmp_path)
    contents = [bytes([number]) * 200 for number in range(3)]
    for number, content in enumerate(contents):
        get(cache, content)
        age(tmp_path, content, 100 - number)
    disk.others = 300
    cache.leave_reserve()
    assert kept(tmp_path, contents) == [False, True, True]
    assert disk.usage(tmp_path)[2] >= 250


def test_where_others_have_the_whole_disk_files_are_served_without_being_kept(tmp_path: Path) -> None:
    cache = cache_on(Disk(1000, others=990), tmp_path)
    for _ in range(2):
        get(cache, b"x" * 100)
    assert kept(tmp_path, [b"x" * 100]) == [False]


def test_what_a_dead_process_left_is_removed_and_what_comes_in_is_not(tmp_path: Path) -> None:
    cache = cache_on(Disk(HUGE), tmp_path, 1000)
    (tmp_path / "00").mkdir()
    dead, alive = tmp_path / "00" / ".dead.part", tmp_path / "00" / ".alive.part"
    for path in (dead, alive):
        path.write_bytes(bytes(600))
    os.utime(dead, (0, 0))
    get(cache, b"x" * 600)
    assert (dead.exists(), alive.exists()) == (False, True)


# --- a disk that refuses --------------------------------------------------------------------------------------


Write = Callable[[int, bytes, int], int]


@pytest.fixture
def full_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """The disk takes no byte beyond this one of any file."""
    write: Write = os.pwrite

    def fill(most: int) -> None:
        def pwrite(file: int, data: bytes, at: int) -> int:
            if at >= most:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return write(file, data[: most - at], at)

        monkeypatch.setattr(os, "pwrite", pwrite)

    return fill


@pytest.mark.parametrize("most", [0, 1000, 1_500_000])
def test_a_disk_that_fills_up_meanwhile_costs_the_reader_nothing(
    tmp_path: Path, full_after: Callable[[int], None], most: int
) -> None:
    cache = cache_on(Disk(HUGE), tmp_path)
    content = noise(3_000_000)
    full_after(most)
    for _ in range(2):
        first, second = opened(cache, content), opened(cache, content)
        with first, second:
            assert first.read() == content
            assert second.read() == content
    assert kept(tmp_path, [content]) == [False]


def test_a_reader_that_goes_on_alone_verifies_what_it_gives(tmp_path: Path, full_after: Callable[[int], None]) -> None:
    cache = cache_on(Disk(HUGE), tmp_path)
    content = noise(3_000_000)
    bad = content[:-1] + bytes([content[-1] ^ 1])
    full_after(1_500_000)
    got: list[bytes] = []
    with cache.open(sha256_of(content), len(content), lambda: io.BytesIO(bad)) as stream, pytest.raises(FileChanged):
        got.extend(iter(lambda: stream.read(100_000), b""))
    assert 1_500_000 < sum(map(len, got)) < len(content)


def test_the_oldest_files_give_way_when_the_disk_says_it_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(HUGE)
    cache = cache_on(disk, tmp_path)
    old, new = b"o" * 1000, b"n" * 1000
    get(cache, old)
    write: Write = os.pwrite

    def pwrite(file: int, data: bytes, at: int) -> int:
        if is_kept(tmp_path, old):
            disk.others = disk.total  # of which nobody knew before
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        disk.others = 0
        return write(file, data, at)

    monkeypatch.setattr(os, "pwrite", pwrite)
    get(cache, new)
    assert (is_kept(tmp_path, old), is_kept(tmp_path, new)) == (False, True)


# --- readers and their secrets ---------------------------------------------------------------------------------


class OneUsers(io.BytesIO):
    """What one user's token opens, as long as it is good."""

    def __init__(self, content: bytes, good: Callable[[], bool]) -> None:
        super().__init__(content)
        self._good = good

    def read(self, size: int | None = -1, /) -> bytes:
        if not self._good():
            raise NotAuthenticated("The token is not good any more.")
        return super().read(size)


def test_who_follows_goes_on_with_an_own_secret_where_the_one_that_began_is_refused(tmp_path: Path) -> None:
    content = noise(4_000_000)
    cache = cache_on(Disk(HUGE), tmp_path / "cache")
    good = True
    first = cache.open(sha256_of(content), len(content), lambda: OneUsers(content, lambda: good))
    second = cache.open(sha256_of(content), len(content), lambda: OneUsers(content, lambda: True))
    first.read(10)
    good = False
    with second:
        assert second.read() == content
    with first:
        assert first.read() == content[10:], "it is all there by now"


def test_who_is_refused_alone_is_told_so_and_the_others_go_on(tmp_path: Path) -> None:
    content = noise(4_000_000)
    cache = cache_on(Disk(HUGE), tmp_path / "cache")
    good = True
    first = cache.open(sha256_of(content), len(content), lambda: OneUsers(content, lambda: good))
    second = cache.open(sha256_of(content), len(content), lambda: OneUsers(content, lambda: True))
    good = False
    with first, pytest.raises(NotAuthenticated):
        first.read()
    with second:
        assert second.read() == content


def test_an_empty_file_is_served_and_keeps_nobody(tmp_path: Path) -> None:
    cache = cache_on(Disk(HUGE), tmp_path / "cache")
    for _ in range(2):
        get(cache, b"")
    assert not is_kept(tmp_path / "cache", b"")
