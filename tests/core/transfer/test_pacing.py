"""The pace that a storage asks for."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.transfer.between import NOON, Between, TestClock, opened
from pywharf_core import changes
from pywharf_core.clock import Stopped
from pywharf_core.filenames import normalise
from pywharf_core.storage_answers import Pace
from pywharf_core.testing import MemoryStorage, make_upload
from pywharf_core.transfer.pacing import Pacer

GITHUB_LIKE = (Pace(24, 60), Pace(150, 3600))


def admitted(pacer: Pacer, clock: TestClock, count: int) -> list[float]:
    """When each was, in seconds from now."""
    began, moments = clock.now(), []
    for _ in range(count):
        pacer.admit()
        moments.append(clock.now() - began)
    return moments


def most_within(moments: Sequence[float], seconds: float) -> int:
    return max(sum(begin <= moment < begin + seconds for moment in moments) for begin in moments)


def test_without_a_pace_nobody_waits() -> None:
    clock = TestClock()
    pacer = Pacer((), clock)
    assert admitted(pacer, clock, 1000) == [0.0] * 1000
    assert (pacer.said, pacer.estimate(1000), clock.said) == ("", 0.0, [])


def test_every_pace_is_kept_and_none_is_waited_for_in_vain() -> None:
    clock = TestClock()
    pacer = Pacer(GITHUB_LIKE, clock)
    estimate = pacer.estimate(412)
    moments = admitted(pacer, clock, 412)
    assert moments[:25] == [0.0] * 24 + [60.0]
    assert (moments[149], moments[150]) == (360.0, 3600.0)
    assert (most_within(moments, 60), most_within(moments, 3600)) == (24, 150)
    assert moments[-1] == estimate == 2 * 3600 + 4 * 60
    assert clock.said[0] == "waiting 60 seconds: the storage takes 24 a minute and 150 an hour"


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.builds(Pace, st.integers(1, 6), st.sampled_from([1.0, 7.0, 60.0])), max_size=3),
    st.lists(st.sampled_from([0.0, 0.5, 3.0, 50.0]), max_size=20),
)
def test_no_pace_is_ever_broken(paces: list[Pace], pauses: list[float]) -> None:
    clock = TestClock()
    pacer = Pacer(paces, clock)
    moments = []
    for pause in [*pauses, *[0.0] * 10]:
        clock.sleep(pause)
        estimate = pacer.estimate(1)
        before = clock.now()
        pacer.admit()
        assert clock.now() - before == pytest.approx(estimate)
        moments.append(clock.now())
    for pace in paces:
        assert most_within(moments, pace.seconds - 0.001) <= pace.operations


def test_the_pace_is_kept_across_restarts_and_by_all_processes(tmp_path: Path) -> None:
    clock = TestClock()
    ledger = tmp_path / "pace"
    assert admitted(Pacer([Pace(3, 60)], clock, ledger), clock, 2) == [0.0, 0.0]
    first, second = Pacer([Pace(3, 60)], clock, ledger), Pacer([Pace(3, 60)], clock, ledger)
    assert second.estimate(2) == 60
    assert admitted(first, clock, 1) == [0.0]
    assert admitted(second, clock, 1) == [60.0]
    assert len(ledger.read_text().splitlines()) == 1, "what no longer counts is forgotten"


@pytest.mark.parametrize("content", ["nonsense\n\x00\n1e400\nnan\n", f"{NOON + 4000:.3f}\n" * 3, ""])
def test_a_damaged_ledger_or_a_clock_that_was_ahead_stops_nobody(tmp_path: Path, content: str) -> None:
    clock, ledger = TestClock(), tmp_path / "pace"
    ledger.write_text(content)
    assert admitted(Pacer([Pace(2, 60)], clock, ledger), clock, 3) == [0.0, 0.0, 60.0]


def test_whoever_waits_can_be_stopped() -> None:
    clock = TestClock()
    pacer = Pacer([Pace(1, 60)], clock)
    pacer.admit()
    clock.stop()
    with pytest.raises(Stopped):
        pacer.admit()


def test_only_what_changes_the_storage_counts(tmp_path: Path) -> None:
    source, target = opened(MemoryStorage(), tmp_path / "a"), opened(MemoryStorage(), tmp_path / "b")
    with closing(source), closing(target):
        for number in range(5):
            changes.publish(source, *make_upload(tmp_path / "made", "holygrail", f"{number}.0"))
        between = Between()
        summary = between.copy(source, target, paces=[Pace(2, 60)])
        assert summary.taken == 5
        assert between.clock.now() == NOON + 120
        between = Between()
        source.synchronise()
        changes.yank(source, normalise("holygrail"), "1.0", "bad")
        summary = between.copy(source, target, paces=[Pace(2, 60)])
        assert (summary.taken, summary.there, between.clock.now()) == (0, 5, NOON)
