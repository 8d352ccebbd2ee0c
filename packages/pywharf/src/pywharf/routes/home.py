"""``GET /``: for people the repositories that they may read; for programs the way to the simple index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import RedirectResponse
from starlette.types import Receive, Scope, Send

from pywharf.admission import admit, readable_repositories
from pywharf.admitted import Admitted
from pywharf.conditional import VARY
from pywharf.exchange import exchange_of
from pywharf.own_address import server_url
from pywharf.pages.navigation import is_navigation
from pywharf.pages.rendering import render
from pywharf.pages.setup_lines import lines_for
from pywharf.routes.catalogue import repository_page
from pywharf_core.auth import Access
from pywharf_core.paste_lines import PasteLines
from pywharf_core.synchronisation import RepositoryStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownRepository:
    """:ivar age: seconds since the index was read from the storage; None: it never was."""

    name: str
    status: RepositoryStatus
    age: float | None
    lines: PasteLines
    may_write: bool
    anonymous: bool
    private: Sequence[str]
    extra_index: bool


async def home(scope: Scope, receive: Receive, send: Send) -> None:
    """``GET /``, and ``GET /r/<repository>/``, which is the page of that repository."""
    exchange = exchange_of(scope)
    exchange.for_people = True
    if not is_navigation(exchange):
        headers = {"Vary": VARY.decode()}
        await RedirectResponse(f"{scope.get('root_path', '')}/simple/", 307, headers)(scope, receive, send)
        return
    if exchange.selected is not None:
        await repository_page(scope, receive, send, await admit(scope, Access.READ))
        return
    readable, uncertain = await readable_repositories(scope)
    response = render(
        scope,
        "home.html",
        configured=exchange.opened is not None,
        server=server_url(scope),
        repositories=[await _shown(scope, admitted) for admitted in readable],
        uncertain=uncertain,
    )
    await response(scope, receive, send)


async def _shown(scope: Scope, admitted: Admitted) -> ShownRepository:
    repository = admitted.repository
    status = await exchange_of(scope).status_threads.run(repository.status)
    return ShownRepository(
        name=repository.name,
        status=status,
        age=status.age,
        lines=lines_for(scope, repository),
        may_write=admitted.may_write,
        anonymous=repository.configuration.anonymous_read,
        private=repository.configuration.private,
        extra_index=bool(repository.extra_index_url),
    )
