"""A small document that belongs to a file, such as its core metadata: with validators, read only when it is sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.types import Scope, Send

from pywharf.conditional import VARY, entity_tag, matches, send_unchanged
from pywharf.exchange import exchange_of


async def send_attachment(
    scope: Scope, send: Send, sha256: str, content_type: str, read: Callable[[], Awaitable[bytes]], *, repository: str
) -> None:
    """Answer with the document, or with 304 if the client has it.

    :param sha256: of the document; with ``content_type`` and ``repository`` it makes the entity tag.
    :param read: not called for a 304.
    """
    tag = entity_tag(repository, sha256, content_type)
    headers = [(b"etag", tag), (b"cache-control", b"private, no-cache"), (b"vary", VARY)]
    if matches(exchange_of(scope).headers, tag):
        await send_unchanged(send, headers)
        return
    body = await read()
    headers += [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
