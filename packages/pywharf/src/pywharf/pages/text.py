"""What strangers wrote, made fit to be read: as text, of bounded length, in the order in which it was written."""

from __future__ import annotations

from datetime import UTC, datetime

from pywharf_core.amounts import counted, duration, size

_MOST = 1000  # characters of one field

# Nothing that turns around or hides what stands beside it: controls, and those of direction (Unicode Annex #9).
_INVISIBLE = [
    *range(0x09),
    0x0B,
    *range(0x0E, 0x20),
    *range(0x7F, 0xA0),
    *range(0x202A, 0x202F),
    *range(0x2066, 0x206A),
]
_SHOWN = dict.fromkeys(_INVISIBLE, "\N{REPLACEMENT CHARACTER}")


def shown(text: str, most: int = _MOST) -> str:
    """The text with a sign for whatever is not to be seen, cut where it is too long."""
    return visible(text if len(text) <= most else f"{text[:most]}…")


def visible(text: str) -> str:
    """The whole text with a sign for whatever is not to be seen."""
    return text.translate(_SHOWN)


def moment(value: datetime | float) -> str:
    """A time, or Unix seconds, to the minute: ``2026-11-22 17:05 UTC``."""
    return f"{_utc(value):%Y-%m-%d %H:%M} UTC"


def day(value: datetime) -> str:
    """Its date in UTC: ``2026-11-22``."""
    return f"{_utc(value):%Y-%m-%d}"


def machine_moment(value: datetime | float) -> str:
    """As the attribute ``datetime`` wants it: ``2026-11-22T17:05:03Z``."""
    return f"{_utc(value):%Y-%m-%dT%H:%M:%SZ}"


def _utc(value: datetime | float) -> datetime:
    return value.astimezone(UTC) if isinstance(value, datetime) else datetime.fromtimestamp(value, UTC)


FILTERS = {
    "counted": counted,
    "day": day,
    "duration": duration,
    "machine_moment": machine_moment,
    "moment": moment,
    "shown": shown,
    "size": size,
    "visible": visible,
}
