"""Whether a person's browser asks for a page, and sending it to the login.

Never by User-Agent. Package tools get their 401, whatever they accept.
"""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from starlette.responses import RedirectResponse, Response
from starlette.types import Scope

from pywharf.conditional import VARY
from pywharf.exchange import Exchange, exchange_of
from pywharf.pages.addresses import addresses_of, own_path
from pywharf_core.simple.negotiate import media_ranges


def is_navigation(exchange: Exchange) -> bool:
    """Whether a browser loads this as a page (``Sec-Fetch-Mode: navigate``, and HTML before all else in ``Accept``).

    Browsers say ``Sec-Fetch-Mode`` to trustworthy origins only: TLS, or this machine. Elsewhere ``Accept`` alone tells,
    and only at addresses that no package tool asks.
    """
    mode = exchange.headers.get(b"sec-fetch-mode")
    if mode != b"navigate" and (mode is not None or not exchange.for_people):
        return False
    ranges = media_ranges(exchange.headers.get(b"accept", b"").decode("latin-1"))
    return ranges.get("text/html", 0) > 0 and ranges["text/html"] == max(ranges.values())


def to_login(scope: Scope) -> Response:
    """303 to the login page, which leads back."""
    return see_other(addresses_of(scope).login)


def to_login_from_form(scope: Scope) -> Response:
    """303 to the login page, which says that nothing was done, and leads back to the page that has the form."""
    urls = addresses_of(scope)
    referer = exchange_of(scope).headers.get(b"referer", b"").decode("latin-1")
    try:
        came_from = urlsplit(referer)
    except ValueError:
        came_from = urlsplit("")
    page = own_path(scope, came_from.path + (f"?{came_from.query}" if came_from.query else "")) or f"{urls.root}/"
    return see_other(f"{urls.prefix}/login/?next={quote(page, safe='/')}&ended=1")


def see_other(path: str) -> Response:
    """303 to a path of ours, already quoted."""
    return RedirectResponse(path, 303, {"Cache-Control": "no-store", "Vary": VARY.decode()})
