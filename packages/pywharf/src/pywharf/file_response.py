"""A distribution file from local disk: validators, a single range, large pieces (RFC 9110, sections 13 and 14)."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import format_datetime
from typing import BinaryIO

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from pywharf.conditional import VARY, entity_tag, matches
from pywharf.exchange import exchange_of
from pywharf.threads import StorageThreads
from pywharf_core.errors import FileNotFound
from pywharf_core.model import DistributionFile

_PIECE = 512 * 1024  # bytes read in one trip to a thread
# Possessive: a header of 64 KiB of spaces must not be tried from each of them.
_RANGE = re.compile(rb"bytes\s*+=\s*+(\d*+)\s*+-\s*+(\d*+)\s*+\Z", re.I)


@dataclass(frozen=True, slots=True)
class _Span:
    """:ivar asked: by the client, be it the whole file: uv takes only 206 for an answer then."""

    first: int
    length: int
    asked: bool = True


@dataclass(frozen=True, slots=True)
class FileAnswer:
    """What a request about a listed file is answered: known before anybody looks at its bytes.

    :ivar span: the bytes to send; None: the answer has none.
    """

    file: DistributionFile
    status: int
    headers: Sequence[tuple[bytes, bytes]]
    span: _Span | None = None

    @classmethod
    def to(cls, scope: Scope, file: DistributionFile, *, repository: str, immutable: bool) -> FileAnswer:
        """
        :param immutable: the URL is this repository's alone, so caches may keep the file for good.
        """
        tag = entity_tag(repository, file.sha256)
        headers = _headers(file, tag, immutable=immutable)
        if matches(exchange_of(scope).headers, tag):
            return cls(file, 304, headers)
        span = _span(scope, file.size, tag)
        if span is None:
            return cls(file, 416, [*headers, (b"content-range", b"bytes */%d" % file.size), (b"content-length", b"0")])
        if span.asked:
            last = span.first + span.length - 1
            headers.append((b"content-range", b"bytes %d-%d/%d" % (span.first, last, file.size)))
        headers += [
            (b"content-length", str(span.length).encode()),
            (b"content-type", b"application/octet-stream"),
            (b"x-content-type-options", b"nosniff"),
        ]
        return cls(file, 206 if span.asked else 200, headers, None if scope["method"] == "HEAD" else span)

    async def send(self, send: Send) -> None:
        """Without bytes."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": b""})

    async def send_bytes(self, scope: Scope, send: Send, threads: StorageThreads, stream: BinaryIO) -> None:
        """With those of ``stream``, which is closed.

        :raises FileNotFound: before anything was sent, if the stream is not as long as the file.
        """
        assert self.span is not None, "the answer has bytes"
        try:
            if await threads.run(_length, stream) != self.file.size:
                raise FileNotFound(
                    f"{self.file.filename} is no longer what was listed; ask for the project's page again."
                )
            await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
            await _send_span(exchange_of(scope).receive, send, threads, stream, self.span)
        finally:
            await threads.run(stream.close)


async def _send_span(receive: Receive, send: Send, threads: StorageThreads, stream: BinaryIO, span: _Span) -> None:
    """:raises ClientDisconnect: nobody is there to take the rest."""
    if span.first:
        await threads.run(stream.seek, span.first)
    left = span.length
    # To a client that is gone Hypercorn's `send` neither waits nor raises: the whole rest would be read at full speed,
    # and held in memory by the tracebacks of one exception that is raised again for each piece.
    gone = asyncio.create_task(_disconnected(receive)) if left > _PIECE else None
    try:
        while left:
            piece = await threads.run(stream.read, min(_PIECE, left))
            if not piece:
                raise EOFError(
                    "the file became shorter while it was sent"
                )  # the connection is cut: no half file passes
            if gone is not None and gone.done():
                raise ClientDisconnect
            left -= len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": left > 0})
    finally:
        if gone is not None:
            gone.cancel()
    if not span.length:
        await send({"type": "http.response.body", "body": b""})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _headers(file: DistributionFile, tag: bytes, *, immutable: bool) -> list[tuple[bytes, bytes]]:
    cached = b"private, max-age=31536000, immutable" if immutable else b"private, no-cache"
    return [
        (b"etag", tag),
        (b"last-modified", format_datetime(file.upload_time, usegmt=True).encode()),
        (b"cache-control", cached),
        (b"vary", VARY),
        (b"accept-ranges", b"bytes"),
    ]


def _span(scope: Scope, size: int, tag: bytes) -> _Span | None:
    """What to send; None: the range asked for is not in the file. Several ranges, or unknown units, get it whole."""
    whole = _Span(0, size, asked=False)
    headers = exchange_of(scope).headers
    sent = headers.get(b"range")
    # Ranges mean something with GET only (RFC 9110, section 14.2).
    if sent is None or scope["method"] != "GET" or not (match := _RANGE.match(sent.strip())):
        return whole
    condition = headers.get(b"if-range")
    if condition is not None and condition.strip() != tag:
        return whole
    first_text, last_text = match.groups()
    if not first_text and not last_text or len(first_text) > 18 or len(last_text) > 18:
        return whole
    if not first_text:
        length = min(int(last_text), size)
        return _Span(size - length, length) if length else None
    first = int(first_text)
    last = min(int(last_text), size - 1) if last_text else size - 1
    if last_text and int(last_text) < first:
        return whole  # not a valid range: ignored
    return _Span(first, last - first + 1) if first < size else None


def _length(stream: BinaryIO) -> int:
    length = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    return length
