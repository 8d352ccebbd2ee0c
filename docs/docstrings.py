"""Docstrings as Markdown, for the pages that are references: what the code says of itself is what they say."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from pywharf_core import model, storage_answers
from pywharf_core.auth import Auth, AuthType
from pywharf_core.object_storage import ObjectStorage
from pywharf_core.ranges import open_ranges
from pywharf_core.storage import Storage, StorageType

#: Whose methods the pages describe.
CONTRACTS = (ObjectStorage, Storage, StorageType, Auth, AuthType)

_FIELD = re.compile(r":(?P<kind>param|returns|raises|ivar|cvar) ?(?P<name>[\w.]*): (?P<text>.*)")
_LITERAL = re.compile(r"``([^`]+)``")


@dataclass(frozen=True)
class Field:
    """``:raises FileNotFound: it is gone`` is ``Field("raises", "FileNotFound", "it is gone")``."""

    kind: str
    name: str
    text: str


def blocks() -> Mapping[str, Callable[[], str]]:
    """How to make each block of Markdown, by its name: of a class its docstring (``Storage``), of a method its signature and
    docstring (``Storage.scan``), of a value class its source (``source StagedFile``)."""
    made: dict[str, Callable[[], str]] = {"open_ranges": partial(_function, open_ranges)}
    for contract in CONTRACTS:
        made[contract.__name__] = partial(_text, contract)
        made |= {f"{contract.__name__}.{name}": partial(_function, method) for name, method in methods(contract)}
    for module in (model, storage_answers):
        for name, value in vars(module).items():
            if inspect.isclass(value) and value.__module__ == module.__name__:
                made[f"source {name}"] = partial(_source, value)
    return made


def methods(contract: type) -> Iterator[tuple[str, Callable[..., object]]]:
    """The public methods that a class adds to what it derives from, in their order."""
    for name, value in vars(contract).items():
        new = not any(hasattr(base, name) for base in contract.__bases__)
        if inspect.isfunction(value) and not name.startswith("_") and new:
            yield name, value


def fields(documented: object) -> list[Field]:
    return _parsed(documented)[1]


def _parsed(documented: object) -> tuple[str, list[Field]]:
    """The text of a docstring, and its fields."""
    text: list[str] = []
    found: list[Field] = []
    for line in (inspect.getdoc(documented) or "").splitlines():
        if match := _FIELD.fullmatch(line):
            found.append(Field(match["kind"], match["name"], match["text"]))
        elif found and line.strip():
            last = found[-1]
            found[-1] = Field(last.kind, last.name, f"{last.text} {line.strip()}")
        else:
            text.append(line)
    return _LITERAL.sub(r"`\1`", "\n".join(text).strip()), found


def _text(documented: object) -> str:
    text, found = _parsed(documented)
    return "\n\n".join([text, *(["\n".join(map(_line, found))] if found else [])])


def _line(field: Field) -> str:
    text = _LITERAL.sub(r"`\1`", field.text)
    told = {"returns": "Returns", "raises": f"Raises `{field.name}`"}.get(field.kind, f"`{field.name}`")
    return f"- {told}: {text}"


def _function(function: Callable[..., object]) -> str:
    signature = inspect.signature(function)
    parameters, star = [], False
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not star:
            parameters.append("*")
            star = True
        default = "" if parameter.default is parameter.empty else f" = {_shown(parameter.default)}"
        annotation = "" if parameter.annotation is parameter.empty else f": {parameter.annotation}"
        parameters.append(f"{parameter.name}{annotation}{default}")
    line = f"def {function.__name__}({', '.join(parameters)}) -> {signature.return_annotation}"
    if len(line) > 100:
        line = f"def {function.__name__}(\n    {', '.join(parameters)}\n) -> {signature.return_annotation}"
    return f"```python\n{line}\n```\n\n{_text(function)}"


def _shown(default: object) -> str:
    return "..." if callable(default) else repr(default)


def _source(documented: type) -> str:
    return f"```python\n{inspect.getsource(documented).rstrip()}\n```"
