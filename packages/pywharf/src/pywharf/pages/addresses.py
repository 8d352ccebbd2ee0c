"""Where pages lead: paths of ours under every prefix, and the check of a path that somebody else wrote."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from starlette.types import Scope

from pywharf.exchange import exchange_of
from pywharf.pages.static_files import STATIC

_LONGEST = 2000  # characters of a path with its query
_SAFE = "/:@!$&'()*+,;=~-._"  # in a path (RFC 3986, section 3.3)

# Absolute, of visible ASCII as browsers send it, never with what browsers read as another host: // or a backslash.
_OWN = re.compile(r"/(?:[A-Za-z0-9:@!$&'()*+,;=~._-]|%[0-9A-Fa-f]{2}|/(?!/))*(?:\?[!-\[\]-~]*)?\Z")
_BAD_ONCE_DECODED = re.compile(r"[\x00-\x1f\x7f-\x9f\\]|//|/\.\.?(?:/|\Z)")
_LOG_IN_OR_OUT = re.compile(r"(?:/r/[^/]+)?/log(?:in|out)(?:/|\Z)")
_REPOSITORY = re.compile(r"/r/([^/?]+)(?:[/?]|\Z)")


@dataclass(frozen=True, slots=True)
class Addresses:
    """What templates know as ``urls``; every value is quoted.

    :ivar prefix: in front of all paths of this server: "" or "/some/path".
    :ivar root: in front of the paths of the repository at hand, such as "/some/path/r/local"; without one, ``prefix``.
    :ivar here: path and query of this request, if it was one to look at something.
    """

    prefix: str
    root: str
    here: str

    def static(self, name: str) -> str:
        """Of a file of ``static/``."""
        return f"{self.prefix}{STATIC.path(name)}"

    def repository(self, name: str) -> str:
        """In front of the paths of that repository."""
        return f"{self.prefix}/r/{quote(name, safe='')}"

    @property
    def home(self) -> str:
        return f"{self.prefix}/"

    @property
    def login(self) -> str:
        """Leads back here, unless here is where one logs in or out."""
        path = self.here.partition("?")[0].removeprefix(self.prefix)
        comes_back = len(self.here) <= _LONGEST and not _LOG_IN_OR_OUT.match(path)
        return f"{self.prefix}/login/" + (f"?next={quote(self.here, safe='/')}" if comes_back else "")

    @property
    def logout(self) -> str:
        return f"{self.prefix}/logout/"


def addresses_of(scope: Scope) -> Addresses:
    exchange = exchange_of(scope)
    prefix = quote(exchange.prefix, _SAFE)
    root = quote(scope.get("root_path", ""), _SAFE, errors="replace")
    if exchange.admitted is not None:
        root = f"{prefix}/r/{quote(exchange.admitted.repository.name, safe='')}"
    if scope["method"] not in ("GET", "HEAD"):
        return Addresses(prefix, root, f"{root}/")  # nobody is to come back to a form's target
    query = scope["query_string"].decode("latin-1")
    return Addresses(prefix, root, quote(scope["path"], _SAFE, errors="replace") + (f"?{query}" if query else ""))


def own_path(scope: Scope, path: str) -> str | None:
    """A path and query that somebody else wrote, if a browser that is sent there stays with us; else None."""
    if len(path) > _LONGEST or not _OWN.match(path):
        return None
    prefix = exchange_of(scope).prefix
    decoded = unquote(path.partition("?")[0])
    if _BAD_ONCE_DECODED.search(decoded) or not decoded.startswith(f"{prefix}/"):
        return None
    return None if _LOG_IN_OR_OUT.match(decoded.removeprefix(prefix)) else path  # that would lead round and round


def repository_in(scope: Scope, path: str) -> str:
    """The repository that a path of ours names by ``/r/<repository>/``; "": none."""
    match = _REPOSITORY.match(path.removeprefix(quote(exchange_of(scope).prefix, _SAFE)))
    return unquote(match[1]) if match else ""
