"""Namespaces (PEP 752), for repositories that tell of them; for others these addresses mean what they always do.

The PEP's ``/namespaces`` and ``/namespace/<namespace>`` belong to the Simple API, so like its other addresses they
are relative to the base URL that clients are configured with: ``/simple/namespaces``. There they meet two addresses
of projects, and step aside for what clients really ask:

- ``/simple/namespaces/``, with its slash, stays the page of a project called ``namespaces``; only the redirect from
  the address without the slash, which no client asks, is given up for the list.
- ``/simple/namespace/<filename>`` stays a file of a project called ``namespace``: every filename has a dot, and no
  normalised namespace has one.

Answers are JSON whatever ``Accept`` says: there is no other form.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from starlette.types import Receive, Scope, Send

from pywharf.admission import admit
from pywharf.exchange import exchange_of
from pywharf.own_address import moved
from pywharf.page_cache import PageSource, send_page
from pywharf.routes import files, simple
from pywharf_core.auth import Access
from pywharf_core.errors import NotFound
from pywharf_core.filenames import is_project_name, normalise
from pywharf_core.repository import Repository
from pywharf_core.simple.namespaces import namespace_detail, namespace_list
from pywharf_core.simple.negotiate import Representation


async def list_of_namespaces(scope: Scope, receive: Receive, send: Send) -> None:
    """``GET /simple/namespaces``"""
    repository = (await admit(scope, Access.READ)).repository
    if repository.namespaces is None:
        scope["path_params"] = {"project": "namespaces"}
        await simple.project_without_slash(scope, receive, send)
        return
    await _send(scope, send, repository, "/namespaces", partial(namespace_list, repository.namespaces))


async def one_namespace(scope: Scope, receive: Receive, send: Send) -> None:
    """``GET /simple/namespace/<namespace>``"""
    asked: str = scope["path_params"]["namespace"]
    repository = (await admit(scope, Access.READ)).repository
    if repository.namespaces is None or "." in asked:
        scope["path_params"] = {"project": "namespace", "filename": asked}
        await files.distribution_file(scope, receive, send)
        return
    namespace = normalise(asked)
    if not is_project_name(asked) or namespace not in repository.namespaces:
        raise NotFound(
            f"There is no namespace {asked} in this repository; /simple/namespaces lists those that there are."
        )
    if asked != namespace:
        await moved(scope, f"/simple/namespace/{namespace}")(scope, receive, send)
        return
    render = partial(namespace_detail, namespace, repository.namespaces)
    await _send(scope, send, repository, f"/namespace/{namespace}", render)


async def _send(scope: Scope, send: Send, repository: Repository, key: str, render: Callable[[], str]) -> None:
    """:param key: begins with a slash, as no project's name does."""
    exchange = exchange_of(scope)
    # Of one revision as long as the configuration is in force.
    source = PageSource(key, lambda: 0, lambda: (render(), 0))
    page = await exchange.pages.page(exchange.index_threads(repository), repository, source, Representation.JSON)
    await send_page(scope["method"], exchange.headers, send, page)
