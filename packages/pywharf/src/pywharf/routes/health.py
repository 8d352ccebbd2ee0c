"""Is it alive, is it ready, how old is what it shows."""

from __future__ import annotations

from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import Receive, Scope, Send

from pywharf.admission import admit
from pywharf.exchange import exchange_of
from pywharf_core.auth import Access

_NO_STORE = {"Cache-Control": "no-store"}


async def healthz(scope: Scope, receive: Receive, send: Send) -> None:
    """``GET /healthz``: the process answers, configured or not."""
    await PlainTextResponse("ok\n", headers=_NO_STORE)(scope, receive, send)


async def readyz(scope: Scope, receive: Receive, send: Send) -> None:
    """``GET /readyz``: 200 if every repository was synchronised; names are told to nobody here."""
    exchange = exchange_of(scope)
    repositories = []
    if exchange.opened is not None:
        for repository in exchange.opened.repositories.values():
            status = await exchange.opened.status_threads.run(repository.status)
            age = None if status.age is None else round(status.age, 1)
            repositories.append(
                {"synchronised": age is not None, "age_seconds": age, "failing": status.last_error is not None}
            )
    configured = exchange.opened is not None
    ready = configured and all(repository["synchronised"] for repository in repositories)
    document = {"ready": ready, "configured": configured, "repositories": repositories}
    await JSONResponse(document, 200 if ready else 503, _NO_STORE)(scope, receive, send)


async def index_mtime(scope: Scope, receive: Receive, send: Send) -> None:
    """``GET /index_mtime/``: Unix seconds of the last synchronisation."""
    repository = (await admit(scope, Access.READ)).repository
    synchronised_at = await exchange_of(scope).status_threads.run(repository.synchronised_at)
    await PlainTextResponse(str(int(synchronised_at)), headers=_NO_STORE)(scope, receive, send)
