"""A server whose GitHub says nothing: what waits, and what does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from github_backend.test_downloads import ASSET, BYTES, noise
from github_backend.test_server import admin_of, config_of
from github_fake import FakeGitHub, Token
from pywharf_core.testing import make_wheel
from server.in_process import Application, application
from support.running_server import wait_until

MANY = 40  # files: more than a repository has threads of a kind
SOON = 10.0  # seconds, on whatever machine: GitHub is waited for longer


@contextmanager
def stalled(fake: FakeGitHub, operation: str, where: str, calls: Sequence[Callable[[], int]]) -> Iterator[None]:
    """All of them have begun, and as many as are let through wait for GitHub; they end well after the block."""
    fault = fake.faults.next(operation, stall=where, times=0)
    with ThreadPoolExecutor(len(calls)) as threads:
        begun = [threads.submit(call) for call in calls]
        try:
            wait_until(lambda: fault.met >= 16, "all threads for that wait")
            yield
            assert not any(call.done() for call in begun)
        finally:
            fake.faults.clear()
            fake.settle()
        while not all(call.done() for call in begun):
            fake.settle()
        assert {call.result() for call in begun} <= {200, 302}


def soon(call: Callable[[], int]) -> int:
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(call).result(SOON)


def published(app: Application, folder: Path, writer: Token, names: Sequence[str], size: int = 0) -> Sequence[str]:
    """Addresses of files."""
    found = []
    for name in names:
        wheel = make_wheel(folder, name, "1.0", extra_files={"noise.bin": noise(size)} if size else {})
        assert app.upload(wheel, ("acme", writer.value)).status_code == 200
        found.append(f"/simple/{name}/{wheel.name}")
    return found


@pytest.mark.usefixtures("repository")
def test_while_downloads_wait_for_github_pages_and_what_is_at_hand_wait_for_nobody(
    fake: FakeGitHub, writer: Token, reader: Token, tmp_path: Path
) -> None:
    with application(tmp_path / "root", config_of(fake), admin_of(fake)) as app:

        def status(path: str, method: str = "GET") -> int:
            return app.get(path, ("acme", reader.value), method=method).status_code

        known, *unknown = published(app, tmp_path, writer, [f"thing{number}" for number in range(MANY + 1)])
        assert status(known) == 302
        downloads = [lambda path=path: status(path) for path in unknown]
        with stalled(fake, ASSET, "before", downloads):
            assert soon(lambda: status("/simple/")) == 200
            assert soon(lambda: status("/simple/thing7/")) == 200  # that nobody asked for before
            assert soon(lambda: status("/pypi/thing7/json")) == 200
            assert soon(lambda: status("/project/thing7/")) == 200
            assert soon(lambda: status(known)) == 302
            assert soon(lambda: status(unknown[0], "HEAD")) == 200
            assert soon(lambda: status(f"{unknown[0]}.metadata")) == 200
            assert soon(lambda: status("/readyz")) == 200


@pytest.mark.usefixtures("repository")
def test_while_bytes_wait_for_github_kept_files_are_served_and_uploads_taken(
    fake: FakeGitHub, writer: Token, tmp_path: Path
) -> None:
    config = config_of(fake) + 'downloads = "stream"\n'
    with application(tmp_path / "root", config, admin_of(fake)) as app:

        def status(path: str, method: str = "GET") -> int:
            return app.get(path, ("acme", writer.value), method=method).status_code

        known, *unknown = published(app, tmp_path, writer, [f"thing{number}" for number in range(MANY + 1)], 100_000)
        assert status(known) == 200
        downloads = [lambda path=path: status(path) for path in unknown]
        with stalled(fake, BYTES, "before", downloads):
            assert soon(lambda: status(known)) == 200
            assert soon(lambda: status(unknown[0], "HEAD")) == 200
            assert soon(lambda: status("/simple/")) == 200
            new = make_wheel(tmp_path, "new", "1.0")
            assert soon(lambda: app.upload(new, ("acme", writer.value)).status_code) == 200
            assert soon(lambda: status("/simple/new/")) == 200


@pytest.mark.usefixtures("repository")
def test_a_server_without_a_secret_serves_what_it_read_before_while_github_says_nothing(
    fake: FakeGitHub, writer: Token, reader: Token, tmp_path: Path
) -> None:
    config = config_of(fake) + "sync_index_interval = 0.01\n"
    with application(tmp_path / "root", config, None, ready=False) as app:

        def status(path: str) -> int:
            return app.get(path, ("acme", reader.value)).status_code

        assert app.upload(make_wheel(tmp_path, "thing", "1.0"), ("acme", writer.value)).status_code == 200
        assert status("/simple/thing/") == 200
        fault = fake.faults.next("GET /repos/{o}/{r}/branches/{b}", stall="before", times=0)
        try:
            with ThreadPoolExecutor(MANY) as threads:
                begun = [threads.submit(status, "/simple/thing/") for _ in range(MANY)]
                assert {call.result(SOON) for call in begun} == {200}
            assert fault.met == 1
        finally:
            fake.faults.clear()
            fake.settle()
