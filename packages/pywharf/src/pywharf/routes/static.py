"""``/static/<digest>/<name>``: what pages need beside themselves."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from pywharf.conditional import entity_tag, matches, send_unchanged
from pywharf.exchange import exchange_of
from pywharf.page_cache import takes_gzip
from pywharf.pages.static_files import STATIC


async def static_file(scope: Scope, receive: Receive, send: Send) -> None:
    """For everybody, configured or not; for good, where the address holds the digest of today's files."""
    del receive
    name, digest = scope["path_params"]["name"], scope["path_params"]["digest"]
    file = STATIC.files.get(name)
    if file is None:
        raise HTTPException(404)
    exchange = exchange_of(scope)
    compressed = takes_gzip(exchange.headers.get(b"accept-encoding", b""))
    content = file.compressed if compressed else file.content
    tag = entity_tag("", file.media_type, content)
    # A page of another version, of a moment ago or of another worker, gets today's files, and asks again next time.
    lasting = b"public, max-age=31536000, immutable" if digest == STATIC.digest else b"no-cache"
    unchanged = [(b"etag", tag), (b"cache-control", lasting), (b"vary", b"Accept-Encoding")]
    if matches(exchange.headers, tag):
        await send_unchanged(send, unchanged)
        return
    headers = [
        (b"content-type", file.media_type.encode()),
        (b"content-length", str(len(content)).encode()),
        *unchanged,
        (b"x-content-type-options", b"nosniff"),
        (b"cross-origin-resource-policy", b"same-origin"),
        # A mark opened by itself is a document, too.
        (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    ]
    if compressed:
        headers.append((b"content-encoding", b"gzip"))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else content})
