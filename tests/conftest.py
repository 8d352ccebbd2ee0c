"""What holds for all tests."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Processes that tests start listen to signals, also where pytest itself runs in the background or under nohup."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are no names: those of gzip hold the time, and workers that collect at another second would disagree."""
    return argname if isinstance(val, bytes) and not val.isascii() else None
