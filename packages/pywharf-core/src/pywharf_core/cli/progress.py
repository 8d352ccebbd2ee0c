"""How far long work is: a bar on a terminal, plain lines elsewhere; on standard error, so that answers stay apart."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar  # what click.progressbar makes; click does not export its name

_EVERY = 10.0  # seconds between two plain lines


class Progress:
    """Says nothing at all; ``progress`` makes one that does. Any thread may call."""

    def advance(self, steps: int = 1) -> None:
        """So many more are done."""

    def say(self, text: str) -> None:
        """What the work waits for, until ``say("")``."""

    def line(self, text: str) -> None:
        """A sentence that stays."""


@contextmanager
def progress(total: int | None, label: str, *, unit: str = "files", quiet: bool = False) -> Iterator[Progress]:
    """Tell how far the block is.

    :param total: how many steps there are; None: nobody knows.
    :param label: what is done, such as ``Verifying``.
    :param quiet: say nothing, as with ``--json``.
    """
    stream = sys.stderr
    if quiet:
        yield Progress()
    elif total and stream.isatty():
        bar: ProgressBar[str | None]
        with click.progressbar(length=total, label=label, show_pos=True, item_show_func=_said, file=stream) as bar:
            yield _Bar(bar)
    else:
        lines = _Lines(total, label, unit)
        yield lines
        lines.end()


def _said(text: str | None) -> str | None:
    return text


class _Bar(Progress):
    def __init__(self, bar: ProgressBar[str | None]) -> None:
        self._bar = bar
        self._lock = threading.Lock()

    def advance(self, steps: int = 1) -> None:
        with self._lock:
            self._bar.update(steps)

    def say(self, text: str) -> None:
        with self._lock:
            self._bar.current_item = text
            self._bar.render_progress()

    def line(self, text: str) -> None:
        with self._lock:
            click.echo(f"\r\033[K{text}", file=self._bar.file)  # in the bar's place, which is drawn again below


class _Lines(Progress):
    def __init__(self, total: int | None, label: str, unit: str) -> None:
        self._total = total
        self._label = label
        self._unit = unit
        self._done = 0
        self._told = 0
        self._next = time.monotonic() + _EVERY
        self._lock = threading.Lock()

    def advance(self, steps: int = 1) -> None:
        with self._lock:
            self._done += steps
            if time.monotonic() >= self._next:
                self._tell()

    def say(self, text: str) -> None:
        if text:
            self.line(text)

    def line(self, text: str) -> None:
        with suppress(OSError):  # the work goes on, also where nobody reads of it, or the disk is full
            click.echo(text, err=True)

    def end(self) -> None:
        with self._lock:
            if self._done != self._told or not (self._done or self._total):  # not before what failed at once
                self._tell()

    def _tell(self) -> None:
        self._told = self._done
        self._next = time.monotonic() + _EVERY
        of = "" if self._total is None else f" of {self._total}"
        self.line(f"{self._label}: {self._done}{of} {self._unit}")
