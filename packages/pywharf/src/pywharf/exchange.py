"""What one HTTP exchange carries from the front through admission to its route, kept in the ASGI scope."""

from __future__ import annotations

from typing import cast

from starlette.types import Message, Receive, Scope

from pywharf.admitted import Admitted
from pywharf.measurements import Measurements
from pywharf.page_cache import PageCache
from pywharf.session_table import Session
from pywharf.sessions import Sessions
from pywharf.threads import StorageThreads
from pywharf.wharf_in_force import OpenWharf
from pywharf_core.repository import Repository

_KEY = "pywharf.exchange"


class Exchange:
    """Made once per request.

    :ivar opened: the repositories that answer; None: the server was never configured.
    :ivar selected: the repository named by ``/r/<repository>/``; None: the username names it.
    :ivar repository: the one that the caller was admitted to, for the log.
    :ivar prefix: the path under which a proxy shows this server: "" or "/some/path".
    :ivar admitted: who the caller turned out to be; None: nobody yet.
    :ivar session: of the request's cookie, where it has no credentials of its own; None: none.
    :ivar sessions: all of this ROOT; None: the application has none.
    :ivar for_people: a page for people is asked for, which no package tool does.
    :ivar headers: the request's, by lower-case name; those sent several times joined by commas (RFC 9110, section 5.3).
    :ivar client: the address of the client, as far as trusted proxies tell.
    """

    __slots__ = (
        "_receive", "admitted", "body_done", "client", "for_people", "headers", "opened", "prefix", "repository",
        "selected", "session", "sessions", "started",
    )  # fmt: skip

    def __init__(
        self,
        scope: Scope,
        selected: str | None,
        client: str,
        receive: Receive,
        *,
        prefix: str = "",
        sessions: Sessions | None = None,
    ) -> None:
        self.opened: OpenWharf | None = None
        self.headers = _headers(scope)
        self.selected = selected
        self.client = client
        self.prefix = prefix
        self.repository: Repository | None = None
        self.admitted: Admitted | None = None
        self.session: Session | None = None
        self.sessions = sessions
        self.for_people = False
        self.body_done = False
        self.started = False
        self._receive = receive

    @property
    def _in_force(self) -> OpenWharf:
        assert self.opened is not None, "an admitted caller has an open repository"
        return self.opened

    @property
    def pages(self) -> PageCache:
        return self._in_force.pages

    @property
    def measurements(self) -> Measurements:
        return self._in_force.measurements

    @property
    def page_threads(self) -> StorageThreads:
        """See ``OpenWharf``; so of all threads here."""
        return self._in_force.page_threads

    @property
    def search_threads(self) -> StorageThreads:
        return self._in_force.search_threads

    @property
    def status_threads(self) -> StorageThreads:
        return self._in_force.status_threads

    def threads(self, repository: Repository) -> StorageThreads:
        return self._in_force.threads[repository.name]

    def index_threads(self, repository: Repository) -> StorageThreads:
        return self._in_force.index_threads[repository.name]

    def disk_threads(self, repository: Repository) -> StorageThreads:
        return self._in_force.disk_threads[repository.name]

    def changing(self, repository: Repository) -> StorageThreads:
        return self._in_force.changing[repository.name]

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
            # HTTP/2 sends cookies one by one (RFC 9113, section 8.2.3).
            between = b"; " if name == b"cookie" else b", "
            headers[name] = headers[name] + between + value if name in headers else value
    return headers


def exchange_of(scope: Scope) -> Exchange:
    return cast(Exchange, scope[_KEY])


def attach(scope: Scope, exchange: Exchange) -> None:
    scope[_KEY] = exchange
