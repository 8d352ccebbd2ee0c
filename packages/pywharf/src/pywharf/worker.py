"""A worker process: ``python -P -m pywharf.worker``, started by ``pywharf.serve`` and by nobody else.

It serves until its standard input ends or SIGTERM comes, finishes what is in flight, and ends.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config

from pywharf import closed_connections, reason_phrase
from pywharf.hypercorn_settings import make_config
from pywharf.logs import IN_FILE_ONLY, configure_logging
from pywharf.worker_orders import WorkerOrders, WorkerReport
from pywharf_core.errors import ConfigurationError, WharfError
from pywharf_core.root import Root

ORDERS = 0  # standard input
_GC_THRESHOLDS = 10_000, 20, 50  # a request leaves hardly a cycle; Python's own would look each few requests
CLEANING_UP = 2.0  # seconds after the grace time for the application to close its files

logger = logging.getLogger("pywharf.worker")  # __name__ is "__main__" here


def main() -> int:
    """Serve; the exit status is 0 after a stop and 1 after a failed start, which was reported."""
    orders = WorkerOrders.from_json(_first_line(ORDERS))
    try:
        configure_logging(_log_folder(orders), debug=orders.settings.debug)
        application = _application(orders)
        reason_phrase.install()
        closed_connections.install()
        config = make_config(orders.hypercorn, listener=orders.listener, grace=orders.settings.grace)  # type: ignore[arg-type]  # checked by the parent
        with asyncio.Runner(loop_factory=_loop_factory(config)) as runner:
            runner.run(_serve(application, config, orders))
    except Exception as error:
        _report(orders, WorkerReport(problems=_problems(error)))
        return 1
    return 0


async def _serve(application: Any, config: Config, orders: WorkerOrders) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_reader(ORDERS, _pipe_ended, loop, stop)

    async def until_stopped() -> None:
        # Hypercorn calls this when it listens.
        gc.collect()
        gc.freeze()  # what is here by now stays: no collection need look at it again
        gc.set_threshold(*_GC_THRESHOLDS)
        _report(orders, WorkerReport())
        try:
            await stop.wait()
        finally:  # also when Hypercorn stops of itself, after max_requests
            _end_at_the_latest_in(orders.settings.grace + CLEANING_UP)

    await serve(application, config, shutdown_trigger=until_stopped)


def _pipe_ended(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    if not os.read(ORDERS, 4096):
        loop.remove_reader(ORDERS)
        stop.set()


def _end_at_the_latest_in(seconds: float) -> None:
    """End this process even if a connection, a thread or the loop itself does not come to its end.

    From Python 3.12.1 on ``Server.wait_closed``, which Hypercorn awaits, waits for stalled connections without limit.
    """

    def end() -> None:
        logger.warning("what was still in flight after the grace time was cut off")
        os._exit(0)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


def _first_line(descriptor: int) -> str:
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(descriptor, 65536)
        if not piece:
            sys.exit("pywharf.worker is started by `pywharf server`, which tells it what to do")
        line += piece
    return line.decode()


def _log_folder(orders: WorkerOrders) -> Path:
    return Root(Path(orders.settings.root)).log


def _application(orders: WorkerOrders) -> Any:
    module, _, factory = orders.application.partition(":")
    return getattr(import_module(module), factory)(orders.settings)


def _loop_factory(config: Config) -> Callable[[], asyncio.AbstractEventLoop] | None:
    if config.worker_class == "uvloop":
        uvloop = import_module("uvloop")
        factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
        return factory
    return None


def _report(orders: WorkerOrders, report: WorkerReport) -> None:
    try:
        os.write(orders.report, report.to_json().encode() + b"\n")
        os.close(orders.report)
    except OSError:
        logger.debug("the parent does not listen any more")


def _problems(error: BaseException) -> tuple[str, ...]:
    """Sentences for the operator: those of our own error if one is at the bottom of this, else the error's name.

    Hypercorn wraps what the application's lifespan raised into an error of its own.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ConfigurationError):
            return cause.problems
        if isinstance(cause, WharfError):
            return (str(cause),)
        last, cause = cause, cause.__cause__ or cause.__context__
    first_line = str(last).strip().partition("\n")[0]
    logger.error("a worker could not start", exc_info=error, extra=IN_FILE_ONLY)  # the parent says it on the terminal
    return (f"a worker could not start: {type(last).__name__}: {first_line}; the traceback is in the error log",)


if __name__ == "__main__":
    sys.exit(main())
