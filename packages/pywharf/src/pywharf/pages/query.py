"""What stands behind the question mark of a page's address."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs

from starlette.types import Scope

_MOST_FIELDS = 20  # far more than any page of ours asks for


def query_of(scope: Scope) -> Mapping[str, str]:
    """The first value of each field; none at all if there are too many."""
    text = scope["query_string"].decode("latin-1")
    try:
        values = parse_qs(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="replace")
    except ValueError:
        return {}
    return {name: value[0] for name, value in values.items()}
