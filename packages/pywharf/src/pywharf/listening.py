"""The socket on which the server listens: the parent binds it, every worker accepts from it."""

from __future__ import annotations

import errno
import ipaddress
import socket
from urllib.parse import quote

from pywharf_core.errors import WharfError

#: Connections that the kernel keeps for us while all workers are busy or not there yet.
BACKLOG = 1024


class CannotListen(WharfError):
    """The address is taken, unknown or not ours to use."""


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket; port 0 takes a free one. ``::`` also takes IPv4; a host name its first address.

    It listens at once, before any worker: with SO_REUSEADDR two sockets may be bound to one port, the second
    ``listen`` is what fails.

    :raises CannotListen: with a sentence saying why.
    """
    name = host.strip("[]")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            name, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise CannotListen(f"--host {host}: this is no address or name of this machine ({error})") from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # accepted sockets inherit it
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if name == "::" else 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise CannotListen(_sentence(host, port, error)) from error
    return listener


def url_of(listener: socket.socket, *, scheme: str, path_prefix: str = "") -> str:
    """The URL, without a slash at its end, under which a client on this machine reaches the socket."""
    host, port = listener.getsockname()[:2]
    if is_on_every_address(listener):  # 0.0.0.0 and :: are not addresses a client can use everywhere
        host = "::1" if ":" in host else "127.0.0.1"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}{quote(path_prefix)}"


def is_on_every_address(listener: socket.socket) -> bool:
    return ipaddress.ip_address(listener.getsockname()[0].partition("%")[0]).is_unspecified


def _sentence(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} of {host} is in use: stop what listens there, or choose another --port (0 takes a free one)"
        )
    if error.errno == errno.EACCES:
        return f"port {port} of {host} may not be used by this user: choose a --port of 1024 or more"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"--host {host} is no address of this machine: 0.0.0.0 stands for all of its IPv4 addresses, :: for all"
    return f"cannot listen on port {port} of {host}: {error.strerror}"
