"""One server made by ``pywharf init`` and ``pywharf server``, with a second index behind it, for all client tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pywharf_core.testing import make_wheel
from support.clients import Clients
from support.initialised import Initialised, initialise
from support.running_server import RunningServer, running_server
from support.static_index import StaticIndex, static_index


@dataclass(frozen=True)
class Index:
    """What users know of it."""

    server: RunningServer
    secrets: Initialised
    extra: StaticIndex

    @property
    def upload_url(self) -> str:
        return f"{self.server.url}/simple/"

    @property
    def read_url(self) -> str:
        return self.server.index_url("local", self.secrets.read)

    @property
    def hosted(self) -> str:
        """What pip and uv call the server: without its credentials."""
        return f"{self.server.host}:{self.server.port}"


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    base = tmp_path_factory.mktemp("index")
    public = base / "public"
    make_wheel(public / "publicthing", "publicthing", "3.0")
    make_wheel(public / "acme-secret", "acme-secret", "99.0")  # a stranger's, under a name of ours
    secrets = initialise(base / "root")
    with static_index(public) as extra:
        flags = ["--extra_index_url", extra.url, "--private", "acme-*"]
        with running_server(secrets.root, *flags) as server:
            yield Index(server, secrets, extra)


@pytest.fixture
def clients(tmp_path: Path) -> Clients:
    return Clients(tmp_path / "home")


@pytest.fixture
def published(index: Index, clients: Clients, tmp_path: Path) -> Path:
    """A wheel that is there already, uploaded by twine: ``holygrail`` 1.0."""
    wheel = make_wheel(tmp_path / "published", "holygrail", "1.0", summary="What everybody looks for")
    ran = clients.twine_upload(index.upload_url, "local", index.secrets.write, wheel)
    assert ran.status == 0, ran.output
    return wheel
