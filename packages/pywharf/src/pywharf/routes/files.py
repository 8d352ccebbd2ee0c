"""Distribution files and their core metadata (PEP 658, 714)."""

from __future__ import annotations

from functools import partial

from starlette.responses import RedirectResponse
from starlette.types import Receive, Scope, Send

from pywharf.admission import admit
from pywharf.attachment_response import send_attachment
from pywharf.conditional import VARY
from pywharf.exchange import exchange_of
from pywharf.file_response import send_file
from pywharf.routes.simple import normalised_project
from pywharf_core.auth import Access
from pywharf_core.errors import FileNotFound
from pywharf_core.storage import RedirectTo

_METADATA = ".metadata"


async def distribution_file(scope: Scope, receive: Receive, send: Send) -> None:
    """``GET /simple/<project>/<filename>`` and ``GET /simple/<project>/<filename>.metadata``"""
    filename: str = scope["path_params"]["filename"]
    if filename.endswith(_METADATA):
        await _core_metadata(scope, send, filename.removesuffix(_METADATA))
        return
    admitted = await admit(scope, Access.READ)
    repository, exchange = admitted.repository, exchange_of(scope)
    threads = exchange.threads(repository)
    project = normalised_project(scope["path_params"]["project"])
    file = await threads.run(repository.file, project, filename)
    opened = await threads.run(repository.open_file, file, admitted.secret)
    if isinstance(opened, RedirectTo):
        response = RedirectResponse(opened.url, 302, {"Cache-Control": "no-store", "Vary": VARY.decode()})
        await response(scope, receive, send)
        return
    await send_file(
        scope,
        send,
        threads,
        opened,
        file,
        repository=repository.name,
        immutable=exchange.selected is not None,
    )


async def _core_metadata(scope: Scope, send: Send, filename: str) -> None:
    admitted = await admit(scope, Access.READ)
    repository = admitted.repository
    threads = exchange_of(scope).threads(repository)
    project = normalised_project(scope["path_params"]["project"])
    file = await threads.run(repository.file, project, filename)
    if file.core_metadata_sha256 is None:
        raise FileNotFound(f"{filename} has no separate metadata.")
    read = partial(threads.run, repository.core_metadata, file, admitted.secret)
    await send_attachment(
        scope, send, file.core_metadata_sha256, "text/plain; charset=utf-8", read, repository=repository.name
    )
