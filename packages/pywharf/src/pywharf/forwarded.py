"""What a reverse proxy tells of the client: believed only from addresses that the operator named.

``X-Forwarded-For``, ``-Proto``, ``-Host`` and ``-Prefix`` of anybody else are ignored. RFC 7239's ``Forwarded`` is not
read: proxies that send it send these too.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.types import ASGIApp, Receive, Scope, Send

Networks = tuple[IPv4Network | IPv6Network, ...]

#: In the scope where ``client`` is what a trusted proxy told.
CLIENT_IS_TOLD = "pywharf.client_is_told"


def read_networks(trusted: Iterable[str]) -> Networks:
    """Addresses (``10.0.0.5``) and networks (``10.0.0.0/8``).

    :raises ValueError: with a sentence for the first that is neither.
    """
    networks = []
    for text in trusted:
        try:
            networks.append(ip_network(text.strip(), strict=False))
        except ValueError:
            raise ValueError(f"{text!r} is neither an address nor a network, such as 10.0.0.5 or 10.0.0.0/8") from None
    return tuple(networks)


def is_within(address: str, networks: Networks) -> bool:
    """Whether it is an address of one of them; what is no address is of none."""
    try:
        read = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(read, IPv6Address) and read.ipv4_mapped is not None:
        read = read.ipv4_mapped  # a socket on :: shows IPv4 clients so
    return any(read in network for network in networks)


def read_prefix(text: str) -> str:
    """A path prefix as ASGI's ``root_path`` has it: ``""`` or ``/some/path``."""
    segments = [segment for segment in text.split("/") if segment not in ("", ".", "..")]
    return "".join(f"/{segment}" for segment in segments)


class Forwarded:
    """ASGI middleware: puts the real client, scheme, host and path prefix into the scope.

    :param trusted_proxies: as ``read_networks`` takes them.
    :param path_prefix: under which a proxy shows this server if it does not say so itself.
    """

    def __init__(self, app: ASGIApp, trusted_proxies: Iterable[str] = (), path_prefix: str = "") -> None:
        self._app = app
        self._trusted = read_networks(trusted_proxies)
        self._prefix = read_prefix(path_prefix)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            scope = self._rewritten(scope)
        await self._app(scope, receive, send)

    def _rewritten(self, scope: Scope) -> Scope:
        prefix, prefix_is_cut_off = self._prefix, False
        client = scope.get("client")
        if self._trusted and client is not None and self._is_trusted(client[0]):
            forwarded = _forwarded_headers(scope)
            if forwarded:
                scope = dict(scope)
                if b"x-forwarded-for" in forwarded:
                    address = self._nearest_stranger(forwarded[b"x-forwarded-for"], client[0])
                    if address != client[0]:
                        scope["client"] = (address, 0)
                    scope[CLIENT_IS_TOLD] = True
                if (scheme := _last(forwarded.get(b"x-forwarded-proto"))) in ("http", "https"):
                    scope["scheme"] = scheme
                if host := _last(forwarded.get(b"x-forwarded-host")):
                    headers = [header for header in scope["headers"] if header[0] != b"host"]
                    scope["headers"] = [(b"host", host.encode("latin-1")), *headers]
                if b"x-forwarded-prefix" in forwarded:
                    prefix, prefix_is_cut_off = read_prefix(_last(forwarded[b"x-forwarded-prefix"])), True
        return _under(scope, prefix, prefix_is_cut_off) if prefix else scope

    def _nearest_stranger(self, chain: str, peer: str) -> str:
        """The rightmost address that is no trusted proxy: what stands left of it is the client's own claim."""
        nearest = peer
        for entry in reversed(chain.split(",")):
            address = _without_port(entry.strip())
            try:
                ip_address(address)
            except ValueError:
                break  # "unknown", or nonsense
            nearest = address
            if not self._is_trusted(address):
                break
        return nearest

    def _is_trusted(self, text: str) -> bool:
        return is_within(text, self._trusted)


def _forwarded_headers(scope: Scope) -> dict[bytes, str]:
    """The X-Forwarded headers; those sent several times joined in their order."""
    found: dict[bytes, str] = {}
    for name, value in scope["headers"]:
        if name.startswith(b"x-forwarded-"):
            text = value.decode("latin-1")
            found[name] = f"{found[name]},{text}" if name in found else text
    return found


def _last(values: str | None) -> str:
    """What the proxy nearest to us said."""
    return "" if values is None else values.rpartition(",")[2].strip()


def _without_port(entry: str) -> str:
    """``[2001:db8::1]:80``, ``192.0.2.1:80``, or an address alone."""
    if entry.startswith("["):
        return entry[1:].partition("]")[0]
    return entry.partition(":")[0] if entry.count(":") == 1 else entry


def _under(scope: Scope, prefix: str, prefix_is_cut_off: bool) -> Scope:
    """The scope with ``root_path``; its path holds the prefix, as ASGI wants, also if the proxy took it off.

    Whether it was taken off is known from ``X-Forwarded-Prefix``; else a path that begins with the prefix has it.
    """
    path: str = scope["path"]
    if prefix_is_cut_off or not (path == prefix or path.startswith(f"{prefix}/")):
        path = prefix + path
    return {**scope, "path": path, "root_path": prefix}
