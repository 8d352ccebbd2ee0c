"""Distribution files and their core metadata (PEP 658, 714)."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from starlette.responses import RedirectResponse
from starlette.types import Receive, Scope, Send

from pywharf.admission import admit
from pywharf.conditional import VARY, entity_tag, matches
from pywharf.exchange import exchange_of
from pywharf.file_response import send_file
from pywharf.routes.simple import normalised_project
from pywharf_core.auth import Access
from pywharf_core.errors import FileNotFound
from pywharf_core.storage import LocalPath, RedirectTo

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
    place = await threads.run(repository.locate, file, admitted.secret)
    if isinstance(place, RedirectTo):
        response = RedirectResponse(place.url, 302, {"Cache-Control": "no-store", "Vary": VARY.decode()})
        await response(scope, receive, send)
        return
    if isinstance(place, LocalPath):
        stream = await threads.run(_open, place.path, filename)
    else:
        stream = await threads.run(repository.view(admitted.secret).open_file, file)
    await send_file(
        scope,
        send,
        threads,
        stream,
        file,
        repository=repository.name,
        immutable=exchange.selected is not None,
    )


async def _core_metadata(scope: Scope, send: Send, filename: str) -> None:
    admitted = await admit(scope, Access.READ)
    repository, exchange = admitted.repository, exchange_of(scope)
    threads = exchange.threads(repository)
    project = normalised_project(scope["path_params"]["project"])
    file = await threads.run(repository.file, project, filename)
    if file.core_metadata_sha256 is None:
        raise FileNotFound(f"{filename} has no separate metadata.")
    tag = entity_tag(repository.name, file.core_metadata_sha256)
    headers = [(b"etag", tag), (b"cache-control", b"private, no-cache"), (b"vary", VARY)]
    if matches(exchange.headers, tag):
        await send({"type": "http.response.start", "status": 304, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return
    body = await threads.run(repository.core_metadata, file)
    headers += [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def _open(path: Path, filename: str) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError as error:
        raise FileNotFound(f"{filename} is no longer there; ask for the project's page again.") from error
