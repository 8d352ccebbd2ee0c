"""Which representation a client wants: content negotiation as the Simple Repository API asks (PEP 691, RFC 9110)."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache

from pywharf_core.errors import NotAcceptable


class Representation(StrEnum):
    """What a page can be sent as; the value is the Content-Type of the answer."""

    JSON = "application/vnd.pypi.simple.v1+json"
    HTML_V1 = "application/vnd.pypi.simple.v1+html"
    HTML = "text/html"


#: From the most expressive to the least.
_BY_EXPRESSIVENESS = (Representation.JSON, Representation.HTML_V1, Representation.HTML)

#: The names under which each representation may be asked for.
_NAMES = {
    Representation.JSON: ("application/vnd.pypi.simple.v1+json", "application/vnd.pypi.simple.latest+json"),
    Representation.HTML_V1: ("application/vnd.pypi.simple.v1+html", "application/vnd.pypi.simple.latest+html"),
    Representation.HTML: ("text/html",),
}
_BY_NAME = {name: representation for representation, names in _NAMES.items() for name in names}

_QUALITY = re.compile(r"0(?:\.[0-9]*)?|1(?:\.0*)?")
_MOST_RANGES = 100  # that are read; browsers send ten
_LONGEST_REMEMBERED = 500  # characters; real headers have fewer, and a cache must not grow by the clients' will


def choose(accept: str | None, format: str | None = None) -> Representation:
    """The representation to answer with.

    :param accept: the ``Accept`` header, several joined by commas; None or empty: the client takes anything.
    :param format: the URL parameter ``format``, which beats the header; None: not given.
    :raises NotAcceptable: the client takes nothing that we have.
    """
    if format is not None:
        return _named(format)
    if accept is None:
        return Representation.HTML
    chosen = _accepted_and_remembered(accept) if len(accept) <= _LONGEST_REMEMBERED else _accepted(accept)
    if chosen is None:
        raise NotAcceptable(f"This page can be had as {_offer()}; the Accept header allows none of these.")
    return chosen


def _named(format: str) -> Representation:
    # A form decoder reads the + of an unquoted ?format=application/vnd.pypi.simple.v1+json as a space.
    chosen = _BY_NAME.get(format.strip().replace(" ", "+").lower())
    if chosen is None:
        raise NotAcceptable(f"This page can be had as {_offer()}; the URL's parameter format asks for something else.")
    return chosen


def _offer() -> str:
    *others, last = _BY_EXPRESSIVENESS
    return f"{', '.join(others)} or {last}"


def _accepted(accept: str) -> Representation | None:
    ranges = media_ranges(accept)
    if not ranges and not accept.strip(" \t,"):
        return Representation.HTML
    found = {representation: _quality(representation, ranges) for representation in _BY_EXPRESSIVENESS}
    best = max(quality for quality, _ in found.values())
    if best == 0:
        return None
    candidates = {representation: how for representation, (quality, how) in found.items() if quality == best}
    for representation, how in candidates.items():
        if how == _EXACT:
            return representation
    # hatch and pipenv read anchors with `Accept: */*`: whoever names nothing gets what everybody can read.
    if candidates.get(Representation.HTML) == _ANYTHING:
        return Representation.HTML
    return next(iter(candidates))


_accepted_and_remembered = lru_cache(maxsize=256)(_accepted)

_EXACT, _SUBTYPES, _ANYTHING, _UNNAMED = range(4)  # how a range matched: the earlier is the more specific


def _quality(representation: Representation, ranges: dict[str, int]) -> tuple[int, int]:
    """How much it is wanted, in thousandths, and by how specific a range."""
    named = [ranges[name] for name in _NAMES[representation] if name in ranges]
    if named:
        return (0 if 0 in named else max(named)), _EXACT
    family = representation.partition("/")[0] + "/*"
    if family in ranges:
        return ranges[family], _SUBTYPES
    if "*/*" in ranges:
        return ranges["*/*"], _ANYTHING
    return 0, _UNNAMED


def media_ranges(accept: str) -> dict[str, int]:
    """Thousandths of quality by media range; what does not follow the grammar is left out, and so is what comes after
    the first hundred."""
    ranges: dict[str, int] = {}
    for element in accept.split(",", _MOST_RANGES)[:_MOST_RANGES]:
        name, *parameters = element.split(";")
        quality = 1000
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip().lower() == "q":
                number = value.strip()
                quality = round(float(number) * 1000) if _QUALITY.fullmatch(number) else -1
                break
        name = name.strip().lower()
        if name == "*":  # what Java's URLConnection means by `*; q=.2`
            name = "*/*"
        if quality >= 0 and "/" in name:
            ranges[name] = max(quality, ranges.get(name, 0))
    return ranges
