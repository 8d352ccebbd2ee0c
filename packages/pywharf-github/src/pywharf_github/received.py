"""Answers that are small enough for memory, out of responses that have just begun."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pywharf_core import StorageUnavailable
from pywharf_github.answers import Answer, parsed

if TYPE_CHECKING:
    import requests

_MAX_SMALL_BODY = 128 * 1024 * 1024  # bytes; GitHub serves no blob above 100 MB
_PIECE = 256 * 1024  # bytes


def answer_of(response: requests.Response) -> Answer:
    with response:
        body = _read_all(response, _PIECE)
    headers = {name.lower(): str(value) for name, value in response.headers.items()}
    return parsed(int(response.status_code), headers, body.decode("utf-8", "replace"))


def read_small(response: requests.Response) -> bytes:
    """The rest of a body that a server's memory must hold.

    :raises StorageUnavailable: it is too large for that, or was cut off.
    """
    return _read_all(response, _MAX_SMALL_BODY)


def _read_all(response: requests.Response, limit: int) -> bytes:
    # Here for the reason that ``Connections.mine`` has; it is loaded by now.
    from pywharf_github.connection import read_piece

    pieces, size = [], 0
    while piece := read_piece(response, _PIECE):
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            raise StorageUnavailable("GitHub's answer is larger than what was asked for can be.")
    return b"".join(pieces)
