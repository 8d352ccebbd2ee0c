"""Where this server is, as the client sees it: behind proxies, under prefixes, under ``/r/<repository>/``."""

from __future__ import annotations

import re
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response
from starlette.types import Scope

from pywharf.conditional import VARY
from pywharf.exchange import exchange_of

_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?\Z")


def base_url(scope: Scope) -> str:
    """Absolute, without a slash at its end: what stands in front of our paths in the URL that the client used."""
    return f"{_origin(scope)}{quote(scope.get('root_path', ''))}"


def server_url(scope: Scope) -> str:
    """Likewise, but never below ``/r/<repository>/``."""
    return f"{_origin(scope)}{quote(exchange_of(scope).prefix)}"


def moved(scope: Scope, path: str) -> Response:
    """301 to another path of ours, with the query kept.

    :param path: below the prefixes of this request, not yet quoted.
    """
    # Relative to our own root: clients resolve it against the URL they used, whatever proxy is in front.
    query = f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else ""
    headers = {"Vary": VARY.decode(), "Cache-Control": "private, no-cache"}
    return RedirectResponse(f"{scope.get('root_path', '')}{quote(path)}{query}", 301, headers)


def _origin(scope: Scope) -> str:
    host = exchange_of(scope).headers.get(b"host", b"").decode("latin-1")
    if not _HOST.match(host):  # HTTP/1.0, or nonsense
        host = _listening(scope)
    return f"{scope.get('scheme', 'http')}://{host}"


def _listening(scope: Scope) -> str:
    address, port = scope.get("server") or ("localhost", None)
    if port is None:  # a Unix socket
        return "localhost"
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
