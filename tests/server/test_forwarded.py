"""What is believed of X-Forwarded-* headers, and from whom."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from starlette.types import Message, Receive, Scope, Send

from pywharf.forwarded import Forwarded, read_networks, read_prefix

PROXY = "10.0.0.5"
TRUSTED = ("10.0.0.0/8", "2001:db8::1")


def seen_behind(
    headers: dict[str, str] | list[tuple[str, str]],
    *,
    peer: str = PROXY,
    trusted: tuple[str, ...] = TRUSTED,
    path: str = "/simple/",
    prefix: str = "",
) -> Scope:
    """The scope that the application sees."""
    seen: list[Scope] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        raise AssertionError

    pairs = list(headers.items()) if isinstance(headers, dict) else headers
    scope: dict[str, Any] = {
        "type": "http",
        "path": path,
        "root_path": "",
        "scheme": "http",
        "client": (peer, 4711),
        "headers": [(b"host", b"inner"), *((name.encode(), value.encode("latin-1")) for name, value in pairs)],
    }
    anyio.run(Forwarded(application, trusted, prefix), scope, receive, send)
    return seen[0]


def client_behind(chain: str, peer: str = PROXY) -> str:
    client: str = seen_behind({"x-forwarded-for": chain}, peer=peer)["client"][0]
    return client


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1, 10.1.2.3", "192.0.2.1"),
        ("6.6.6.6, 192.0.2.1", "192.0.2.1"),
        ("10.0.0.1, 6.6.6.6, 192.0.2.1, 10.1.1.1", "192.0.2.1"),
        ("192.0.2.1:5555", "192.0.2.1"),
        ("[2001:db8::7]:5555", "2001:db8::7"),
        ("2001:db8::7, 2001:db8::1", "2001:db8::7"),
        ("10.0.0.1, 10.0.0.2", "10.0.0.1"),
        ("unknown, 10.0.0.2", "10.0.0.2"),
        ("nonsense", PROXY),
        ("", PROXY),
    ],
)
def test_the_client_is_the_nearest_address_that_is_no_proxy_of_ours(chain: str, client: str) -> None:
    assert client_behind(chain) == client


def test_a_header_sent_twice_is_one_list() -> None:
    scope = seen_behind([("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "192.0.2.1")])
    assert scope["client"] == ("192.0.2.1", 0)


def test_an_ipv4_proxy_is_known_on_an_ipv6_socket() -> None:
    assert client_behind("192.0.2.1", peer="::ffff:10.0.0.5") == "192.0.2.1"


@pytest.mark.parametrize(("peer", "trusted"), [("192.0.2.9", TRUSTED), (PROXY, ()), ("testclient", TRUSTED)])
def test_strangers_are_not_believed(peer: str, trusted: tuple[str, ...]) -> None:
    forged = {
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-proto": "https",
        "x-forwarded-host": "evil.example",
        "x-forwarded-prefix": "/evil",
    }
    scope = seen_behind(forged, peer=peer, trusted=trusted)
    assert (scope["client"], scope["scheme"], scope["root_path"]) == ((peer, 4711), "http", "")
    assert scope["headers"][0] == (b"host", b"inner")


def test_scheme_and_host_are_what_the_nearest_proxy_says() -> None:
    scope = seen_behind({"x-forwarded-proto": "http, https", "x-forwarded-host": "a.example, index.example"})
    assert scope["scheme"] == "https"
    assert [value for name, value in scope["headers"] if name == b"host"] == [b"index.example"]


def test_a_scheme_that_is_none_is_ignored() -> None:
    assert seen_behind({"x-forwarded-proto": "javascript"})["scheme"] == "http"


@pytest.mark.parametrize(
    ("headers", "configured", "path", "seen"),
    [
        ({}, "", "/simple/", ("", "/simple/")),
        ({}, "/index", "/simple/", ("/index", "/index/simple/")),
        ({}, "/index", "/index/simple/", ("/index", "/index/simple/")),
        ({}, "/index", "/indexes/", ("/index", "/index/indexes/")),
        ({"x-forwarded-prefix": "/team/"}, "/index", "/simple/", ("/team", "/team/simple/")),
        ({"x-forwarded-prefix": "/pypi"}, "", "/pypi/grail/json", ("/pypi", "/pypi/pypi/grail/json")),
    ],
)
def test_the_path_holds_the_prefix(headers: dict[str, str], configured: str, path: str, seen: tuple[str, str]) -> None:
    scope = seen_behind(headers, path=path, prefix=configured)
    assert (scope["root_path"], scope["path"]) == seen


def test_a_prefix_leads_to_no_other_host() -> None:
    assert read_prefix("//evil.example/../x/") == "/evil.example/x"


def test_a_trusted_proxy_is_an_address_or_a_network() -> None:
    with pytest.raises(ValueError, match="'proxy.local' is neither an address nor a network"):
        read_networks(["10.0.0.1", "proxy.local"])


def test_a_lifespan_passes_untouched() -> None:
    seen: list[Scope] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    scope: Scope = {"type": "lifespan"}

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        raise AssertionError

    anyio.run(Forwarded(application, TRUSTED, "/index"), scope, receive, send)
    assert seen[0] is scope
