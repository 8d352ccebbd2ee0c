"""A small document that belongs to a file, such as its core metadata: with validators, read only when it is sent."""

from __future__ import annotations

from starlette.types import Scope, Send

from pywharf.admitted import Admitted
from pywharf.conditional import VARY, entity_tag, matches, send_unchanged
from pywharf.exchange import exchange_of
from pywharf_core.errors import FileNotFound
from pywharf_core.model import AttachmentKind, DistributionFile


async def send_attachment(
    scope: Scope, send: Send, admitted: Admitted, file: DistributionFile, kind: AttachmentKind, content_type: str
) -> None:
    """Answer with the document, or with 304 if the client has it.

    :raises FileNotFound: the file has none.
    """
    repository, exchange = admitted.repository, exchange_of(scope)
    is_metadata = kind is AttachmentKind.METADATA
    sha256 = file.core_metadata_sha256 if is_metadata else file.provenance_sha256
    if sha256 is None:
        raise FileNotFound(f"{file.filename} has no {'separate metadata' if is_metadata else 'provenance'}.")
    tag = entity_tag(repository.name, sha256, content_type)
    headers = [(b"etag", tag), (b"cache-control", b"private, no-cache"), (b"vary", VARY)]
    if matches(exchange.headers, tag):
        await send_unchanged(send, headers)
        return
    body = await exchange.index_threads(repository).run(repository.attachment_at_hand, file, kind, admitted.secret)
    if body is None:
        read = repository.core_metadata if is_metadata else repository.provenance
        body = await exchange.threads(repository).run(read, file, admitted.secret)
    headers += [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
