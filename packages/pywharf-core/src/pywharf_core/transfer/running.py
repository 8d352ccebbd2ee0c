"""A whole transfer: several at once, whatever happens told one by one, ended in good order."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice

from pywharf_core.clock import Clock, Stopped
from pywharf_core.errors import SourceUnavailable
from pywharf_core.transfer.offers import Finding
from pywharf_core.transfer.taking_in import Outcome

_AHEAD = 4  # findings for each thread: none is idle, and few are held
_MOST_UNREACHABLE = 5  # in a row: then it is not the files


def take_all(
    findings: Iterable[Finding], take: Callable[[Finding], Outcome], *, jobs: int, clock: Clock
) -> Generator[Outcome, None, None]:
    """The outcomes, as they come.

    After ``clock.stop()`` what has begun is ended, and nothing more begun. The first error that concerns more than one
    file does the same, and is raised when all that was begun is told.

    :param jobs: how many are taken at once.
    :raises Stopped: somebody said so.
    :raises SourceUnavailable: the source answers no more.
    """
    pending = iter(findings)
    unreachable = 0
    failure: BaseException | None = None
    with ThreadPoolExecutor(jobs, thread_name_prefix="transfer") as threads:
        running: set[Future[Outcome]] = set()
        try:
            while True:
                if failure is None:
                    ahead = islice(pending, jobs * _AHEAD - len(running))
                    running.update(threads.submit(take, finding) for finding in ahead)
                if not running:
                    break
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    try:
                        outcome = future.result()
                    except Exception as error:
                        failure = _worse(failure, error)
                        clock.stop()
                        continue
                    unreachable = unreachable + 1 if outcome.unreachable else 0
                    yield outcome
                if unreachable >= _MOST_UNREACHABLE and failure is None:
                    failure = SourceUnavailable("The source answers no more; try again later.")
                    clock.stop()
        except BaseException:  # also where nobody asks for more
            clock.stop()
            raise
    if failure is not None:
        raise failure


def _worse(failure: BaseException | None, error: Exception) -> BaseException:
    """The error to tell: that others were stopped is a consequence."""
    return error if failure is None or isinstance(failure, Stopped) else failure
