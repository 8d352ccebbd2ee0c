"""What a TOML value must be to be an option's value."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pywharf_core.config.wording import is_64_bit, one_of
from pywharf_core.options import Key, Kind

_PROJECT_GLOB = re.compile(r"[A-Za-z0-9._*?\[\]!-]+\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

_EXPECTED: Mapping[Kind, tuple[str, str]] = {
    Kind.TEXT: ("a text", '"text"'),
    Kind.INTEGER: ("a whole number", "1"),
    Kind.NUMBER: ("a number", "1.5"),
    Kind.BOOLEAN: ("true or false", ""),
    Kind.PATH: ("a path", '"/srv/packages"'),
    Kind.SECRET: ("a text in quotes, not empty, without control characters", ""),
    Kind.TEXTS: ("a list of texts", '["text"]'),
}


def is_secret_text(value: object) -> bool:
    """Whether ``value`` can be a password in Basic authentication (RFC 7617)."""
    if not isinstance(value, str) or not value or _CONTROL.search(value):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:  # bytes of the environment that are not UTF-8
        return False
    return True


def is_project_glob(text: str) -> bool:
    """Whether ``text`` can cover a project's name."""
    return _PROJECT_GLOB.match(text) is not None


def is_plain_url(url: str, *schemes: str) -> bool:
    """Whether ``url`` is absolute, of one of ``schemes``, without credentials, query and fragment."""
    try:
        parts = urlsplit(url)
        port_is_right = parts.port is None or parts.port > 0
    except ValueError:
        return False
    plain = not (parts.username or parts.password or parts.query or parts.fragment) and url.isprintable()
    return parts.scheme in schemes and bool(parts.hostname) and port_is_right and plain and " " not in url


def expectation(key: Key) -> str:
    """What a right value of ``key`` is, in words and by example."""
    if key.kind is Kind.CHOICE:
        return one_of(key.choices)
    words, example = _EXPECTED[key.kind]
    words = key.expected or words
    if key.minimum is not None and not key.expected:
        words += f" from {key.minimum}"
    example = key.example or ("" if key.expected else example)
    return f"{words}, such as {example}" if example else words


def converted(value: Any, key: Key) -> Any:
    """``value`` as ``key`` wants it; None if it cannot be that."""
    match key.kind:
        case Kind.BOOLEAN:
            return value if isinstance(value, bool) else None
        case Kind.TEXT:
            return value if isinstance(value, str) else None
        case Kind.CHOICE:
            return value if value in key.choices else None
        case Kind.PATH:
            return Path(value).expanduser() if isinstance(value, str) and value and "\0" not in value else None
        case Kind.TEXTS:
            whole = isinstance(value, list) and all(isinstance(item, str) for item in value)
            return tuple(value) if whole else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not (is_64_bit(value) if isinstance(value, int) else math.isfinite(value)):
        return None
    if key.kind is Kind.INTEGER and not isinstance(value, int):
        return None
    if key.minimum is not None and value < key.minimum:
        return None
    return float(value) if key.kind is Kind.NUMBER else value
