"""Pages that a browser may keep and ask whether they are still true; and answers to HEAD."""

from __future__ import annotations

from starlette.responses import Response
from starlette.types import Scope

from pywharf.conditional import entity_tag, matches
from pywharf.exchange import exchange_of

_KEPT_WITH_304 = ("etag", "cache-control", "vary")  # RFC 9110, section 15.4.5


def validated(scope: Scope, response: Response) -> Response:
    """The response with an entity tag, or 304 where the visitor has this very page.

    Only for visitors without a session: a page of one who is logged in stays in no browser, see ``rendering``.
    """
    exchange = exchange_of(scope)
    if exchange.session is None and response.status_code == 200:
        repository = "" if exchange.admitted is None else exchange.admitted.repository.name
        tag = entity_tag(repository, bytes(response.body))
        response.headers["Cache-Control"] = "private, no-cache"
        response.headers["ETag"] = tag.decode()
        if matches(exchange.headers, tag):
            kept = {name: response.headers[name] for name in _KEPT_WITH_304}
            return Response(status_code=304, headers=kept)
    if scope["method"] == "HEAD":
        response.body = b""  # its length is told already
    return response
