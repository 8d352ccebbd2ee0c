"""Work on every file of a repository: by several threads at once, patient with the storage, its memory bounded."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from pywharf_core.clock import Clock
from pywharf_core.errors import StorageUnavailable
from pywharf_core.patience import LONGEST_WAIT, Patience

_R = TypeVar("_R")

_AHEAD = 8  # calls that wait or run, for each thread
_MOST_FAILURES = 10  # files, one after the other


class CannotBeReadNow(Exception):
    """The storage does not give this one file now; the message is a sentence."""


class LongWork:
    """One piece of work, for all its threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._patience = Patience(self._clock, LONGEST_WAIT)
        self._lock = threading.Lock()
        self._failures = 0

    def demand_going_on(self) -> None:
        """To be called now and then while something takes long.

        :raises Stopped: the work was given up.
        """
        self._clock.demand_going_on()

    def in_order(self, calls: Iterable[Callable[[], _R]], jobs: int) -> Generator[_R, None, None]:
        """What the calls return, in their order; ``calls`` is read only as far as threads need more to do.

        If one raises, or nobody wants more, the others are stopped, and waited for.

        :param jobs: threads.
        :raises Stopped: the work was given up; what was begun is waited for.
        """
        with ThreadPoolExecutor(jobs, thread_name_prefix="work") as threads:
            waiting: deque[Future[_R]] = deque()
            try:
                for call in calls:
                    waiting.append(threads.submit(self._begun, call))
                    if len(waiting) >= jobs * _AHEAD:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            except BaseException:
                self._clock.stop()
                for future in waiting:
                    future.cancel()
                raise

    def _begun(self, call: Callable[[], _R]) -> _R:
        self.demand_going_on()
        return call()

    def ask(self, call: Callable[[], _R]) -> _R:
        """All that is asked of the storage for one file; again, after a pause, what may succeed then.

        :raises CannotBeReadNow: it did not.
        :raises StorageUnavailable: for so many files, one after the other, that the storage is gone.
        :raises Stopped: the work was given up meanwhile.
        """
        try:
            answer = self._patience.call(call)
        except StorageUnavailable as error:
            with self._lock:
                self._failures += 1
                if self._failures >= _MOST_FAILURES:
                    raise
            raise CannotBeReadNow(str(error)) from error
        with self._lock:
            self._failures = 0
        return answer
