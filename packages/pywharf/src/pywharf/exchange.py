"""What one HTTP exchange carries from the front through admission to its route, kept in the ASGI scope."""

from __future__ import annotations

from typing import cast

from starlette.types import Message, Receive, Scope

from pywharf.page_cache import PageCache
from pywharf.threads import StorageThreads
from pywharf.wharf_in_force import OpenWharf
from pywharf_core.repository import Repository

_KEY = "pywharf.exchange"


class Exchange:
    """Made once per request.

    :ivar opened: the repositories that answer; None: the server was never configured.
    :ivar selected: the repository named by ``/r/<repository>/``; None: the username names it.
    :ivar repository: the one that the caller was admitted to, for the log.
    :ivar headers: the request's, by lower-case name; those sent several times joined by commas (RFC 9110, section 5.3).
    :ivar client: the address of the client, as far as trusted proxies tell.
    """

    __slots__ = ("_receive", "body_done", "client", "headers", "opened", "repository", "selected", "started")

    def __init__(self, scope: Scope, selected: str | None, client: str, receive: Receive) -> None:
        self.opened: OpenWharf | None = None
        self.headers = _headers(scope)
        self.selected = selected
        self.client = client
        self.repository: Repository | None = None
        self.body_done = False
        self.started = False
        self._receive = receive

    @property
    def pages(self) -> PageCache:
        assert self.opened is not None, "an admitted caller has an open repository"
        return self.opened.pages

    def threads(self, repository: Repository) -> StorageThreads:
        assert self.opened is not None, "an admitted caller has an open repository"
        return self.opened.threads[repository.name]

    async def receive(self) -> Message:
        """ASGI ``receive`` that notices when the request's body has come to its end."""
        message = await self._receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            self.body_done = True
        return message


def _headers(scope: Scope) -> dict[bytes, bytes]:
    headers: dict[bytes, bytes] = dict(scope["headers"])
    if len(headers) != len(scope["headers"]):
        headers.clear()
        for name, value in scope["headers"]:
            headers[name] = b"%s, %s" % (headers[name], value) if name in headers else value
    return headers


def exchange_of(scope: Scope) -> Exchange:
    return cast(Exchange, scope[_KEY])


def attach(scope: Scope, exchange: Exchange) -> None:
    scope[_KEY] = exchange
