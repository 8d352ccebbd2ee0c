"""A file has its old content or all of the new, and what has the new already is left as it is."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from pywharf_core.atomic_file import is_part, part_of, replace_content


def test_content_is_replaced_and_equal_content_left(tmp_path: Path) -> None:
    path = tmp_path / "index.html"
    assert replace_content(path, b"first")
    written = path.stat()
    assert not replace_content(path, b"first")
    assert path.stat() == written
    assert replace_content(path, b"other")
    assert path.read_bytes() == b"other"
    assert [entry.name for entry in tmp_path.iterdir()] == ["index.html"]


def test_what_a_dead_one_left_half_written_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "index.html"
    part_of(path).write_bytes(b"half of something longer")
    assert is_part(part_of(path).name)
    assert not is_part(path.name)
    replace_content(path, b"whole")
    assert path.read_bytes() == b"whole"
    assert not part_of(path).exists()


def test_what_cannot_be_written_leaves_the_old_content_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "index.html"
    folder.mkdir()
    (folder / "x").touch()
    with pytest.raises(OSError, match="directory"):
        replace_content(folder, b"new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["index.html"]


def test_readers_see_the_old_or_the_new_at_any_instant(tmp_path: Path) -> None:
    path, done = tmp_path / "index.html", threading.Event()
    contents = [bytes([letter]) * 100_000 for letter in b"ab"]
    path.write_bytes(contents[0])
    seen: set[bytes] = set()

    def read() -> None:
        while not done.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(200):
        replace_content(path, contents[number % 2])
    done.set()
    reader.join()
    assert seen <= set(contents)
