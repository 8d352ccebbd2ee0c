"""A real server with `downloads = "stream"`, and clients that see how the bytes come."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path

import pytest

from github_backend.real_server import GitHubWharf, wharf_on
from github_backend.test_downloads import BYTES, noise
from github_fake import FakeGitHub, Token
from pywharf_core.testing import make_wheel
from support.uploads import basic

pytestmark = pytest.mark.slow

SIZE = 3_000_000


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return make_wheel(tmp_path / "dist", "large", "1.0", extra_files={"noise.bin": noise(SIZE)})


@pytest.fixture
def wharf(fake: FakeGitHub, writer: Token, wheel: Path, tmp_path: Path) -> Iterator[GitHubWharf]:
    with wharf_on(fake, tmp_path / "root", downloads="stream") as running:
        assert running.upload(wheel, writer).status == 200
        yield running


@contextmanager
def answer(wharf: GitHubWharf, wheel: Path, token: Token, **headers: str) -> Iterator[HTTPResponse]:
    """As it begins."""
    connection = wharf.server.connect()
    try:
        connection.request("GET", f"/simple/large/{wheel.name}", headers={**basic("acme", token.value), **headers})
        yield connection.getresponse()
    finally:
        connection.close()


def test_the_first_bytes_are_sent_while_the_rest_has_not_come_and_a_client_that_goes_stops_nobody(
    fake: FakeGitHub, wharf: GitHubWharf, wheel: Path, writer: Token
) -> None:
    fake.faults.next(BYTES, stall="body")
    with fake.calls.during() as calls, answer(wharf, wheel, writer) as follower:
        with answer(wharf, wheel, writer) as first:
            assert first.status == follower.status == 200
            assert int(first.headers["content-length"]) == wheel.stat().st_size
            begun = follower.read(SIZE // 4)
            assert first.read(SIZE // 4) == begun
        fake.settle()
        assert begun + follower.read() == wheel.read_bytes()
    assert calls.count(BYTES) == 1
    with fake.calls.during() as calls:
        got = wharf.server.ask(f"/simple/large/{wheel.name}", ("acme", writer.value))
        part = wharf.server.ask(f"/simple/large/{wheel.name}", ("acme", writer.value), headers={"Range": "bytes=9-19"})
    assert hashlib.sha256(got.body).digest() == hashlib.sha256(wheel.read_bytes()).digest()
    assert (part.status, part.body) == (206, wheel.read_bytes()[9:20])
    assert calls.count(BYTES) == 0


def test_no_client_gets_all_bytes_of_a_file_that_is_not_the_right_one(
    fake: FakeGitHub, wharf: GitHubWharf, wheel: Path, writer: Token
) -> None:
    release = wharf.repository.release(wheel.name)
    assert release is not None
    [asset] = release.assets.values()
    good, asset.content = asset.content, asset.content[:-1] + b"X"
    with answer(wharf, wheel, writer) as cut:
        assert cut.status == 200
        with pytest.raises((HTTPException, OSError)):
            cut.read()
    asset.content = good
    got = wharf.server.ask(f"/simple/large/{wheel.name}", ("acme", writer.value))
    assert got.body == good


def test_head_and_what_the_client_has_already_fetch_nothing(
    fake: FakeGitHub, wharf: GitHubWharf, wheel: Path, writer: Token
) -> None:
    path, credentials = f"/simple/large/{wheel.name}", ("acme", writer.value)
    with fake.calls.during() as calls:
        head = wharf.server.ask(path, credentials, method="HEAD")
        same = wharf.server.ask(path, credentials, headers={"If-None-Match": head.headers["etag"]})
        behind = wharf.server.ask(path, credentials, headers={"Range": f"bytes={10 * SIZE}-"})
    assert (head.status, int(head.headers["content-length"])) == (200, wheel.stat().st_size)
    assert (same.status, behind.status) == (304, 416)
    assert calls.count(BYTES) == 0


def test_a_file_that_somebody_replaced_meanwhile_is_not_listed_any_more(
    fake: FakeGitHub, wharf: GitHubWharf, wheel: Path, writer: Token
) -> None:
    release = wharf.repository.release(wheel.name)
    assert release is not None
    [asset] = release.assets.values()
    asset.content = asset.content[:-1] + b"X"  # of the same size: found out at the end
    asset.digest = f"sha256:{hashlib.sha256(asset.content).hexdigest()}"
    with answer(wharf, wheel, writer) as cut, pytest.raises((HTTPException, OSError)):
        cut.read()
    again = wharf.server.ask(f"/simple/large/{wheel.name}", ("acme", writer.value))
    assert again.status == 404
    assert wheel.name not in wharf.listed("large", writer)
