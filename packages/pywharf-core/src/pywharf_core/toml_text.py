"""TOML in both directions: read by the standard library, written by ``toml`` through an encoder that escapes rightly."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

import toml

_MUST_ESCAPE = re.compile(r'[\x00-\x1f"\\\x7f\ud800-\udfff]')
_SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


class _Encoder(toml.TomlEncoder):  # toml 0.10.2 writes U+007F raw and mistakes some backslashes
    def __init__(self) -> None:
        super().__init__()
        self.dump_funcs[str] = _quote

    def dump_list(self, v: Any) -> str:
        return "[" + ", ".join(str(self.dump_value(item)) for item in v) + "]"


def dumps(document: Mapping[str, Any]) -> str:
    """``document`` as TOML that ``loads`` reads back as it was; strings may hold any character but lone surrogates,
    which become U+FFFD."""
    return toml.dumps({_key(key): value for key, value in document.items()}, encoder=_Encoder())


def loads(text: str) -> dict[str, Any]:
    """Read a TOML document.

    :raises ValueError: it is not TOML.
    """
    return tomllib.loads(text)


def _quote(text: str) -> str:
    return '"' + _MUST_ESCAPE.sub(_escape, text) + '"'


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if "\ud800" <= character <= "\udfff":
        return "�"
    return _SHORT.get(character) or f"\\u{ord(character):04x}"


def _key(key: str) -> str:
    return key
