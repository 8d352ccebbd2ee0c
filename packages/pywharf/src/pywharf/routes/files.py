"""Distribution files and their core metadata (PEP 658, 714)."""

from __future__ import annotations

from contextlib import suppress
from typing import BinaryIO

from packaging.utils import NormalizedName
from starlette.responses import RedirectResponse
from starlette.types import Receive, Scope, Send

from pywharf.admission import admit
from pywharf.admitted import Admitted
from pywharf.attachment_response import send_attachment
from pywharf.conditional import VARY
from pywharf.exchange import exchange_of
from pywharf.file_response import FileAnswer
from pywharf.routes.simple import normalised_project
from pywharf_core.auth import Access
from pywharf_core.errors import FileChanged, FileNotFound, WharfError
from pywharf_core.model import AttachmentKind
from pywharf_core.storage_answers import RedirectTo

_METADATA = ".metadata"


async def distribution_file(scope: Scope, receive: Receive, send: Send) -> None:
    """``GET /simple/<project>/<filename>`` and ``GET /simple/<project>/<filename>.metadata``"""
    filename: str = scope["path_params"]["filename"]
    if filename.endswith(_METADATA):
        await _core_metadata(scope, send, filename.removesuffix(_METADATA))
        return
    admitted = await admit(scope, Access.READ)
    repository, exchange = admitted.repository, exchange_of(scope)
    project = normalised_project(scope["path_params"]["project"])
    answer, located = await exchange.index_threads(repository).run(_look, scope, admitted, project, filename)
    if answer.span is None:  # the index tells all: nobody is asked for the file
        await answer.send(send)
        return
    threads = exchange.threads(repository) if located is None else exchange.disk_threads(repository)
    if located is None:
        located = await threads.run(repository.open_file, answer.file, admitted.secret)
    if isinstance(located, RedirectTo):
        response = RedirectResponse(located.url, 302, {"Cache-Control": "no-store", "Vary": VARY.decode()})
        await response(scope, receive, send)
        return
    try:
        await answer.send_bytes(scope, send, threads, located)
    except (FileChanged, FileNotFound) as error:
        if exchange.started:  # too late to say it: the connection is cut, and whoever comes next is told
            with suppress(WharfError):
                await exchange.threads(repository).run(repository.correct, answer.file, error, admitted.secret)
        raise


def _look(
    scope: Scope, admitted: Admitted, project: NormalizedName, filename: str
) -> tuple[FileAnswer, BinaryIO | RedirectTo | None]:
    """What is answered, and the file's bytes if they are wanted and at hand."""
    repository = admitted.repository
    file = repository.file(project, filename)
    immutable = exchange_of(scope).selected is not None
    answer = FileAnswer.to(scope, file, repository=repository.name, immutable=immutable)
    return answer, None if answer.span is None else repository.file_at_hand(file, admitted.secret)


async def _core_metadata(scope: Scope, send: Send, filename: str) -> None:
    admitted = await admit(scope, Access.READ)
    repository, exchange = admitted.repository, exchange_of(scope)
    project = normalised_project(scope["path_params"]["project"])
    file = await exchange.index_threads(repository).run(repository.file, project, filename)
    await send_attachment(scope, send, admitted, file, AttachmentKind.METADATA, "text/plain; charset=utf-8")
