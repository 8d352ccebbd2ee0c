"""The outermost layer: request id, access log, the configuration in force, ``/r/<repository>/``, and errors."""

from __future__ import annotations

import re
import time

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pywharf import reason_phrase
from pywharf.cross_site import refuse_foreign_pages
from pywharf.early_answer import answer_early
from pywharf.exchange import Exchange, attach
from pywharf.http_errors import error_response
from pywharf.logs import AccessLog, new_request_id, request_id
from pywharf.measurements import Measurements
from pywharf.session_cookie import read_token
from pywharf.sessions import Sessions
from pywharf.wharf_in_force import WharfInForce
from pywharf_core.errors import WharfError

_SELECTED = re.compile(r"/r/([^/]+)(?=/|\Z)")
_SLASHES = re.compile(r"/{2,}")


class Front:
    """Wraps the router of one application."""

    def __init__(
        self,
        application: ASGIApp,
        in_force: WharfInForce,
        access_log: AccessLog,
        measurements: Measurements,
        sessions: Sessions,
    ) -> None:
        self._application = application
        self._in_force = in_force
        self._access_log = access_log
        self._measurements = measurements
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})  # before it was accepted: the server answers 403
            return
        if scope["type"] != "http":
            raise ValueError(f"pywharf speaks HTTP only, not {scope['type']}")
        started = time.perf_counter()
        token = request_id.set(new_request_id())
        prefix: str = scope.get("root_path", "").rstrip("/")
        selected = _prepare_path(scope)
        client = scope["client"][0] if scope.get("client") else ""
        status, size = 0, 0

        async def counting_send(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                exchange.started = True
            elif message["type"] == "http.response.body":
                size += len(message.get("body", b""))
            await send(message)

        self._measurements.in_flight += 1
        exchange = Exchange(scope, selected, client, receive, prefix=prefix, sessions=self._sessions)
        try:
            await self._answer(scope, exchange, counting_send)
        except ClientDisconnect:
            status = 499
        finally:
            seconds = time.perf_counter() - started
            repository = exchange.repository.name if exchange.repository else None
            self._access_log.write(
                method=scope["method"],
                path=scope["path"],
                status=status,
                size=size,
                seconds=seconds,
                repository=repository,
                client=client,
            )
            self._measurements.in_flight -= 1
            self._measurements.answered(
                scope.get("endpoint"), scope["method"], status, seconds=seconds, size=size, repository=repository
            )
            request_id.reset(token)

    async def _answer(self, scope: Scope, exchange: Exchange, send: Send) -> None:
        attach(scope, exchange)
        scope["app"] = self  # the router then raises what it does not find, instead of answering it
        try:
            if scope["method"] == "POST":
                refuse_foreign_pages(exchange.headers)
            if b"cookie" in exchange.headers and b"authorization" not in exchange.headers:
                token = read_token(scope)
                exchange.session = None if token is None else await self._sessions.open(token)
            opened = await self._in_force.current()
            if opened is None:
                await self._application(scope, exchange.receive, send)
                return
            exchange.opened = opened
            opened.enter()
            try:
                await self._application(scope, exchange.receive, send)
            finally:
                opened.leave()
        except ClientDisconnect:
            raise
        except Exception as error:
            self._measurements.failed(scope.get("endpoint"), scope["method"], error)
            if exchange.started:
                raise  # too late to say it: the server cuts the connection
            await _answer_error(scope, exchange, send, error)


async def _answer_error(scope: Scope, exchange: Exchange, send: Send, error: Exception) -> None:
    response = error_response(scope, error)
    if isinstance(error, WharfError) and response.status_code >= 400:
        send = reason_phrase.with_reason(send, str(error))

    async def send_response(send: Send) -> None:
        await response(scope, exchange.receive, send)

    if exchange.body_done or scope["method"] in ("GET", "HEAD"):
        await send_response(send)
    else:
        # Whoever sent the header: only the moment of the answer depends on it.
        behind_a_proxy = b"x-forwarded-for" in exchange.headers
        await answer_early(exchange.receive, send, send_response, behind_a_proxy=behind_a_proxy)


def _prepare_path(scope: Scope) -> str | None:
    """Collapse empty segments, and take ``/r/<repository>`` off the front, into ``root_path``.

    :returns: the repository's name; None: the path names none.
    """
    root: str = scope.get("root_path", "")
    path: str = scope["path"]
    if root and path.startswith(root):
        path = path[len(root) :]
    if "//" in path:  # pipenv asks for /simple//<project>/
        path = _SLASHES.sub("/", path)
    selected = None
    if match := _SELECTED.match(path):
        selected = match[1]
        root += match[0]
        path = path[match.end() :] or "/"
    scope["root_path"] = root
    scope["path"] = root + path
    return selected
