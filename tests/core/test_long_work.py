"""Work on very many files: in order, never far ahead, ended by the first error, patient and not for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial

import pytest

from pywharf_core.clock import Clock, Stopped
from pywharf_core.errors import StorageUnavailable
from pywharf_core.long_work import CannotBeReadNow, LongWork


class Hurried(Clock):
    """:ivar slept: the pauses that were asked for, in seconds."""

    def __init__(self) -> None:
        super().__init__(lambda _: None)
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.fixture
def clock() -> Hurried:
    return Hurried()


def test_results_come_in_the_order_of_their_calls(clock: Hurried) -> None:
    second_is_done = threading.Event()

    def first() -> int:
        assert second_is_done.wait(10)
        return 1

    def second() -> int:
        second_is_done.set()
        return 2

    assert list(LongWork(clock).in_order([first, second], 2)) == [1, 2]


def test_calls_are_read_only_as_far_as_threads_need_them(clock: Hurried) -> None:
    read = 0

    def calls() -> Iterator[Callable[[], int]]:
        nonlocal read
        for number in range(10_000):
            read += 1
            yield partial(int, number)

    with closing(LongWork(clock).in_order(calls(), 2)) as results:
        assert next(results) == 0
        assert read < 100
        assert sum(results) == sum(range(10_000))


def test_the_first_error_ends_all_the_others(clock: Hurried) -> None:
    work = LongWork(clock)
    begun, ended = threading.Event(), threading.Event()

    def wait_for_the_end() -> None:
        begun.set()
        while True:
            try:
                work.demand_going_on()
            except Stopped:
                ended.set()
                raise
            threading.Event().wait(0.005)

    def fail() -> None:
        assert begun.wait(10)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(work.in_order([fail, wait_for_the_end], 2))
    assert ended.is_set()


def test_who_leaves_early_leaves_nothing_running(clock: Hurried) -> None:
    before = threading.active_count()
    results = LongWork(clock).in_order((partial(int, number) for number in range(100)), 4)
    assert next(results) == 0
    results.close()
    assert threading.active_count() == before


def test_what_may_succeed_later_is_asked_again(clock: Hurried) -> None:
    answers: list[StorageUnavailable | str] = [StorageUnavailable("Too fast.", retry_after=40), "here"]

    def ask() -> str:
        answer = answers.pop(0)
        if isinstance(answer, StorageUnavailable):
            raise answer
        return answer

    assert LongWork(clock).ask(ask) == "here"
    assert clock.slept == [40]


def test_one_file_that_cannot_be_had_is_no_end_and_ten_in_a_row_are(clock: Hurried) -> None:
    work = LongWork(clock)

    def refuse() -> None:
        raise StorageUnavailable("Not this one.")

    for _ in range(2):
        for _ in range(9):
            with pytest.raises(CannotBeReadNow, match="Not this one"):
                work.ask(refuse)
        assert work.ask(lambda: 1) == 1
    for _ in range(9):
        with pytest.raises(CannotBeReadNow):
            work.ask(refuse)
    with pytest.raises(StorageUnavailable):
        work.ask(refuse)
