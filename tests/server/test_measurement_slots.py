"""Where processes leave what they counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from pywharf.measurement_slots import ProcessFigures, Slot
from pywharf_core.root import Root

KEY = ("request", "/simple/")
FIGURES = ProcessFigures(1, 2.0, 3, 4)


@pytest.fixture
def root(tmp_path: Path) -> Root:
    root = Root(tmp_path / "root")
    root.make()
    return root


def test_two_processes_have_two_slots_and_each_reads_the_sums_of_both(root: Root) -> None:
    one, other = Slot.take(root), Slot.take(root)
    one.write({KEY: [1.0, 2.0]}, FIGURES)
    other.write({KEY: [10.0, 20.0], ("starts",): [1.0]}, FIGURES)
    for slot in (one, other):
        sums, processes = slot.read_all()
        assert sums == {KEY: [11.0, 22.0], ("starts",): [1.0]}
        assert len(processes) == 2
    one.close()
    other.close()


def test_a_process_goes_on_from_the_sums_of_one_that_is_gone(root: Root) -> None:
    gone = Slot.take(root)
    gone.write({KEY: [5.0]}, FIGURES)
    gone.close()
    heir = Slot.take(root)
    for counted in ([1.0], [2.0]):  # each time all that it counted itself
        heir.write({KEY: counted}, FIGURES)
    assert heir.read_all()[0] == {KEY: [7.0]}
    assert len(list(root.metrics.iterdir())) == 1
    heir.close()


def test_who_is_gone_is_no_living_process(root: Root) -> None:
    gone, lives = Slot.take(root), Slot.take(root)
    gone.write({KEY: [5.0]}, FIGURES)
    lives.write({}, FIGURES)
    gone.close()
    sums, processes = lives.read_all()
    assert sums == {KEY: [5.0]}
    assert processes == [FIGURES]
    lives.close()


@pytest.mark.parametrize("content", [b"", b"{", b'{"format": 99}', b'{"format": 1}', b"[1]", b"\xff"])
def test_a_damaged_file_means_counting_anew(root: Root, content: bytes) -> None:
    root.metrics.mkdir()
    (root.metrics / "0.json").write_bytes(content)
    slot = Slot.take(root)
    assert slot.read_all()[0] == {}
    slot.write({KEY: [1.0]}, FIGURES)
    assert slot.read_all()[0] == {KEY: [1.0]}
    slot.close()
