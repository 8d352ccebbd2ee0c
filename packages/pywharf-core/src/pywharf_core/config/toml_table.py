"""One table of a TOML document, read key by key; every problem is a sentence that names file, table and key."""

from __future__ import annotations

import difflib
import json
import math
import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pywharf_core.options import Key, Kind, keys_of
from pywharf_core.secret import Secret

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+\Z")
_SHOWN_CHARACTERS = 60
_USER_INFORMATION = re.compile(r"(?<=://)[^/@\s]*@")
_ENVIRONMENT_NAME = re.compile(r"[A-Z_][A-Z0-9_]*\Z")
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


def parse_tables(text: str, source: str, problems: list[str]) -> Mapping[str, TomlTable]:
    """The tables of a document by their names as written.

    :param source: the document's name in problems.
    """
    try:
        document = tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        problems.append(f"{source}: not TOML: {error}")
        return {}
    for name, value in document.items():
        if not isinstance(value, dict):
            problems.append(f"{source}: {name}: stands outside of any table; put a line such as [local] above it")
    return {
        name: TomlTable(source, name, value, problems) for name, value in document.items() if isinstance(value, dict)
    }


def nearest(name: str, known: Iterable[str]) -> str:
    """``"; did you mean ...?"``, or nothing when nothing known is near."""
    found = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {found[0]}?" if found else ""


def one_of(known: Iterable[str]) -> str:
    """``one of "a", "b"``."""
    quoted = [f'"{name}"' for name in known]
    return quoted[0] if len(quoted) == 1 else f"one of {', '.join(quoted)}"


def shown(value: object) -> str:
    """``value`` as TOML, shortened; credentials in a URL are left out."""
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, str):
        text = json.dumps(_USER_INFORMATION.sub("***@", value), ensure_ascii=False)
    elif isinstance(value, list):
        text = f"[{', '.join(shown(item) for item in value)}]"
    elif isinstance(value, dict):
        text = "a table"
    else:
        text = str(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


class TomlTable:
    """Hands out values by key, notes what is wrong, and at the end what nobody asked for."""

    def __init__(self, source: str, name: str, values: Mapping[str, Any], problems: list[str]) -> None:
        self.name = name
        self.source = source
        self._values = values
        self._problems = problems
        self._known: dict[str, None] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def problem(self, sentence: str) -> None:
        """Note ``sentence``, which begins with a key or says what is wrong with the table."""
        shown_name = self.name if _BARE_KEY.match(self.name) else json.dumps(self.name, ensure_ascii=False)
        self._problems.append(f"{self.source}: [{shown_name}] {sentence}")

    def wrong(self, key: str, expected: str) -> None:
        """Note that the value of ``key``, which is shown, is not what is expected."""
        self.problem(f"{key} = {shown(self._values[key])}: expected {expected}")

    def raw(self, key: str) -> Any:
        """The value as TOML has it; None if absent."""
        self._known[key] = None
        return self._values.get(key)

    def options(self, options: type) -> Any:
        """An instance of an options class, or None after a problem."""
        before = len(self._problems)
        values = {key.name: self.take(key) for key in keys_of(options)}
        if len(self._problems) > before:
            return None
        made = options(**values)
        sentences: Sequence[str] = made.problems() if hasattr(made, "problems") else ()
        for sentence in sentences:
            self.problem(sentence)
        return None if sentences else made

    def take(self, key: Key) -> Any:
        """The value of ``key``, or its default. After a problem: None."""
        self._known.update(dict.fromkeys(key.spellings))
        given = [spelling for spelling in key.spellings if spelling in self._values]
        if len(given) > 1:
            self.problem(f"{' and '.join(given)} are given; one of them is enough")
            return None
        if not given:
            if key.required:
                others = "".join(f" or {other}" for other in key.spellings[1:])
                self.problem(f"{key.name}{others}: missing; expected {expectation(key)}")
                return None
            return key.default
        return self._secret(given[0], key) if key.kind is Kind.SECRET else self._plain(key)

    def refuse_tables_inside(self) -> bool:
        """A problem for each table inside of this one: mostly a dotted name without quotes.

        :returns: whether nothing else is here.
        """
        inside = [key for key, value in self._values.items() if isinstance(value, dict)]
        for key in inside:
            self._known[key] = None
            self.problem(f'{key}: a table inside of a table; a name with a dot needs quotes: ["{self.name}.{key}"]')
        return bool(inside) and len(inside) == len(self._values)

    def close(self, belongs: Mapping[str, str] | None = None) -> None:
        """Every key that nobody asked for is a problem.

        :param belongs: what to say of a key that means something elsewhere.
        """
        for key in self._values:
            if key in self._known:
                continue
            if belongs and key in belongs:
                self.problem(f"{key}: {belongs[key]}")
            else:
                self.problem(f"{key}: unknown key{nearest(key, self._known)}")

    def _plain(self, key: Key) -> Any:
        value = self._values[key.name]
        converted = _converted(value, key)
        if converted is None or (key.check is not None and not key.check(converted)):
            self.wrong(key.name, expectation(key))
            return None
        return converted

    def _secret(self, spelling: str, key: Key) -> Secret | None:
        value = self._values[spelling]
        if spelling == key.name:
            if is_secret_text(value):
                return Secret(value)
            self.problem(f"{spelling}: expected {expectation(key)}")
        elif spelling.endswith("_env"):
            return self.from_environment(spelling)
        else:
            try:
                return Secret.from_hash(value)
            except (ValueError, AttributeError):
                self.problem(f"{spelling}: expected a line made by `pywharf hash_secret`, such as scrypt$n=16384,…")
        return None

    def from_environment(self, key: str) -> Secret | None:
        """The secret in the environment variable that ``key`` names.

        What is no usual variable name is not shown: people put the secret itself there.
        """
        name = self.raw(key)
        if not isinstance(name, str) or not name or "=" in name or "\0" in name:
            self.problem(f'{key}: expected the name of an environment variable, such as "PYWHARF_SECRET"')
            return None
        said = name if _ENVIRONMENT_NAME.match(name) else "that it names"
        value = os.environ.get(name)
        if value is None:
            self.problem(f"{key}: the environment variable {said} is not set")
        elif not is_secret_text(value):
            self.problem(
                f"{key}: the environment variable {said} holds no usable secret: it is empty or holds control "
                "characters, such as a line break at its end"
            )
        else:
            return Secret(value)
        return None


def is_secret_text(value: object) -> bool:
    """Whether ``value`` can be a password in Basic authentication (RFC 7617)."""
    if not isinstance(value, str) or not value or _CONTROL.search(value):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:  # bytes of the environment that are not UTF-8
        return False
    return True


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


def _converted(value: Any, key: Key) -> Any:
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
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    if key.kind is Kind.INTEGER and not isinstance(value, int):
        return None
    if key.minimum is not None and value < key.minimum:
        return None
    return float(value) if key.kind is Kind.NUMBER else value
