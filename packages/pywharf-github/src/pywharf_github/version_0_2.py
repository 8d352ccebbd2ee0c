"""Releases as pywharf 0.2 wrote them: the fields of the upload form as plain TOML."""

from __future__ import annotations

import re

from pywharf_core import toml_text

_LINE = re.compile(r'^(distrib|sha256|requires_python|comment) = "((?:[^"\\]|\\.)*)"$', re.MULTILINE)


def fields_in(body: str) -> dict[str, str]:
    """What a body of 0.2 says, as far as it is used; its ``toml`` wrote some texts that are not TOML."""
    try:
        document = toml_text.loads(body)
    except ValueError:
        document = dict(_LINE.findall(body))
    return {name: value for name, value in document.items() if isinstance(value, str) and value != "UNKNOWN"}
