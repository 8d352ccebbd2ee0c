"""Which addresses that a stranger wrote are links on our pages."""

from __future__ import annotations

from urllib.parse import urlsplit

_LONGEST = 2000  # characters


def outside_link(url: str) -> str | None:
    """The address if it leads to a site or a mailbox: paths lead nowhere here, and anything else is no link."""
    url = url.strip()
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if len(url) > _LONGEST or any(not character.isprintable() for character in url):
        return None
    if parts.scheme in ("http", "https") and parts.hostname:
        return url
    return url if parts.scheme == "mailto" and parts.path else None
