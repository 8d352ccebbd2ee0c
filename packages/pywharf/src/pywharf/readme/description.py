"""A release's long description, made ready to stand in a page."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from html import escape


class Shape(StrEnum):
    """How a description is shown."""

    RENDERED = "rendered"
    PLAIN = "plain"  # as the text that it is, and is meant to be
    BROKEN = "broken"  # as text: it does not keep the rules of its content type, or rendering it takes too long
    CUT = "cut"  # the beginning of it, as text: it is too long
    NOT_NOW = "not now"  # as text: too many others are being rendered


@dataclass(frozen=True, slots=True)
class Description:
    """:ivar html: safe to stand in a page as it is; "": there is no description."""

    html: str
    shape: Shape


def plain(text: str, shape: Shape = Shape.PLAIN) -> Description:
    """The text itself, line by line."""
    return Description(f'<pre class="plain" tabindex="0">{escape(text)}</pre>' if text.strip() else "", shape)
