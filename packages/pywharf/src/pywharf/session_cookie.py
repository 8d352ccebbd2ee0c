"""The cookie that holds a session's token: its name, its flags, its path.

``SameSite=Lax``, not ``Strict``: a link to a project in somebody's chat opens for who is logged in. Lax cookies come with
no other request of a foreign page, and looking changes nothing here. No ``Max-Age``: the browser's end ends it, too.
"""

from __future__ import annotations

from urllib.parse import quote

from starlette.types import Scope

from pywharf.exchange import exchange_of

_NAME = "pywharf"


def read_token(scope: Scope) -> str | None:
    """What the request's cookie holds, whatever it is; None: there is no cookie of ours."""
    cookies = exchange_of(scope).headers.get(b"cookie")
    if cookies is None:
        return None
    wanted = _name(scope).encode()
    for cookie in cookies.split(b";"):
        name, _, value = cookie.strip().partition(b"=")
        if name == wanted:  # browsers send the one of the longest path first
            return value.decode("latin-1")
    return None


def set_token(scope: Scope, token: str) -> str:
    """A value of ``Set-Cookie``."""
    return _cookie(scope, token)


def clear_token(scope: Scope) -> str:
    """A value of ``Set-Cookie`` that removes it."""
    return f"{_cookie(scope, '')}; Max-Age=0"


def _cookie(scope: Scope, value: str) -> str:
    secure = "; Secure" if _under_tls(scope) else ""
    return f"{_name(scope)}={value}; Path={_path(scope)}; HttpOnly; SameSite=Lax{secure}"


def _path(scope: Scope) -> str:
    """Ours alone: under a prefix the host's other applications are not sent the cookie."""
    return f"{quote(exchange_of(scope).prefix)}/"


def _name(scope: Scope) -> str:
    """With the strictest prefix that fits (RFC 6265bis, section 4.1.3): nobody else on the domain can set such a one."""
    if not _under_tls(scope):
        return _NAME
    return f"__Host-{_NAME}" if _path(scope) == "/" else f"__Secure-{_NAME}"


def _under_tls(scope: Scope) -> bool:
    return bool(scope.get("scheme") == "https")
