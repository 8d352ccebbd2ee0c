"""Many upload while others read, through several workers: what is listed is there, what was answered is listed."""

from __future__ import annotations

import hashlib
import itertools
import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest

from pywharf_core.testing import make_sdist, make_wheel
from support.initialised import Initialised, initialise
from support.listing import ACCEPT_JSON, listed, listed_projects
from support.running_server import RunningServer, running_server, wait_until
from support.uploads import encode, form_headers, form_of

pytestmark = pytest.mark.slow

PROJECTS = 10


@pytest.fixture
def secrets(tmp_path: Path) -> Initialised:
    return initialise(tmp_path / "root")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _files(folder: Path, count: int) -> Sequence[tuple[str, Path]]:
    """Projects and distribution files of mixed kind and size."""
    made = []
    for number in range(count):
        project, version = f"project-{number % PROJECTS}", f"1.{number}"
        make = make_sdist if number % 3 == 0 else make_wheel
        made.append((project, make(folder, project, version, padding=(number % 7) * 30_000)))
    return made


@dataclass
class Reader:
    """Looks at all pages in turn, and downloads at once what is new on them."""

    server: RunningServer
    secrets: Initialised
    stop: threading.Event = field(default_factory=threading.Event)
    seen: dict[str, str] = field(default_factory=dict)
    rounds: int = 0

    def read(self) -> None:
        for project in itertools.cycle(f"project-{number}" for number in range(PROJECTS)):
            if self.stop.is_set():
                return
            self.rounds += 1
            page = self.server.ask(f"/simple/{project}/", self.secrets.reader, headers=ACCEPT_JSON)
            if page.status == 404:
                assert not [name for name in self.seen if name.startswith(project.replace("-", "_") + "-")]
                continue
            assert page.status == 200, page.text
            files = listed(page.body)
            before = {name for name in self.seen if name.startswith(project.replace("-", "_") + "-")}
            assert before <= files.keys(), "a listed file vanished"
            for filename, sha256 in files.items():
                if filename not in self.seen:
                    file = self.server.ask(f"/simple/{project}/{filename}", self.secrets.reader)
                    assert (file.status, _sha256(file.body)) == (200, sha256)
                    self.seen[filename] = sha256


def test_of_200_uploads_by_8_clients_into_4_workers_none_is_lost_or_listed_before_it_is_there(
    secrets: Initialised, tmp_path: Path
) -> None:
    files = _files(tmp_path / "dist", 200)
    with running_server(secrets.root, "--extra_index_url", "", "--workers", "4") as server:

        def upload_all(mine: Sequence[tuple[str, Path]]) -> None:
            with closing(server.connect()) as kept:
                for project, path in mine:
                    body, headers = encode(form_of(path)), form_headers(secrets.writer)
                    answer = server.ask("/simple/", method="POST", body=body, headers=headers, connection=kept)
                    assert answer.status == 200, answer.text
                    # The next request on any connection, so by any worker, lists it: a new one, and the one just used.
                    for connection in (None, None, kept):
                        page = server.ask(
                            f"/simple/{project}/", secrets.reader, headers=ACCEPT_JSON, connection=connection
                        )
                        assert path.name in listed(page.body)
                    names = server.ask("/simple/", secrets.reader, headers=ACCEPT_JSON)
                    assert project in listed_projects(names.body)

        reader = Reader(server, secrets)
        with ThreadPoolExecutor(9) as pool:
            reading = pool.submit(reader.read)
            uploads = [pool.submit(upload_all, files[number::8]) for number in range(8)]
            try:
                for each in uploads:
                    each.result()
            finally:
                reader.stop.set()
            reading.result()
        assert reader.rounds > 10
        assert _all_listed(server, secrets) == {path.name: _sha256(path.read_bytes()) for _, path in files}
    with running_server(secrets.root, "--extra_index_url", "") as server:
        assert len(_all_listed(server, secrets)) == 200


def _all_listed(server: RunningServer, secrets: Initialised) -> dict[str, str]:
    """Everything on every page, each file downloaded and compared with its page."""
    found: dict[str, str] = {}
    names = server.ask("/simple/", secrets.reader, headers=ACCEPT_JSON)
    connection = server.connect()
    for project in listed_projects(names.body):
        page = server.ask(f"/simple/{project}/", secrets.reader, headers=ACCEPT_JSON, connection=connection)
        for filename, sha256 in listed(page.body).items():
            file = server.ask(f"/simple/{project}/{filename}", secrets.reader, connection=connection)
            assert (file.status, _sha256(file.body)) == (200, sha256)
            found[filename] = sha256
    connection.close()
    return found


def test_of_racing_uploads_under_one_name_one_wins_and_identical_ones_all_succeed(
    secrets: Initialised, tmp_path: Path
) -> None:
    with running_server(secrets.root, "--extra_index_url", "", "--workers", "3") as server:
        for version in ("1.0", "2.0", "3.0"):
            paths = [
                make_wheel(tmp_path / version / str(number // 2), "raced", version, summary=str(number // 2))
                for number in range(8)
            ]
            barrier = threading.Barrier(8)

            def upload(path: Path, barrier: threading.Barrier = barrier) -> int:
                body = encode(form_of(path))
                barrier.wait()
                return server.ask("/simple/", method="POST", body=body, headers=form_headers(secrets.writer)).status

            with ThreadPoolExecutor(8) as pool:
                statuses = list(pool.map(upload, paths))
            assert sorted(statuses) == [200, 200, 409, 409, 409, 409, 409, 409]
            winner = paths[statuses.index(200)]
            assert statuses[statuses.index(200) + 1] == 200  # the other one with the same content
            found = _all_listed(server, secrets)
            assert found[winner.name] == _sha256(winner.read_bytes())


@dataclass
class Hammering:
    """Uploads file after file until the server is gone; remembers which were answered."""

    server: RunningServer
    secrets: Initialised
    answered: dict[str, str] = field(default_factory=dict)

    def run(self, files: Sequence[tuple[str, Path]]) -> None:
        with closing(self.server.connect()) as connection:
            self._upload_all(files, connection)

    def _upload_all(self, files: Sequence[tuple[str, Path]], connection: HTTPConnection) -> None:
        for _, path in files:
            content = path.read_bytes()
            try:
                answer = self.server.ask(
                    "/simple/",
                    method="POST",
                    body=encode(form_of(path)),
                    headers=form_headers(self.secrets.writer),
                    connection=connection,
                )
            except (OSError, HTTPException):  # the latter when an answer was cut off in its middle
                return
            assert answer.status == 200, answer.text
            self.answered[path.name] = _sha256(content)


@pytest.mark.parametrize("killed_after", [3, 17, 40])
def test_kill_9_of_everything_loses_no_answered_upload_and_lists_nothing_damaged(
    secrets: Initialised, tmp_path: Path, killed_after: int
) -> None:
    files = _files(tmp_path / "dist", 120)
    originals = {path.name: _sha256(path.read_bytes()) for _, path in files}
    with running_server(secrets.root, "--extra_index_url", "", "--workers", "2") as server:
        clients = [Hammering(server, secrets) for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            running = [pool.submit(client.run, files[number::4]) for number, client in enumerate(clients)]
            wait_until(lambda: sum(len(client.answered) for client in clients) >= killed_after, "so many were answered")
            server.kill()
            for each in running:
                each.result()
    answered = {name: sha256 for client in clients for name, sha256 in client.answered.items()}
    assert killed_after <= len(answered) < len(files)
    with running_server(secrets.root, "--extra_index_url", "", "--workers", "2") as server:
        found = _all_listed(server, secrets)
        assert answered.items() <= found.items()
        assert found.items() <= originals.items()
        for _, path in files:  # whoever was cut off tries again
            body = encode(form_of(path))
            assert server.ask("/simple/", method="POST", body=body, headers=form_headers(secrets.writer)).status == 200
        assert _all_listed(server, secrets) == originals


def test_kill_9_of_one_worker_is_survived(secrets: Initialised, tmp_path: Path) -> None:
    files = _files(tmp_path / "dist", 60)
    with running_server(secrets.root, "--extra_index_url", "", "--workers", "2") as server:

        def upload(path: Path) -> None:
            for _ in range(5):  # a client whose connection is cut tries again
                try:
                    body, headers = encode(form_of(path)), form_headers(secrets.writer)
                    assert server.ask("/simple/", method="POST", body=body, headers=headers).status == 200
                    return
                except (OSError, HTTPException):
                    continue
            pytest.fail("five attempts failed")

        with ThreadPoolExecutor(4) as pool:
            uploads = [pool.submit(upload, path) for _, path in files]
            for victim in sorted(server.workers()):
                wait_until(lambda: len(server.workers()) == 2, "two workers")
                os.kill(victim, signal.SIGKILL)
            for each in uploads:
                each.result()
        wait_until(lambda: len(server.workers()) == 2, "two workers again")
        assert _all_listed(server, secrets) == {path.name: _sha256(path.read_bytes()) for _, path in files}
