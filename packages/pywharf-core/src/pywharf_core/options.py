"""Options of a plugin: one frozen dataclass from which TOML keys, flags and the docs' tables are derived.

A field's type is one of ``str``, ``int``, ``float``, ``bool``, ``Path``, ``Secret``, ``tuple[str, ...]``, a ``Literal`` of
strings, or one of these ``| None``. A field of type ``Secret`` named ``x`` is written as ``x`` (plain), ``x_hash``
(made by ``pywharf hash_secret``) or ``x_env`` (the name of an environment variable).
"""

from __future__ import annotations

import dataclasses
from typing import Any

_REQUIRED: Any = dataclasses.MISSING


def option(help: str, *, default: Any = _REQUIRED, example: str = "", minimum: int | None = None) -> Any:
    """A field of an options class.

    ``Any``, as for ``dataclasses.field``: the annotation beside it is the type.

    :param help: one line, for ``--help`` and the docs; without a final period.
    :param default: what absence means; without it the key must be given.
    :param example: a valid value as TOML, shown when a wrong one was found.
    :param minimum: the smallest number allowed.
    """
    metadata = {"help": help, "example": example, "minimum": minimum}
    return dataclasses.field(default=default, metadata=metadata)
