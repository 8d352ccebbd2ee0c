"""A name that is ours is never fetched from the index behind ours, by real clients that know one index URL only.

The second index is a stranger's: it offers a higher version of every name of ours.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from pywharf_core.testing import make_wheel
from support.clean_environment import clean_environment
from support.clients import Clients, Ran
from support.initialised import Initialised, initialise
from support.listing import ACCEPT_JSON, listed
from support.running_server import PYWHARF, RunningServer, running_server, wait_until
from support.static_index import StaticIndex, static_index

pytestmark = pytest.mark.slow

PUBLISHED = "holygrail"
DELETED = "swallow"
PRIVATE = "acme-secret"  # declared by a glob, never published
PUBLIC = "publicthing"
OURS = (PUBLISHED, DELETED, PRIVATE)


@dataclass
class Wharf:
    """A server's ROOT whose store can be taken away; ``holygrail`` 1.0 is published, ``swallow`` was."""

    secrets: Initialised
    extra: StaticIndex
    clients: Clients
    store: Path

    def serve(self, *, ready: bool = True) -> AbstractContextManager[RunningServer]:
        flags = ["--extra_index_url", self.extra.url, "--private", "acme-*"]
        return running_server(self.secrets.root, *flags, ready=ready)

    def index_urls(self, server: RunningServer) -> list[str]:
        secret = self.secrets.read
        return [
            server.index_url("local", secret),
            f"http://__token__:{secret}@{server.host}:{server.port}/r/local/simple/",
        ]

    def asked_of(self, *names: str) -> list[str]:
        """What the stranger's index was asked about these names."""
        return [path for path in self.extra.asked if any(name in path for name in names)]

    def try_to_install(self, server: RunningServer, wanted: str, *, module: str = "", urls: int = 2) -> list[str]:
        """Versions that pip and uv install through each of the first ``urls``; "": none, and the client said so."""
        module = module or wanted.partition("==")[0].replace("-", "_")
        chosen = self.index_urls(server)[:urls]
        return [_outcome(client, url, wanted, module) for url in chosen for client in (self.pip, self.uv)]

    def pip(self, *arguments: str) -> tuple[Ran, Callable[[str], str]]:
        environment = self.clients.fresh_environment()
        # 503 says when to come again, and pip would obey five times.
        return environment.pip_install("--retries", "0", "--no-cache-dir", *arguments), environment.version_of

    def uv(self, *arguments: str) -> tuple[Ran, Callable[[str], str]]:
        environment = self.clients.fresh_environment()
        return environment.uv_install("--no-cache", *arguments), environment.version_of


Client = Callable[..., tuple[Ran, Callable[[str], str]]]


def _outcome(client: Client, url: str, wanted: str, module: str) -> str:
    ran, version_of = client("--index-url", url, wanted)
    if ran.status == 0:
        return version_of(module)
    assert "No module named" in version_of(module), ran.output
    return ""


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stranger")
    for name in (*OURS, PUBLIC, "newthing"):
        make_wheel(folder / name, name, "99.0")
    return folder


@pytest.fixture
def wharf(stranger: Path, tmp_path: Path) -> Iterator[Wharf]:
    secrets = initialise(tmp_path / "root")
    config = secrets.root / "config.toml"
    config.write_text(config.read_text() + "sync_index_interval = 1\n")
    with static_index(stranger) as extra:
        store = secrets.root / "cache" / "local" / "storage"
        wharf = Wharf(secrets, extra, Clients(tmp_path / "home"), store)
        with running_server(secrets.root) as server:
            wheels = [make_wheel(tmp_path / "dist", name, "1.0") for name in (PUBLISHED, DELETED)]
            ran = wharf.clients.twine_upload(f"{server.url}/simple/", "local", secrets.write, *wheels)
            assert ran.status == 0, ran.output
            pywharf("delete", "local", f"{DELETED}==1.0", "--root", secrets.root)
        yield wharf


def pywharf(*arguments: str | Path) -> str:
    done = subprocess.run(
        [PYWHARF, *map(str, arguments)],
        env=clean_environment(Path(arguments[-1]).parent),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_what_is_here_is_taken_from_here_whatever_another_index_offers(wharf: Wharf) -> None:
    with wharf.serve() as server:
        assert wharf.try_to_install(server, PUBLISHED) == ["1.0"] * 4
        assert wharf.try_to_install(server, "HolyGrail>0.5,<100", module="holygrail") == ["1.0"] * 4
        assert wharf.try_to_install(server, PUBLIC) == ["99.0"] * 4, "else this proves nothing"
    assert not wharf.asked_of(*OURS)
    assert wharf.asked_of(PUBLIC)


def test_a_version_or_a_file_that_does_not_exist_is_not_looked_for_elsewhere(wharf: Wharf) -> None:
    with wharf.serve() as server:
        assert wharf.try_to_install(server, f"{PUBLISHED}==99.0") == [""] * 4
        for url in wharf.index_urls(server):
            for client in (wharf.pip, wharf.uv):
                ran, _ = client("--index-url", url, f"{url}{PUBLISHED}/{PUBLISHED}-99.0-py3-none-any.whl")
                assert ran.status != 0, ran.output
        answer = server.ask(f"/simple/{PUBLISHED}/{PUBLISHED}-99.0-py3-none-any.whl", wharf.secrets.reader)
        assert answer.status == 404
    assert not wharf.extra.asked


def test_a_declared_name_and_a_deleted_project_are_nobodys(wharf: Wharf) -> None:
    with wharf.serve() as server:
        for name in (PRIVATE, DELETED):
            assert wharf.try_to_install(server, name) == [""] * 4
            why = pywharf("why", "local", name, "--root", wharf.secrets.root)
            assert "nobody else answers for it" in why
    assert not wharf.extra.asked


def test_a_deleted_project_stays_ours_when_the_index_is_built_anew(wharf: Wharf) -> None:
    for path in (wharf.secrets.root / "index").iterdir():
        path.unlink()
    with wharf.serve() as server:
        assert wharf.try_to_install(server, DELETED) == [""] * 4
        assert wharf.try_to_install(server, PUBLISHED) == ["1.0"] * 4
    assert not wharf.extra.asked


def test_while_the_store_is_away_no_name_at_all_is_looked_for_elsewhere(wharf: Wharf) -> None:
    with wharf.serve() as server:
        away = wharf.store.rename(wharf.store.with_name("away"))
        wait_until(lambda: server.ask(f"/simple/{PUBLIC}/", wharf.secrets.reader).status == 503, "the server noticed")
        for name in (*OURS, PUBLIC):  # through one URL, as clients ask again for a while
            assert wharf.try_to_install(server, name, urls=1) == [""] * 2
        assert not wharf.extra.asked
        away.rename(wharf.store)
        wait_until(lambda: server.ask(f"/simple/{PUBLIC}/", wharf.secrets.reader).status == 307, "the server noticed")
        assert wharf.try_to_install(server, PUBLISHED) == ["1.0"] * 4
    assert not wharf.asked_of(*OURS)


def test_before_the_store_was_ever_read_no_name_at_all_is_looked_for_elsewhere(wharf: Wharf) -> None:
    for path in (wharf.secrets.root / "index").iterdir():
        path.unlink()
    away = wharf.store.rename(wharf.store.with_name("away"))
    with wharf.serve(ready=False) as server:
        for name in (*OURS, "newthing"):
            assert wharf.try_to_install(server, name, urls=1) == [""] * 2
        assert not wharf.extra.asked
        away.rename(wharf.store)
        server.wait_until_ready()
        page = server.ask(f"/simple/{PUBLISHED}/", wharf.secrets.reader, headers=ACCEPT_JSON)
        assert len(listed(page.body)) == 1
        assert wharf.try_to_install(server, PUBLISHED) == ["1.0"] * 4
    assert not wharf.asked_of(*OURS)
