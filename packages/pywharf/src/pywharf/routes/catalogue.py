"""The projects of a repository for people: all of them page by page, or those that a search finds."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from urllib.parse import urlencode

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pywharf.admission import admit
from pywharf.admitted import Admitted
from pywharf.exchange import exchange_of
from pywharf.pages.query import query_of
from pywharf.pages.rendering import render
from pywharf.pages.text import visible
from pywharf.pages.validated import validated
from pywharf_core.auth import Access
from pywharf_core.index.catalogue import CataloguePage, Order

_PER_PAGE = 50
_LONGEST = 200  # characters of what somebody searches for
_HIGHEST_PAGE = 100_000


async def repository_page(scope: Scope, receive: Receive, send: Send, admitted: Admitted) -> None:
    """``GET /r/<repository>/``: its projects, by name or (``?sort=uploaded``) the last upload first; ``?page=``."""
    query = query_of(scope)
    order = Order.UPLOADED if query.get("sort") == Order.UPLOADED else Order.NAME
    response = await exchange_of(scope).page_threads.run(_list, scope, admitted, order, _page(query))
    await response(scope, receive, send)


async def search(scope: Scope, receive: Receive, send: Send) -> None:
    """``GET /search/?q=``, with ``page``; without a question all projects."""
    admitted = await admit(scope, Access.READ)
    query = query_of(scope)
    asked = visible(query.get("q", "")[:_LONGEST]).strip()
    if not asked:
        await repository_page(scope, receive, send, admitted)
        return
    response = await exchange_of(scope).search_threads.run(_search, scope, admitted, asked, _page(query))
    await response(scope, receive, send)


def _list(scope: Scope, admitted: Admitted, order: Order, page: int) -> Response:
    repository = admitted.repository
    found = repository.catalogue(order=order, offset=(page - 1) * _PER_PAGE, limit=_PER_PAGE)
    if found.total and not found.entries:
        page = _last(found)
        found = repository.catalogue(order=order, offset=(page - 1) * _PER_PAGE, limit=_PER_PAGE)
    response = render(
        scope,
        "repository.html",
        found=found,
        order=order,
        page=page,
        last=_last(found),
        here=f"?{urlencode({'sort': order})}&page=" if order is not Order.NAME else "?page=",
        state=repository.status(),
    )
    return validated(scope, response)


def _search(scope: Scope, admitted: Admitted, asked: str, page: int) -> Response:
    repository = admitted.repository
    found = repository.search(asked, offset=(page - 1) * _PER_PAGE, limit=_PER_PAGE)
    if found.total and not found.entries:
        page = _last(found)
        found = repository.search(asked, offset=(page - 1) * _PER_PAGE, limit=_PER_PAGE)
    response = render(
        scope,
        "search.html",
        asked=asked,
        found=found,
        page=page,
        last=_last(found),
        here=f"?{urlencode({'q': asked}, errors='replace')}&page=",
        synchronised_at=repository.synchronised_at(),
    )
    return validated(scope, response)


def _last(found: CataloguePage) -> int:
    return max(1, ceil(found.total / _PER_PAGE))


def _page(query: Mapping[str, str]) -> int:
    """Whatever is no page's number is the first one's."""
    text = query.get("page", "")
    return min(max(1, int(text)), _HIGHEST_PAGE) if text.isdecimal() and len(text) < 10 else 1
