"""The parent process: it binds the socket, starts the workers, replaces dead ones and ends when all of them ended.

Hypercorn's own process manager cuts uploads off when it stops, stops when one worker dies, and leaves its workers
behind when it is killed itself. Here every worker holds the reading end of a pipe of which only the parent holds the
writing end, so that a parent that is gone, however that came, is a pipe that ended: the worker finishes and ends.
"""

from __future__ import annotations

import logging
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pywharf.listening import BACKLOG
from pywharf.logs import rotate
from pywharf.settings import ServerSettings
from pywharf.worker_orders import APPLICATION, WorkerOrders, WorkerReport
from pywharf_core.errors import WharfError
from pywharf_core.root import Root

STOPPED = 0
STOPPED_AT_ONCE = 1

_YOUNG = 10.0  # seconds; a worker that dies younger is not replaced at once, or they would die in a row
_FIRST_PAUSE = 0.5  # seconds before a worker that died young is replaced; doubled each time
_LONGEST_PAUSE = 30.0
_HOUSEKEEPING = 5.0  # seconds between two looks at the size of the logs
_PATIENCE = 5.0  # seconds that a worker gets beyond its grace time, before it is killed

logger = logging.getLogger(__name__)


class WorkerCannotStart(WharfError):
    """No worker could be started at all."""


def serve(
    listener: socket.socket,
    settings: ServerSettings,
    *,
    workers: int = 1,
    hypercorn: Mapping[str, object] | None = None,
    on_listening: Callable[[], None] = lambda: None,
    application: str = APPLICATION,
) -> int:
    """Run until SIGTERM, SIGINT or SIGHUP; blocks, and only the main thread may call it.

    The first signal lets requests in flight finish, at most ``settings.grace`` seconds; a second SIGINT ends at once.

    :param listener: see ``pywharf.listening``; closed when this returns.
    :param on_listening: called once, when all workers accept connections.
    :returns: the exit status.
    :raises WorkerCannotStart: the first worker could not start; the message says why, a line per problem.
    """
    parent = _Parent(listener, settings, workers, dict(hypercorn or {}), on_listening, application)
    return parent.run()


@dataclass(eq=False, slots=True)
class _Worker:
    process: subprocess.Popen[bytes]
    report: int  # file descriptor from which its report is read; -1 after that
    started_at: float = field(default_factory=time.monotonic)
    received: bytearray = field(default_factory=bytearray)
    ready: bool = False
    problems: tuple[str, ...] = ()

    def finish(self) -> None:
        """Ask it to finish what is in flight and to end."""
        assert self.process.stdin is not None
        self.process.stdin.close()


class _Parent:
    def __init__(
        self,
        listener: socket.socket,
        settings: ServerSettings,
        wanted: int,
        hypercorn: Mapping[str, object],
        on_listening: Callable[[], None],
        application: str,
    ) -> None:
        self._listener = listener
        self._settings = settings
        self._wanted = wanted
        self._hypercorn = hypercorn
        self._on_listening = on_listening
        self._application = application
        self._log = Root(Path(settings.root)).log
        self._workers: list[_Worker] = []
        self._selector = selectors.DefaultSelector()
        self._served = False  # whether a worker was ever ready
        self._announced = False
        self._stopping = False
        self._at_once = False
        self._kill_at = float("inf")
        self._pause = _FIRST_PAUSE
        self._start_again_at = 0.0
        self._housekeeping_at = 0.0

    def run(self) -> int:
        with self._signals() as wake_up:
            self._selector.register(wake_up, selectors.EVENT_READ)
            try:
                while not self._stopping or self._workers:
                    self._start_missing()
                    self._wait(wake_up)
                    self._bury_the_dead()
                    self._kill_if_late()
                    self._rotate_logs()
            finally:
                self._leave_nothing_behind()
        return STOPPED_AT_ONCE if self._at_once else STOPPED

    # Signals only wake the loop and set flags.

    @contextmanager
    def _signals(self) -> Iterator[socket.socket]:
        wake_up, waker = socket.socketpair()
        wake_up.setblocking(False)
        waker.setblocking(False)
        handled = [signal.SIGTERM, signal.SIGINT, signal.SIGCHLD]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under nohup
            handled.append(signal.SIGHUP)
        before = {number: signal.getsignal(number) for number in handled}
        before_waker = signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        for number in handled:
            signal.signal(number, self._on_child if number == signal.SIGCHLD else self._on_stop)
        try:
            yield wake_up
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(before_waker)
            wake_up.close()
            waker.close()

    def _on_child(self, _number: int, _frame: object) -> None:
        """Nothing to do: the loop was woken."""

    def _on_stop(self, number: int, _frame: object) -> None:
        if self._stopping and number == signal.SIGINT:
            self._at_once = True
            self._kill_at = 0.0
        elif not self._stopping:
            self._stopping = True
            self._kill_at = time.monotonic() + self._settings.grace + _PATIENCE

    # The loop's steps.

    def _start_missing(self) -> None:
        if self._stopping:
            return
        # The first alone: what is wrong with the configuration is then said once.
        wanted = self._wanted if self._served else 1
        while len(self._workers) < wanted and time.monotonic() >= self._start_again_at:
            self._start_worker()

    def _start_worker(self) -> None:
        report, worker_report = os.pipe()
        orders = WorkerOrders(
            settings=self._settings,
            listener=self._listener.fileno(),
            report=worker_report,
            hypercorn=self._hypercorn,
            application=self._application,
        )
        # Ctrl-C reaches every process of the terminal; only the parent is to act on it. The mask is inherited.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            process = subprocess.Popen(
                # -P: the current directory is not searched for modules
                [sys.executable, "-P", "-m", "pywharf.worker"],
                stdin=subprocess.PIPE,
                pass_fds=(self._listener.fileno(), worker_report),
                bufsize=0,
            )
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
            os.close(worker_report)
        worker = _Worker(process, report)
        self._workers.append(worker)
        self._selector.register(report, selectors.EVENT_READ, worker)
        assert process.stdin is not None
        try:
            process.stdin.write(orders.to_json().encode() + b"\n")
        except BrokenPipeError:  # it died already, and is seen to
            logger.debug("a worker died before it was told what to do")

    def _wait(self, wake_up: socket.socket) -> None:
        if self._stopping:
            self._listener.close()
            for worker in self._workers:
                worker.finish()
        for key, _ in self._selector.select(self._timeout()):
            if key.fileobj is wake_up:
                wake_up.recv(4096)
            else:
                self._read_report(key.data)

    def _timeout(self) -> float:
        now = time.monotonic()
        moments = [self._housekeeping_at, self._kill_at]
        if len(self._workers) < self._wanted:
            moments.append(self._start_again_at)
        return max(0.0, min(moments) - now)

    def _read_report(self, worker: _Worker) -> None:
        piece = os.read(worker.report, 65536)
        worker.received += piece
        if piece and not worker.received.endswith(b"\n"):
            return
        self._forget_report(worker)
        if not worker.received:  # it died without a word
            return
        report = WorkerReport.from_json(worker.received.decode())
        worker.problems = report.problems
        worker.ready = not report.problems
        if worker.ready:
            self._served = True
            if not self._stopping:
                self._listener.listen(BACKLOG)  # asyncio set the kernel's queue to its own, shorter one
            if not self._announced and sum(each.ready for each in self._workers) >= self._wanted:
                self._announced = True
                self._on_listening()

    def _bury_the_dead(self) -> None:
        for worker in self._workers[:]:
            status = worker.process.poll()
            if status is None:
                continue
            if worker.report >= 0:
                self._read_report(worker)
            self._workers.remove(worker)
            self._release(worker)
            if self._stopping:
                continue
            if not self._served:
                raise WorkerCannotStart("\n".join(worker.problems) or f"a worker ended at its start ({_ended(status)})")
            if time.monotonic() - worker.started_at >= _YOUNG:
                self._pause = _FIRST_PAUSE
            else:
                self._start_again_at = time.monotonic() + self._pause
                self._pause = min(2 * self._pause, _LONGEST_PAUSE)
            what = "; ".join(worker.problems) or _ended(status)
            level = logging.ERROR if status else logging.INFO  # 0: after Hypercorn's max_requests, or a SIGTERM
            logger.log(level, "a worker ended and is replaced", extra={"worker": worker.process.pid, "by": what})

    def _kill_if_late(self) -> None:
        if time.monotonic() >= self._kill_at:
            for worker in self._workers:
                worker.process.kill()
            self._kill_at = float("inf")

    def _rotate_logs(self) -> None:
        if time.monotonic() >= self._housekeeping_at:
            self._housekeeping_at = time.monotonic() + _HOUSEKEEPING
            try:
                rotate(self._log)
            except OSError as error:
                logger.warning("the logs cannot be rotated", extra={"error": str(error)})

    # The end.

    def _leave_nothing_behind(self) -> None:
        for worker in self._workers:
            worker.process.kill()
            worker.process.wait()
            self._release(worker)
        self._selector.close()
        self._listener.close()

    def _release(self, worker: _Worker) -> None:
        self._forget_report(worker)
        worker.finish()

    def _forget_report(self, worker: _Worker) -> None:
        if worker.report >= 0:
            self._selector.unregister(worker.report)
            os.close(worker.report)
            worker.report = -1


def _ended(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
