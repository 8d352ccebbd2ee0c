"""TOML both ways: the standard library reads it, ``toml`` writes it through an encoder that escapes rightly."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import toml

if TYPE_CHECKING:
    _TomlEncoder = toml.TomlEncoder[dict[str, Any]]  # generic in its stubs only
else:
    _TomlEncoder = toml.TomlEncoder

_MUST_ESCAPE = re.compile(r'[\x00-\x1f"\\\x7f\ud800-\udfff]')
_SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+\Z")


class _Encoder(_TomlEncoder):
    """toml 0.10.2 writes U+007F raw, mistakes some backslashes and keys, and spells subclasses of str as lists."""

    def dump_sections(self, o: dict[str, Any], sup: str) -> tuple[str, dict[str, Any]]:
        return "".join(f"{line}\n" for line in self._lines(o, sup)), {}

    def dump_value(self, v: Any) -> str:
        if isinstance(v, str):
            return _quote(v)
        if isinstance(v, Mapping):
            pairs = (f"{_key(key)} = {self.dump_value(value)}" for key, value in v.items() if value is not None)
            return "{ " + ", ".join(pairs) + " }" if v else "{}"
        if isinstance(v, list | tuple):
            return "[" + ", ".join(self.dump_value(item) for item in v) + "]"
        if v is None:
            raise ValueError("TOML cannot say None inside an array")
        return str(super().dump_value(v))

    def _lines(self, table: Mapping[str, Any], path: str) -> Iterator[str]:
        below = []  # what follows a header belongs to it, so plain values come first
        for name, value in table.items():
            if isinstance(value, Mapping):
                below.append((name, [value], "[{}]"))
            elif isinstance(value, list | tuple) and value and all(isinstance(item, Mapping) for item in value):
                below.append((name, list(value), "[[{}]]"))
            elif value is not None:
                yield f"{_key(name)} = {self.dump_value(value)}"
        for name, subtables, header in below:
            subpath = f"{path}.{_key(name)}" if path else _key(name)
            for subtable in subtables:
                yield ""
                yield header.replace("{}", subpath)
                yield from self._lines(subtable, subpath)


def dumps(document: Mapping[str, Any]) -> str:
    """``document`` as TOML that ``loads`` reads back as it was.

    Strings may hold any character but lone surrogates, which become U+FFFD. Values that are None are left out; tuples
    become arrays.

    :raises ValueError: None inside an array.
    """
    return toml.dumps(dict(document), encoder=_Encoder())


def loads(text: str) -> dict[str, Any]:
    """Read a TOML document.

    :raises ValueError: it is not TOML, or nested too deeply to be read.
    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _key(name: str) -> str:
    return name if _BARE_KEY.match(name) else _quote(name)


def _quote(text: str) -> str:
    return '"' + _MUST_ESCAPE.sub(_escape, text) + '"'


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if "\ud800" <= character <= "\udfff":
        return "\ufffd"
    return _SHORT.get(character) or f"\\u{ord(character):04x}"
