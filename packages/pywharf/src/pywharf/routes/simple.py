"""The simple index: list of projects, page of a project (Simple repository API)."""

from __future__ import annotations

from functools import lru_cache, partial

from packaging.utils import NormalizedName
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from pywharf.admission import admit
from pywharf.conditional import VARY
from pywharf.exchange import exchange_of
from pywharf.own_address import moved
from pywharf.page_cache import PageSource, send_page
from pywharf.pages.query import query_of
from pywharf.provenance_address import provenance_url, secure_base
from pywharf_core.auth import Access
from pywharf_core.errors import ProjectNotFound
from pywharf_core.filenames import is_project_name, normalise
from pywharf_core.names import Answer, Answerer
from pywharf_core.repository import Repository
from pywharf_core.simple import html, json
from pywharf_core.simple.namespaces import namespaces_of
from pywharf_core.simple.negotiate import Representation, choose

_LISTING = "/"  # no project's name


async def project_list(scope: Scope, receive: Receive, send: Send) -> None:
    """``GET /simple/``"""
    del receive
    admitted = await admit(scope, Access.READ)
    repository = admitted.repository
    representation = _representation(scope)
    exchange = exchange_of(scope)
    page = exchange.pages.fresh(repository, _LISTING, representation)
    if page is None:
        source = PageSource(_LISTING, repository.listing_revision, partial(_render_list, repository, representation))
        page = await exchange.pages.page(exchange.index_threads(repository), repository, source, representation)
    await send_page(scope["method"], exchange.headers, send, page)


async def project_page(scope: Scope, receive: Receive, send: Send) -> None:
    """``GET /simple/<project>/``"""
    admitted = await admit(scope, Access.READ)
    repository = admitted.repository
    asked: str = scope["path_params"]["project"]
    project = normalised_project(asked)
    if asked != project:
        await moved(scope, f"/simple/{project}/")(scope, receive, send)
        return
    representation = _representation(scope)
    exchange = exchange_of(scope)
    pages, threads = exchange.pages, exchange.index_threads(repository)
    base = secure_base(scope)
    key = project if base is None else f"{project} {base}"
    page = pages.fresh(repository, key, representation)
    if page is None:
        source = PageSource(
            key,
            partial(repository.project_revision, project),
            partial(_render_page, repository, project, representation, base),
        )
        try:
            page = await pages.page(threads, repository, source, representation)
        except ProjectNotFound:
            response = _answered_elsewhere(scope, await threads.run(repository.answer_for, project))
            if response is None:
                raise
            await response(scope, receive, send)
            return
    await send_page(scope["method"], exchange.headers, send, page)


async def project_without_slash(scope: Scope, receive: Receive, send: Send) -> None:
    """``GET /simple/<project>``: its page ends in a slash."""
    await admit(scope, Access.READ)
    project = normalised_project(scope["path_params"]["project"])
    await moved(scope, f"/simple/{project}/")(scope, receive, send)


async def list_without_slash(scope: Scope, receive: Receive, send: Send) -> None:
    """``GET /simple``"""
    await moved(scope, "/simple/")(scope, receive, send)


def normalised_project(asked: str) -> NormalizedName:
    """
    :raises ProjectNotFound: no project can have this name.
    """
    if not is_project_name(asked):
        raise ProjectNotFound(f"{asked!r} is not a valid project name.")
    return normalise(asked)


def _render_list(repository: Repository, representation: Representation) -> tuple[str, int]:
    projects, revision = repository.project_list()
    if representation is Representation.JSON:
        return json.project_list(projects, with_namespaces=repository.namespaces is not None), revision
    return html.project_list(projects), revision


def _render_page(
    repository: Repository, project: NormalizedName, representation: Representation, base: str | None
) -> tuple[str, int]:
    page, revision = repository.project_page(project)
    provenance = provenance_url(base)
    if representation is not Representation.JSON:
        return html.project_page(page, provenance_url=provenance), revision
    declared = repository.namespaces
    namespaces = None if declared is None else namespaces_of(project, declared)
    return json.project_page(page, namespaces=namespaces, provenance_url=provenance), revision


def _representation(scope: Scope) -> Representation:
    chosen = query_of(scope).get("format") if scope["query_string"] else None
    return _chosen(exchange_of(scope).headers.get(b"accept"), chosen or None)


@lru_cache(maxsize=256)
def _chosen(accept: bytes | None, chosen: str | None) -> Representation:
    return choose(None if accept is None else accept.decode("latin-1"), chosen)


def _answered_elsewhere(scope: Scope, answer: Answer) -> Response | None:
    answer.demand_ready()
    if answer.answerer is not Answerer.EXTRA_INDEX:
        return None
    query = f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else ""
    return RedirectResponse(answer.because + query, 307, {"Cache-Control": "no-store", "Vary": VARY.decode()})
