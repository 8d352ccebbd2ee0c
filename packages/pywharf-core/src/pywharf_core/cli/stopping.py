"""Being told to end, by Ctrl-C or by whoever runs us: what was begun ends well, and is told.

Before its work begins a command is left at once. The work itself ends by its clock: what is half done is given up or
ended, and the command tells what was done. A second signal ends the process as it stands, which loses nothing either.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any, NoReturn

import click

from pywharf_core.cli.failure import failure_of
from pywharf_core.clock import Clock, Stopped

if TYPE_CHECKING:
    from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class EndedBySignal(KeyboardInterrupt):
    """:ivar status: the exit status that tells of the signal, as shells say it."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.status = 128 + number


class StoppedBeforeWork(click.ClickException):
    """Nothing was done yet; the exit status tells of the signal."""

    def __init__(self, status: int) -> None:
        super().__init__("Stopped before anything was done.")
        self.exit_code = status  # type: ignore[misc]  # the same for all of a class only in click's types

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"\n{self.message}" if sys.stderr.isatty() else self.message, file=file, err=file is None)


@contextmanager
def cleaned_up_on_sigterm() -> Iterator[None]:
    """Let SIGTERM be what Ctrl-C is: the block cleans up behind itself.

    :raises EndedBySignal: when it comes.
    """
    if threading.current_thread() is not threading.main_thread():  # which alone is told of signals
        yield
        return
    before = signal.signal(signal.SIGTERM, _ended)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _ended(number: int, frame: FrameType | None) -> NoReturn:
    del frame
    raise EndedBySignal(number)


class Stopping:
    """:ivar clock: the work's.
    :ivar problem: why the work could not go on, if so.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.problem: Exception | None = None
        self._by: int | None = None
        self._has_begun = False
        self._cut_short = False

    def work(self, work: Callable[[], object]) -> None:
        """Do ``work``; how it ended is to be told by ``end``, after what was done."""
        self._has_begun = True
        try:
            work()
        except Stopped:
            self._cut_short = True
        except Exception as error:
            if failure_of(error) is None:
                raise
            self.problem = error
            self._cut_short = self._by is not None

    @property
    def account(self) -> dict[str, str]:
        """What the answer in JSON says of an early end beside ``complete``."""
        failure = None if self.problem is None else failure_of(self.problem)
        return {} if failure is None else {"error": failure.format_message()}

    def end(self, again: str, *, failed: bool) -> None:
        """End the command with the status that is due.

        :param again: what the same command does when it is run again, to be said after a stop.
        :param failed: not all is as it should be, and was told.
        :raises Exception: ``problem``, if it was not stopped.
        """
        if self._cut_short and self._by is not None:
            for sentence in self.account.values():
                click.echo(f"Error: {sentence}", err=True)
            click.echo(f"Stopped; {again}.", err=True)
            click.get_current_context().exit(128 + self._by)
        if self.problem is not None:
            raise self.problem
        if failed:
            click.get_current_context().exit(1)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._by = number
        for signal_number in _SIGNALS:
            signal.signal(signal_number, signal.SIG_DFL)
        threading.Thread(target=self.clock.stop).start()  # see there
        if not self._has_begun:
            raise EndedBySignal(number)
        with suppress(OSError, ValueError, AttributeError):
            if sys.stderr.isatty():  # past its buffer, in the middle of which this may be
                os.write(sys.stderr.fileno(), b"\nEnding what was begun; once more ends it as it stands.\n")


@contextmanager
def stoppable(clock: Clock) -> Iterator[Stopping]:
    """Around all of a command that does long work.

    :raises StoppedBeforeWork: it was told to end before ``Stopping.work``.
    """
    stopping = Stopping(clock)
    before: dict[signal.Signals, Any] = {}  # a handler of any form that signal knows
    try:
        for number in _SIGNALS:
            before[number] = signal.signal(number, stopping._on_signal)
        yield stopping
    except EndedBySignal as end:
        raise StoppedBeforeWork(end.status) from end
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
