"""Conditional requests: entity tags and 304 (RFC 9110, section 13)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

from starlette.types import Send

_TAG = re.compile(rb'(?:W/)?("[^"]*")')

#: pip and uv cache by URL without credentials: what one repository's user got must not be shown to another's.
VARY = b"Accept, Accept-Encoding, Authorization, Cookie"


def entity_tag(repository: str, *parts: bytes | str) -> bytes:
    """A strong tag that names the repository and depends on every part."""
    digest = hashlib.sha256(repository.encode())
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8))
        digest.update(data)
    return b'"%s"' % digest.hexdigest()[:32].encode()


def matches(headers: Mapping[bytes, bytes], tag: bytes) -> bool:
    """Whether ``If-None-Match`` holds the tag: then the client has it."""
    sent = headers.get(b"if-none-match")
    if sent is None:
        return False
    return sent.strip() == b"*" or tag in _TAG.findall(sent)


async def send_unchanged(send: Send, headers: Sequence[tuple[bytes, bytes]]) -> None:
    """304.

    :param headers: those of the whole answer that RFC 9110, section 15.4.5, wants here too: tag, caching, ``Vary``.
    """
    await send({"type": "http.response.start", "status": 304, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
