"""Several at once, and how it ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from core.transfer.between import TestClock
from pywharf_core.clock import Stopped
from pywharf_core.errors import SourceUnavailable, StorageUnavailable
from pywharf_core.transfer.offers import Finding, Offer
from pywharf_core.transfer.running import take_all
from pywharf_core.transfer.taking_in import Fate, Outcome


def offers(count: int) -> list[Finding]:
    return [Offer(filename=f"f-{number}.tar.gz", place=str(number)) for number in range(count)]


def taken(finding: Finding) -> Outcome:
    assert isinstance(finding, Offer)
    return Outcome(Fate.TAKEN, finding.place)


@pytest.mark.parametrize("jobs", [1, 3])
def test_every_finding_is_taken_once(jobs: int) -> None:
    outcomes = list(take_all(offers(100), taken, jobs=jobs, clock=TestClock()))
    assert sorted(int(outcome.place) for outcome in outcomes) == list(range(100))


def test_so_many_are_taken_at_once() -> None:
    together = threading.Barrier(4)

    def take(finding: Finding) -> Outcome:
        together.wait(timeout=30)  # broken, and an error, unless four come
        return taken(finding)

    assert len(list(take_all(offers(8), take, jobs=4, clock=TestClock()))) == 8


def test_findings_are_asked_for_as_they_are_needed() -> None:
    asked = 0

    def findings() -> Iterator[Finding]:
        nonlocal asked
        for offer in offers(1000):
            asked += 1
            yield offer

    outcomes = take_all(findings(), taken, jobs=2, clock=TestClock())
    next(outcomes)
    assert asked <= 16
    outcomes.close()


def test_an_error_that_concerns_more_than_one_file_ends_it_after_what_was_begun_is_told() -> None:
    clock = TestClock()

    def take(finding: Finding) -> Outcome:
        assert isinstance(finding, Offer)
        if finding.place == "5":
            raise StorageUnavailable("The disk is away.")
        clock.demand_going_on()
        return taken(finding)

    told: list[Outcome] = []
    with pytest.raises(StorageUnavailable, match="The disk is away"):
        told.extend(take_all(offers(1000), take, jobs=2, clock=clock))
    assert {"0", "1", "2", "3", "4"} <= {outcome.place for outcome in told}
    assert len(told) < 20


def test_a_stop_lets_end_what_was_begun() -> None:
    clock = TestClock()
    ended: list[str] = []

    def take(finding: Finding) -> Outcome:
        clock.demand_going_on()
        if len(ended) == 3:
            clock.stop()
        ended.append(taken(finding).place)
        return taken(finding)

    told: list[Outcome] = []
    with pytest.raises(Stopped):
        told.extend(take_all(offers(1000), take, jobs=2, clock=clock))
    assert sorted(outcome.place for outcome in told) == sorted(ended)
    assert len(told) < 20


def test_a_source_that_answers_no_more_is_not_asked_for_ever() -> None:
    def take(finding: Finding) -> Outcome:
        assert isinstance(finding, Offer)
        return Outcome(Fate.REFUSED, finding.place, "no answer", unreachable=int(finding.place) >= 3)

    told: list[Outcome] = []
    with pytest.raises(SourceUnavailable, match="answers no more"):
        told.extend(take_all(offers(1000), take, jobs=1, clock=TestClock()))
    assert 8 <= len(told) < 20
