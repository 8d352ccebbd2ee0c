"""Pages for people: one environment of templates, and the headers that every such page carries."""

from __future__ import annotations

from collections.abc import Mapping

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.background import BackgroundTask
from starlette.responses import HTMLResponse, Response
from starlette.types import Scope

from pywharf.conditional import VARY
from pywharf.exchange import exchange_of
from pywharf.pages.addresses import addresses_of
from pywharf.pages.text import FILTERS
from pywharf.pages.visitor import visitor_of

#: Nothing from anywhere but this server, nothing inline, forms to nobody else, in nobody's frame.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)

_HEADERS = {
    # Each page is of one visitor at one moment; after a logout the way back in the browser shows nothing.
    "Cache-Control": "private, no-store",
    "Vary": VARY.decode(),
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: browsers would then say "Origin: null" of our own forms, and `cross_site` refuse them.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

#: Makes every page; ``autoescape`` is on whatever a template is called.
ENVIRONMENT = Environment(
    loader=PackageLoader("pywharf"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
ENVIRONMENT.filters.update(FILTERS)


def render(
    scope: Scope, template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **context: object
) -> Response:
    """A page for the visitor of this request.

    Beside ``context`` the template has ``visitor`` (a ``Visitor``) and ``urls`` (``Addresses``). The visitor's notice
    counts as shown.

    :param template: a name in ``templates/``.
    :param headers: in place of those that every page has, or beside them.
    """
    exchange = exchange_of(scope)
    visitor = visitor_of(scope)
    text = ENVIRONMENT.get_template(template).render(visitor=visitor, urls=addresses_of(scope), **context)
    sent = {**_HEADERS, **(headers or {})}
    if scope.get("scheme") == "https":  # elsewhere browsers complain that they ignore it
        sent["Cross-Origin-Opener-Policy"] = "same-origin"
    shown = None
    if visitor.notice and exchange.session is not None and exchange.sessions is not None and scope["method"] != "HEAD":
        shown = BackgroundTask(exchange.sessions.notice_was_shown, exchange.session)
    # Lone surrogates, which a metadata file may hold, are no text that can be sent.
    return HTMLResponse(text.encode("utf-8", "replace"), status, sent, background=shown)
