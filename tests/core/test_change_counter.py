"""The number that tells all processes of a ROOT that something was written."""

from __future__ import annotations

from pathlib import Path

from pywharf_core.change_counter import ChangeCounter


def test_a_change_is_seen_through_every_mapping_of_the_file(tmp_path: Path) -> None:
    writer, reader = ChangeCounter(tmp_path / "number"), ChangeCounter(tmp_path / "number")
    before = reader.value()
    writer.change()
    assert reader.value() == writer.value() != before


def test_a_number_whose_file_was_removed_is_found_again_by_all(tmp_path: Path) -> None:
    one, other = ChangeCounter(tmp_path / "number"), ChangeCounter(tmp_path / "number")
    (tmp_path / "number").unlink()
    one.change()
    other.follow()
    assert one.value() == other.value()
    before = one.value()
    other.change()
    assert one.value() != before
