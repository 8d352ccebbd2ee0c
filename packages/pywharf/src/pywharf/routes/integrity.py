"""Provenance of files (PEP 740), where the public index has it too."""

from __future__ import annotations

from starlette.types import Receive, Scope, Send

from pywharf.admission import admit
from pywharf.attachment_response import send_attachment
from pywharf.exchange import exchange_of
from pywharf.routes.simple import normalised_project
from pywharf_core.auth import Access
from pywharf_core.errors import FileNotFound, NotAcceptable
from pywharf_core.filenames import same_version
from pywharf_core.model import AttachmentKind
from pywharf_core.simple.negotiate import media_ranges
from pywharf_core.simple.ordering import parsed_version

_CONTENT_TYPES = ("application/vnd.pypi.integrity.v1+json", "application/json")  # the first is the more telling


async def provenance(scope: Scope, receive: Receive, send: Send) -> None:
    """``GET /integrity/<project>/<version>/<filename>/provenance``"""
    del receive
    admitted = await admit(scope, Access.READ)
    repository, exchange = admitted.repository, exchange_of(scope)
    accept = exchange.headers.get(b"accept")
    content_type = _content_type(None if accept is None else accept.decode("latin-1"))
    asked = scope["path_params"]
    project = normalised_project(asked["project"])
    file = await exchange.index_threads(repository).run(repository.file, project, asked["filename"])
    if not same_version(asked["version"], parsed_version(file.version)):
        raise FileNotFound(f"{file.filename} is not of the version {asked['version']}.")
    await send_attachment(scope, send, admitted, file, AttachmentKind.PROVENANCE, content_type)


def _content_type(accept: str | None) -> str:
    """
    :raises NotAcceptable: the client takes none of ours.
    """
    if accept is None or not accept.strip(" \t,"):
        return _CONTENT_TYPES[0]
    ranges = media_ranges(accept)
    anything = ranges.get("application/*", ranges.get("*/*", 0))
    wanted = {content_type: ranges.get(content_type, anything) for content_type in _CONTENT_TYPES}
    best = max(_CONTENT_TYPES, key=lambda content_type: wanted[content_type])
    if not wanted[best]:
        raise NotAcceptable(
            f"Provenance can be had as {' or '.join(_CONTENT_TYPES)}; the Accept header allows neither."
        )
    return best
