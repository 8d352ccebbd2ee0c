"""How problems of a configuration speak of keys, values and names."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+\Z")
_SHOWN_CHARACTERS = 60
_USER_INFORMATION = re.compile(r"(?<=://)[^/@\s]*@")


def written(key: str) -> str:
    """A key or a table's name as TOML writes it."""
    return key if _BARE_KEY.match(key) else json.dumps(key, ensure_ascii=False)


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
    elif isinstance(value, int) and not is_64_bit(value):
        text = "a number too large"
    else:
        text = str(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def is_64_bit(number: int) -> bool:
    """Whether TOML promises that everybody can read it."""
    return -(2**63) <= number < 2**63
