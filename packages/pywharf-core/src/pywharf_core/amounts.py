"""Numbers of bytes, of things and of seconds, as people read them in answers of commands and on pages."""

from __future__ import annotations

import math
from collections.abc import Sequence

_UNITS = ("kB", "MB", "GB", "TB")


def size(count: int) -> str:
    """Bytes in the unit that suits, such as ``1.2 MB``; 1 kB is 1,000 bytes."""
    if count < 1000:
        return counted(count, "byte")
    number = float(count)
    for unit in _UNITS:
        number /= 1000
        if number < 999.95 or unit == _UNITS[-1]:
            break
    return f"{number:.1f} {unit}"


def counted(count: int, one: str, many: str = "") -> str:
    """``1 project``, ``1,234 projects``."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def duration(seconds: float) -> str:
    """About how long, rounded up: ``1 second``, ``12 minutes``, ``2 hours 30 minutes``, ``5 days``."""
    whole = max(0, math.ceil(seconds))
    if whole < 2 * 60:
        return counted(whole, "second")
    minutes = -(-whole // 60)
    if minutes < 2 * 60:
        return counted(minutes, "minute")
    if minutes < 2 * 24 * 60:
        return _with_rest(counted(minutes // 60, "hour"), minutes % 60, "minute")
    hours = -(-minutes // 60)
    return _with_rest(counted(hours // 24, "day"), hours % 24, "hour")


def _with_rest(said: str, rest: int, unit: str) -> str:
    return f"{said} {counted(rest, unit)}" if rest else said


def named(names: Sequence[str], most: int) -> str:
    """``a, b and 3 more``: the first ``most``, and how many there are beside them."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")
