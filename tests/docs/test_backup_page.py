"""The drill of the page: a backup that is made while somebody publishes is restored, and everything in it is whole."""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from docs.code_blocks import DOCS
from pywharf_core.testing import make_wheel
from support.debian_programs import debian_program
from support.initialised import Initialised, initialise
from support.listing import ACCEPT_JSON, listed, listed_projects
from support.running_server import RunningServer, running_server, wait_until
from support.served import free_port
from support.shell_blocks import commands
from support.terminal import Terminal, secrets_in_variables, words_for
from support.uploads import encode, form_headers, form_of

pytestmark = pytest.mark.slow

PAGE = DOCS / "how-to/backup-and-restore.md"


@pytest.fixture(autouse=True)
def rsync() -> None:
    debian_program("rsync")


@pytest.fixture
def secrets(tmp_path: Path) -> Initialised:
    (tmp_path / "terminal").mkdir()
    return initialise(tmp_path / "terminal" / "my-root")


def publish(server: RunningServer, secrets: Initialised, wheel: Path) -> None:
    body = encode(form_of(wheel))
    answer = server.ask("/simple/", secrets.writer, method="POST", body=body, headers=form_headers())
    assert answer.status == 200, answer.text


@contextmanager
def publishing_on(server: RunningServer, secrets: Initialised, folder: Path) -> Iterator[list[Path]]:
    """One wheel after the other, as long as the block lasts; those that were answered."""
    published: list[Path] = []
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            wheel = make_wheel(folder, f"thing-{len(published) % 7}", f"1.{len(published)}", padding=50_000)
            publish(server, secrets, wheel)
            published.append(wheel)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield published
    finally:
        stop.set()
        thread.join()


def everything(server: RunningServer, secrets: Initialised) -> dict[str, str]:
    """The sha256 of each file that is listed and was downloaded."""
    found = {}
    for project in listed_projects(server.ask("/simple/", secrets.reader, headers=ACCEPT_JSON).body):
        for name, sha256 in listed(server.ask(f"/simple/{project}/", secrets.reader, headers=ACCEPT_JSON).body).items():
            content = server.ask(f"/simple/{project}/{name}", secrets.reader).body
            assert hashlib.sha256(content).hexdigest() == sha256
            found[name] = sha256
    return found


def sha256s(wheels: list[Path]) -> dict[str, str]:
    return {wheel.name: hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in wheels}


@pytest.mark.follows("docs/how-to/backup-and-restore.md", "Back up", "Restore", "Drill")
def test_the_drill(secrets: Initialised, tmp_path: Path) -> None:
    port = free_port()
    terminal = Terminal(tmp_path / "terminal", words_for(port), variables=secrets_in_variables(secrets))
    with running_server(secrets.root, "--extra_index_url", "") as server:
        holygrail = make_wheel(tmp_path / "dist", "holygrail", "1.0")
        gone = make_wheel(tmp_path / "dist", "gone", "1.0")
        for wheel in (holygrail, gone):
            publish(server, secrets, wheel)
        delete = "/manage/gone/1.0/delete"
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert server.ask(delete, secrets.writer, method="POST", body=b"", headers=form).status == 200
        with publishing_on(server, secrets, tmp_path / "more") as published:
            wait_until(lambda: len(published) >= 20, "many are published")
            before = sha256s([holygrail, *published])
            terminal.follow(PAGE, "Back up")
        everything_published = sha256s([holygrail, *published])
    *prepare, serve = commands(PAGE, "Restore")
    for line in prepare:
        said = terminal.type(line)
    assert "local" in said
    restored = Initialised(terminal.folder / "restored", secrets.read, secrets.write, secrets.admin)
    with terminal.serve(f"{serve} --extra_index_url ''", port) as served:
        verify, download = commands(PAGE, "Drill")
        terminal.type(verify)
        terminal.type(download)
        assert (terminal.folder / holygrail.name).read_bytes() == holygrail.read_bytes()
        assert served.stop() == 0
    with running_server(restored.root) as server:
        found = everything(server, restored)
        assert before.items() <= found.items() <= everything_published.items()
        assert server.ask("/simple/gone/", restored.reader).status == 404, "never redirected: its name stays reserved"


def test_the_store_alone_is_restored_in_place(secrets: Initialised, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "terminal")
    store = secrets.root / "cache/local/storage"
    early, late = (make_wheel(tmp_path / "dist", "holygrail", version) for version in ("1.0", "2.0"))
    with running_server(secrets.root, "--extra_index_url", "") as server:
        publish(server, secrets, early)
        terminal.follow(PAGE, "Back up")
        publish(server, secrets, late)
    shutil.rmtree(store)
    shutil.copytree(terminal.folder / "backup/storage", store)
    with running_server(secrets.root, "--extra_index_url", "") as server:
        assert everything(server, secrets) == sha256s([early])
        publish(server, secrets, late)
        assert everything(server, secrets) == sha256s([early, late])
