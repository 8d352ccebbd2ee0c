"""One table of a TOML document, read key by key; every problem is a sentence that names file, table and key."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from pywharf_core.config.values import converted, expectation, is_secret_text
from pywharf_core.config.wording import nearest, shown, written
from pywharf_core.options import Key, Kind, keys_of
from pywharf_core.secret import Secret

_ENVIRONMENT_NAME = re.compile(r"[A-Z_][A-Z0-9_]*\Z")


def parse_tables(text: str, source: str, problems: list[str]) -> Mapping[str, TomlTable]:
    """The tables of a document by their names as written.

    :param source: the document's name in problems.
    """
    try:
        document = tomllib.loads(text.removeprefix("\ufeff"))
    except RecursionError:
        problems.append(f"{source}: not a configuration: its values are nested too deeply")
        return {}
    except ValueError as error:  # a number of thousands of digits is no TOMLDecodeError
        problems.append(f"{source}: not TOML: {error}")
        return {}
    for name, value in document.items():
        if not isinstance(value, dict):
            problems.append(
                f"{source}: {written(name)}: stands outside of any table; put a line such as [local] above it"
            )
    return {
        name: TomlTable(source, name, value, problems) for name, value in document.items() if isinstance(value, dict)
    }


class TomlTable:
    """Hands out values by key, notes what is wrong, and at the end what nobody asked for."""

    def __init__(self, source: str, name: str, values: Mapping[str, Any], problems: list[str]) -> None:
        self.name = name
        self.source = source
        self._values = values
        self._problems = problems
        self._known: dict[str, None] = {}
        self._place = ""

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def problem(self, sentence: str) -> None:
        """Note ``sentence``, which begins with a key or says what is wrong with the table."""
        self._problems.append(f"{self.source}: [{written(self.name)}] {self._place}{sentence}")

    def wrong(self, key: str, expected: str) -> None:
        """Note that the value of ``key``, which is shown, is not what is expected."""
        self.problem(f"{key} = {shown(self._values[key])}: expected {expected}")

    def inside(self, place: str, values: Mapping[str, Any]) -> TomlTable:
        """A table that is the value, or part of the value, of a key; problems name it by ``place``."""
        table = TomlTable(self.source, self.name, values, self._problems)
        table._place = f"{place}: "
        return table

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
        """A problem for each table inside of this one that nobody asked for: mostly a dotted name without quotes.

        :returns: whether nothing else is here.
        """
        inside = [key for key, value in self._values.items() if isinstance(value, dict) and key not in self._known]
        for key in inside:
            self._known[key] = None
            dotted = json.dumps(f"{self.name}.{key}", ensure_ascii=False)
            self.problem(f"{written(key)}: a table inside of a table; a name with a dot needs quotes: [{dotted}]")
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
                self.problem(f"{written(key)}: unknown key{nearest(key, self._known)}")

    def _plain(self, key: Key) -> Any:
        value = self._values[key.name]
        right = converted(value, key)
        if right is None or (key.check is not None and not key.check(right)):
            near = nearest(value, key.choices) if isinstance(value, str) else ""
            self.wrong(key.name, expectation(key) + near)
            return None
        return right

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
