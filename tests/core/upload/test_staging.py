from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pywharf_core.errors import FileTooLarge, StorageUnavailable
from pywharf_core.upload.staging import StagingArea, StagingFile


@pytest.fixture
def area(tmp_path: Path) -> StagingArea:
    return StagingArea(tmp_path / "staging")


@pytest.fixture
def staging(area: StagingArea) -> Iterator[StagingFile]:
    file = area.create(100)
    yield file
    file.discard()


def grow_old(path: Path) -> None:
    past = time.time() - 3600
    os.utime(path, (past, past))


def test_what_is_written_is_on_disk_and_counted_and_hashed(staging: StagingFile) -> None:
    staging.also_digest("md5", "blake2b_256")
    staging.write(b"hello ")
    staging.write(b"world")
    staging.finish()
    assert staging.path.read_bytes() == b"hello world"
    assert staging.size == 11
    assert staging.hashes() == {
        "sha256": hashlib.sha256(b"hello world").hexdigest(),
        "md5": hashlib.md5(b"hello world").hexdigest(),
        "blake2b_256": hashlib.blake2b(b"hello world", digest_size=32).hexdigest(),
    }


def test_only_its_owner_may_read_it(staging: StagingFile) -> None:
    assert staging.path.stat().st_mode & 0o777 == 0o600
    assert staging.path.parent.stat().st_mode & 0o777 == 0o700


def test_a_file_may_be_as_large_as_its_limit_and_no_larger(staging: StagingFile) -> None:
    staging.write(b"x" * 100)
    with pytest.raises(FileTooLarge, match="larger than 100 bytes, the most that this repository takes"):
        staging.write(b"x")
    assert staging.path.stat().st_size == staging.size == 100


def test_a_digest_cannot_be_asked_for_after_the_first_byte(staging: StagingFile) -> None:
    staging.write(b"x")
    with pytest.raises(ValueError, match="before the first byte"):
        staging.also_digest("md5")


def test_an_unknown_digest_is_a_mistake(staging: StagingFile) -> None:
    with pytest.raises(ValueError, match="'crc32'"):
        staging.also_digest("crc32")


def test_a_finished_file_takes_no_more(staging: StagingFile) -> None:
    staging.finish()
    staging.finish()
    with pytest.raises(ValueError, match="finished"):
        staging.write(b"x")


def test_discarding_leaves_nothing_and_may_be_said_twice(area: StagingArea) -> None:
    file = area.create(100)
    file.write(b"x")
    file.discard()
    file.discard()
    assert list(area.folder.iterdir()) == []


def test_discarding_leaves_alone_what_was_moved_away(area: StagingArea, tmp_path: Path) -> None:
    file = area.create(100)
    file.write(b"x")
    file.path.rename(tmp_path / "published")
    file.discard()
    assert (tmp_path / "published").read_bytes() == b"x"


def test_a_full_disk_is_said_to_be_one(staging: StagingFile, monkeypatch: pytest.MonkeyPatch) -> None:
    class FullDisk:
        closed = True

        def write(self, data: memoryview) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    original = staging._file
    monkeypatch.setattr(staging, "_file", FullDisk())
    with pytest.raises(StorageUnavailable, match="no disk space"):
        staging.write(b"x")
    monkeypatch.setattr(staging, "_file", original)


def test_the_sweeper_leaves_a_file_that_somebody_holds(area: StagingArea, staging: StagingFile) -> None:
    grow_old(staging.path)
    assert area.sweep() == 0
    assert staging.path.exists()


def test_the_sweeper_removes_what_a_killed_process_left(area: StagingArea) -> None:
    program = (
        "import os, sys, pathlib; from pywharf_core.upload.staging import StagingArea; "
        "file = StagingArea(pathlib.Path(sys.argv[1])).create(9); file.write(b'x'); print(file.path, flush=True); "
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(area.folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        path = Path(process.stdout.readline().strip())
        grow_old(path)
        assert area.sweep() == 0
        process.kill()
        process.wait()
    assert area.sweep() == 1
    assert not path.exists()


def test_the_sweeper_leaves_young_files_and_those_of_others(area: StagingArea) -> None:
    area.folder.mkdir()
    (area.folder / "young.upload").touch()
    (area.folder / "notes.txt").touch()
    grow_old(area.folder / "notes.txt")
    (area.folder / "folder.upload").mkdir()
    grow_old(area.folder / "folder.upload")
    assert area.sweep() == 0
    assert len(list(area.folder.iterdir())) == 3


def test_the_sweeper_needs_no_folder(area: StagingArea) -> None:
    assert area.sweep() == 0
