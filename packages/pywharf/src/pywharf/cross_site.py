"""Requests that another site's page makes in a visitor's browser, with the credentials that the browser keeps for us."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from pywharf_core.errors import NotPermitted


def refuse_foreign_pages(headers: Mapping[bytes, bytes]) -> None:
    """Refuse what changes something if a browser says that it comes from elsewhere; package tools send neither header.

    Fetch Metadata (``Sec-Fetch-Site``), and ``Origin`` for browsers that do not know it.

    :raises NotPermitted: it does.
    """
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        foreign = site not in (b"same-origin", b"none")
    else:
        origin = headers.get(b"origin")
        foreign = origin is not None and _host_of(origin) != headers.get(b"host", b"")
    if foreign:
        raise NotPermitted("This request comes from a page of another site; open this server's own page and try there.")


def _host_of(origin: bytes) -> bytes | None:
    """None: of no site, as ``null`` is."""
    try:
        return urlsplit(origin).netloc or None
    except ValueError:
        return None
