"""Plugins and storages that hang, or fail in the worst way: what works all the same, and how the server stops."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import BinaryIO, ClassVar

import pytest

from pywharf_core import DistributionFile, Storage, StorageType, hookimpl, shared_secrets
from pywharf_core.plugins import Plugins
from pywharf_core.testing import MemoryOptions, MemoryStorage, MemoryStore, make_wheel
from pywharf_filesystem import plugin as file_system
from server.browser import ACCEPT_PAGES
from server.in_process import ADMINISTRATOR, CONFIG, READER, Application, application
from support.initialised import initialise
from support.running_server import running_server, wait_until
from support.uploads import encode, form_headers, form_of

PATIENCE = 20.0  # seconds
MANY = 20  # more than a repository has threads of a kind
PAGE = {"Accept": ACCEPT_PAGES, "Sec-Fetch-Mode": "navigate"}

_goes_on = threading.Event()


@pytest.fixture(autouse=True)
def goes_on() -> Iterator[threading.Event]:
    """What hangs ends when this is set; at the end of the test in any case."""
    _goes_on.clear()
    yield _goes_on
    _goes_on.set()


def hang(repository: str, file: DistributionFile) -> None:
    if file.project != "holygrail":
        _goes_on.wait(3 * PATIENCE)


@contextmanager
def judged_by(refuse_upload: Callable[..., object], folder: Path) -> Iterator[Application]:
    judge = SimpleNamespace(pywharf_refuse_upload=hookimpl(refuse_upload))
    with application(folder / "root", plugins=Plugins.of(file_system, shared_secrets, judge)) as app:
        yield app


@contextmanager
def at_once(calls: Sequence[Callable[[], object]], goes_on: threading.Event) -> Iterator[None]:
    """All of them have been begun in the block, and come to their end after it."""
    with ThreadPoolExecutor(len(calls)) as threads:
        begun = [threads.submit(call) for call in calls]
        try:
            yield
            assert not any(call.done() for call in begun)
        finally:
            goes_on.set()
        for call in begun:
            call.result(PATIENCE)


def answers(call: Callable[[], int]) -> int:
    """What it answers within some seconds."""
    with ThreadPoolExecutor(1) as thread:
        asked = thread.submit(call)
        try:
            return asked.result(PATIENCE / 2)
        except TimeoutError:
            _goes_on.set()
            raise


# --- what hangs ----------------------------------------------------------------------------------------------


def test_uploads_that_a_plugin_judges_for_ever_keep_no_reader_waiting(tmp_path: Path, goes_on: threading.Event) -> None:
    with judged_by(hang, tmp_path) as app:
        grail = make_wheel(tmp_path, "holygrail", "1.0")
        assert app.upload(grail).status_code == 200
        wheels = [make_wheel(tmp_path, f"swallow-{number}", "1.0") for number in range(MANY)]
        with at_once([lambda wheel=wheel: app.upload(wheel) for wheel in wheels], goes_on):  # type: ignore[misc]  # a default binds it
            for path in (
                "/simple/",
                "/simple/holygrail/",
                f"/simple/holygrail/{grail.name}",
                f"/simple/holygrail/{grail.name}.metadata",
                "/project/holygrail/",
                "/search/?q=grail",
                "/pypi/holygrail/json",
                "/readyz",
            ):
                assert answers(lambda path=path: app.get(path, READER).status_code) == 200, path  # type: ignore[misc]  # likewise
        assert len(app.projects()) == MANY + 1


class _Stalled(MemoryStorage):
    def open_file(self, file: DistributionFile) -> BinaryIO:
        _goes_on.wait(3 * PATIENCE)
        return super().open_file(file)


class _StalledType(StorageType):
    name: ClassVar[str] = "stalled"
    options: ClassVar[type] = MemoryOptions
    auth: ClassVar[str] = "secrets"

    def open(self, repository: str, options: MemoryOptions, work: Path) -> Storage:
        return _Stalled(MemoryStore())


def test_a_storage_that_stalls_keeps_nobody_from_knowing_how_it_does(tmp_path: Path, goes_on: threading.Event) -> None:
    stalled = SimpleNamespace(pywharf_storage_types=hookimpl(lambda: [_StalledType]))
    config = CONFIG.replace("file_system", "stalled", 1)
    admin_secret = '[local]\ntype = "stalled"\nraw = "administers"\n'
    plugins = Plugins.of(file_system, shared_secrets, stalled)
    with application(tmp_path / "root", config, admin_secret, plugins=plugins) as app:
        wheel = make_wheel(tmp_path, "holygrail", "1.0")
        assert app.upload(wheel).status_code == 200
        download = f"/simple/holygrail/{wheel.name}"
        with at_once([lambda: app.get(download)] * MANY, goes_on):
            assert answers(lambda: app.get("/readyz", None).status_code) == 200
            assert answers(lambda: app.get("/metrics", ADMINISTRATOR).status_code) == 200
            assert answers(lambda: app.get("/", READER, headers=PAGE).status_code) == 200
            assert answers(lambda: app.get("/r/local/", READER, headers=PAGE).status_code) == 200
            assert answers(lambda: app.get("/index_mtime/").status_code) == 200


# --- what fails ----------------------------------------------------------------------------------------------


def raises(error: type[BaseException]) -> Callable[[DistributionFile], None]:
    def judge(file: DistributionFile) -> None:
        raise error

    return judge


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError])
def test_whatever_a_plugin_raises_is_told_and_the_server_goes_on(tmp_path: Path, error: type[BaseException]) -> None:
    with judged_by(raises(error), tmp_path) as app:
        for _ in range(2):
            answer = app.upload(make_wheel(tmp_path, "holygrail", "1.0"))
            assert answer.status_code == 500
            assert "a plugin of this server could not judge holygrail-1.0-py3-none-any.whl" in answer.text
        assert app.projects() == []


# --- the end -------------------------------------------------------------------------------------------------

HANGING = """
import time
from pathlib import Path
from pywharf_core import hookimpl

@hookimpl
def pywharf_refuse_upload(file):
    if file.project == "judged":
        Path(__file__).with_name("begun").touch()
        time.sleep(100000)

@hookimpl
def pywharf_file_published(file):
    time.sleep(100000)
"""


def install(folder: Path, module: str, source: str) -> None:
    """As a distribution that is found where the folder is on Python's path."""
    described = folder / f"{module}-1.0.dist-info"
    described.mkdir(parents=True)
    (folder / f"{module}.py").write_text(source)
    (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (described / "entry_points.txt").write_text(f"[pywharf]\n{module} = {module}\n")


@pytest.mark.slow
def test_a_server_stops_though_its_plugins_hang(tmp_path: Path) -> None:
    install(tmp_path / "plugins", "hanging", HANGING)
    secrets = initialise(tmp_path / "root")
    environment = {"PYTHONPATH": str(tmp_path / "plugins")}
    with running_server(tmp_path / "root", "--grace", "1", environment=environment) as server:

        def send(name: str) -> None:
            body = encode(form_of(make_wheel(tmp_path, name, "1.0")))
            connection.request("POST", "/simple/", body, form_headers(secrets.writer))

        connection = server.connect()
        send("told")
        assert connection.getresponse().read() == b"told-1.0-py3-none-any.whl was published.\n"
        send("judged")
        wait_until((tmp_path / "plugins" / "begun").exists, "it is judged")
        server.stop()
        connection.close()
