"""``python -P -m pywharf.healthcheck``: does the server of this container answer? Exit status 0 or 1, and a sentence.

A container engine starts this every few seconds, so it imports next to nothing. Host and port are those that the server
was given: as arguments of the container's first process, or else by the environment (``PYWHARF_COMMAND_PORT``).
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping, Sequence

_FIRST_PROCESS = "/proc/1/cmdline"
_PATIENCE = 4.0  # seconds for each step; the engine's own limit is the one for all of it
_REQUEST = b"GET /healthz HTTP/1.1\r\nHost: healthcheck\r\nConnection: close\r\n\r\n"
_DEFAULTS = {"host": "0.0.0.0", "port": "8888"}  # noqa: S104 - as the command has it; a test compares
_ANY = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - not an address to connect to


class Unhealthy(Exception):
    """Why; one sentence."""


def main() -> int:
    """The exit status."""
    host, port = "", 0
    try:
        host, port = address(_arguments_of_the_first_process(), os.environ)
        ask(host, port)
    except (OSError, Unhealthy) as error:
        where = f"at {host}, port {port}: " if port else ""
        print(f"unhealthy: {where}{getattr(error, 'strerror', None) or error}")
        return 1
    print(f"healthy: the server at {host}, port {port} answers")
    return 0


def address(arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[str, int]:
    """Where the server listens, as somebody on its own machine reaches it.

    :param arguments: of the process that was started; when there is no ``server`` among them, the environment counts.
    :raises Unhealthy: the port is no number, or 0.
    """
    given = dict(_DEFAULTS)
    if "server" in arguments:
        given |= _flags(arguments[arguments.index("server") + 1 :])
    else:
        given |= _variables(environment)
    try:
        port = int(given["port"])
    except ValueError:
        raise Unhealthy(f"the port {given['port']!r} is no number") from None
    if port == 0:
        raise Unhealthy("port 0 takes a free one, which nobody else knows; give it a number")
    host = given["host"].strip("[]")
    return _ANY.get(host, host), port


def ask(host: str, port: int) -> None:
    """One request for ``/healthz``, in plain text or else, where the server wants it, under TLS.

    :raises OSError: nobody listens, or nobody answers in time.
    :raises Unhealthy: somebody answers, but not with 200.
    """
    with socket.create_connection((host, port), _PATIENCE) as connection:
        try:
            answer = _exchange(connection)
        except ConnectionResetError:
            answer = b""
    if not answer.startswith(b"HTTP/"):
        answer = _ask_under_tls(host, port)
    words = answer.split(None, 2)
    if len(words) < 2 or words[1] != b"200":
        line = answer.partition(b"\r\n")[0].decode("latin-1")
        raise Unhealthy(f"the answer to /healthz is {line!r}")


def _ask_under_tls(host: str, port: int) -> bytes:
    # Imported here: without TLS, which a proxy mostly does, each check is 10 ms faster.
    import ssl

    context = ssl.create_default_context()
    context.check_hostname = False  # the certificate is for the name that clients use, not for this one
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection((host, port), _PATIENCE) as connection, context.wrap_socket(connection) as encrypted:
        # Silence after the handshake: it is there, and wants to see a client's certificate.
        return _exchange(encrypted) or b"HTTP/1.1 200"


def _exchange(connection: socket.socket) -> bytes:
    connection.sendall(_REQUEST)
    answer = b""
    while b"\r\n" not in answer and (piece := connection.recv(4096)):
        answer += piece
    return answer


def _flags(arguments: Sequence[str]) -> Mapping[str, str]:
    found = {}
    for number, word in enumerate(arguments):
        flag, equals, value = word.partition("=")
        name = flag.removeprefix("--")
        if flag.startswith("--") and name in _DEFAULTS:
            found[name] = value if equals else "".join(arguments[number + 1 : number + 2])
    return found


def _variables(environment: Mapping[str, str]) -> Mapping[str, str]:
    variables = {name: f"PYWHARF_COMMAND_{name.upper()}" for name in _DEFAULTS}
    return {name: environment[variable] for name, variable in variables.items() if variable in environment}


def _arguments_of_the_first_process() -> Sequence[str]:
    try:
        with open(_FIRST_PROCESS, "rb") as file:
            return file.read().decode("utf-8", "replace").split("\0")
    except OSError:  # hidden, or no Linux
        return []


if __name__ == "__main__":
    sys.exit(main())
