"""One sentence of ours in HTTP/1.1's reason phrase: it is all that twine shows of an error without ``--verbose``.

ASGI has no field for it and Hypercorn sends an empty one. An application adds the key ``REASON`` to its message
``http.response.start`` (see ``with_reason``); servers pass over keys they do not know, HTTP/2 has no phrase. In our
workers ``install`` teaches Hypercorn's HTTP/1.1 protocol to read it. If Hypercorn's inside is not the one known here,
nothing is changed and phrases stay empty.
"""

from __future__ import annotations

import inspect
import logging
from typing import Any

import h11
from hypercorn.protocol.h11 import H11Protocol
from starlette.types import Message, Send

#: The key in ``http.response.start``; its value is bytes as ``phrase`` makes them.
REASON = "pywharf.reason"

LONGEST = 200  # bytes

logger = logging.getLogger(__name__)


def phrase(sentence: str) -> bytes:
    """``sentence`` as a reason phrase (RFC 9112, section 4): one line, ISO-8859-1, short enough for any client."""
    line = " ".join("".join(character if character.isprintable() else " " for character in sentence).split())
    encoded = line.encode("latin-1", "replace")
    return encoded if len(encoded) <= LONGEST else encoded[: LONGEST - 3] + b"..."


def with_reason(send: Send, sentence: str) -> Send:
    """A ``send`` that gives the answer ``sentence`` as its reason phrase, where the protocol and the server can."""

    async def send_with_reason(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, REASON: phrase(sentence)}
        await send(message)

    return send_with_reason


def install() -> bool:
    """Teach this process's Hypercorn to send the phrase. May be called again.

    :returns: whether it is in place; if not, a warning in the log says so.
    """
    if getattr(H11Protocol, "_sends_reason", False):
        return True
    if not _is_as_known():
        logger.warning("this version of Hypercorn cannot send reason phrases: twine shows them only with --verbose")
        return False
    original = H11Protocol._send_h11_event

    async def send_h11_event(self: H11Protocol, event: Any) -> None:
        if type(event) is h11.Response:
            reason = getattr(self.stream, "response", {}).get(REASON)
            if reason:
                event = h11.Response(
                    status_code=event.status_code, headers=event.headers, http_version=event.http_version, reason=reason
                )
        await original(self, event)

    H11Protocol._send_h11_event = send_h11_event  # type: ignore[method-assign]  # Hypercorn has no other way in
    H11Protocol._sends_reason = True  # type: ignore[attr-defined]  # a mark of ours
    return True


def _is_as_known() -> bool:
    """Whether the application's own start message is ``stream.response`` by the time h11's event is sent."""
    try:
        # Inside the guard: a later Hypercorn may not have it.
        from hypercorn.protocol.http_stream import HTTPStream

        sends = inspect.signature(H11Protocol._send_h11_event).parameters
        stream = inspect.getsource(HTTPStream.app_send)
        protocol = inspect.getsource(H11Protocol.stream_send)
    except (ImportError, AttributeError, OSError, TypeError):
        return False
    return (
        list(sends) == ["self", "event"]
        and "self.response = message" in stream
        and "_send_h11_event(\n                    h11.Response(" in protocol
    )
