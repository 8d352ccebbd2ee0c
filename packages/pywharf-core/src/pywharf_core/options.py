"""Options of a plugin: one frozen dataclass from which TOML keys, flags and the docs' tables are derived.

A field's type is one of ``str``, ``int``, ``float``, ``bool``, ``Path``, ``Secret``, ``tuple[str, ...]``, a ``Literal``
of strings, or one of these ``| None``. A field of type ``Secret`` named ``x`` is written as ``x`` (plain), ``x_hash``
(made by ``pywharf hash_secret``) or ``x_env`` (the name of an environment variable).

The class may have a method ``problems(self) -> Sequence[str]``: one sentence for each thing that is wrong with the
values together, asked once every value for itself is right.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any

from pywharf_core.secret import Secret

_REQUIRED: Any = dataclasses.MISSING


def option(
    help: str,
    *,
    default: Any = _REQUIRED,
    example: str = "",
    minimum: int | None = None,
    expected: str = "",
    check: Callable[[Any], bool] | None = None,
    under_root: bool = False,
    must_be_readable: bool = False,
) -> Any:
    """A field of an options class.

    ``Any``, as for ``dataclasses.field``: the annotation beside it is the type.

    :param help: one line, for ``--help`` and the docs; without a final period.
    :param default: what absence means; without it the key must be given.
    :param example: a valid value as TOML, shown when a wrong one was found.
    :param minimum: the smallest number allowed.
    :param expected: what a right value is, as in "expected a number of bytes"; empty: said by the type alone.
    :param check: whether a value of the right type is right; ``expected`` says what it looks for.
    :param under_root: absence (None) means a place under ROOT, so commands without a ROOT need the key.
    :param must_be_readable: of a secret: its hash alone would not do.
    """
    metadata = {
        "help": help,
        "example": example,
        "minimum": minimum,
        "expected": expected,
        "check": check,
        "under_root": under_root,
        "must_be_readable": must_be_readable,
    }
    return dataclasses.field(default=default, metadata=metadata)


class Kind(Enum):
    """What a value is written as."""

    TEXT = auto()
    INTEGER = auto()
    NUMBER = auto()
    BOOLEAN = auto()
    PATH = auto()
    SECRET = auto()
    TEXTS = auto()
    CHOICE = auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """One option, as everything that is derived from it needs it."""

    name: str
    kind: Kind
    required: bool
    default: object  # without meaning where required
    choices: tuple[str, ...] = ()
    help: str = ""
    example: str = ""
    minimum: int | None = None
    expected: str = ""
    check: Callable[[Any], bool] | None = None
    under_root: bool = False
    must_be_readable: bool = False

    @property
    def spellings(self) -> tuple[str, ...]:
        """The TOML keys by which it can be given."""
        if self.kind is not Kind.SECRET:
            return (self.name,)
        return (self.name, *(() if self.must_be_readable else (f"{self.name}_hash",)), f"{self.name}_env")


def keys_of(options: type) -> Sequence[Key]:
    """The options of an options class, in their order.

    :raises TypeError: it is no frozen dataclass, or a field has a type that no option can have.
    """
    # The only place that says whether a dataclass is frozen; the library's stubs do not know it.
    if not dataclasses.is_dataclass(options) or not options.__dataclass_params__.frozen:  # type: ignore[attr-defined]  # unknown to typeshed
        raise TypeError(f"{options!r} is not a frozen dataclass")
    try:
        hints = typing.get_type_hints(options)
    except NameError as error:
        raise TypeError(f"the types of {options.__name__} must be importable when the program runs: {error}") from error
    return [_key(field, hints[field.name], options) for field in dataclasses.fields(options)]


def _key(field: dataclasses.Field[Any], hint: Any, options: type) -> Key:
    kind, choices = _kind(hint)
    if kind is None:
        raise TypeError(f"{options.__name__}.{field.name} has a type that an option cannot have: {hint}")
    made = field.default_factory is not dataclasses.MISSING
    default = field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default
    required = not made and field.default is dataclasses.MISSING
    return Key(name=field.name, kind=kind, choices=choices, required=required, default=default, **field.metadata)


def _kind(hint: Any) -> tuple[Kind | None, tuple[str, ...]]:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        present = [part for part in typing.get_args(hint) if part is not type(None)]
        return _kind(present[0]) if len(present) == 1 else (None, ())
    if typing.get_origin(hint) is typing.Literal:
        choices = typing.get_args(hint)
        return (Kind.CHOICE, choices) if all(isinstance(choice, str) for choice in choices) else (None, ())
    if hint == tuple[str, ...]:
        return Kind.TEXTS, ()
    return _SIMPLE.get(hint), ()


_SIMPLE = {
    str: Kind.TEXT,
    int: Kind.INTEGER,
    float: Kind.NUMBER,
    bool: Kind.BOOLEAN,
    Path: Kind.PATH,
    Secret: Kind.SECRET,
}
