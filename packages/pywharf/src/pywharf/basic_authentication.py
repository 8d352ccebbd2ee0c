"""Basic authentication (RFC 7617), as clients really send it."""

from __future__ import annotations

import base64
import binascii

from starlette.types import Scope

from pywharf.exchange import exchange_of
from pywharf_core.errors import NotAuthenticated
from pywharf_core.secret import Secret

_MALFORMED = "The Authorization header is not valid Basic authentication."


def basic_credentials(scope: Scope) -> tuple[str, Secret] | None:
    """Username and password of Basic authentication (RFC 7617); None: there are none.

    :raises NotAuthenticated: there are, and they are malformed or of another scheme.
    """
    value = exchange_of(scope).headers.get(b"authorization")
    if value is None:
        return None
    scheme, _, encoded = value.partition(b" ")
    if scheme.lower() != b"basic":
        raise NotAuthenticated("Only Basic authentication is understood: username and password.")
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True)
    except binascii.Error:
        raise NotAuthenticated(_MALFORMED) from None
    try:
        text = decoded.decode()
    except UnicodeDecodeError:
        text = decoded.decode("latin-1")  # what requests, and so twine, sends
    username, colon, password = text.partition(":")
    if not colon:
        raise NotAuthenticated(_MALFORMED)
    return username, Secret(password)
