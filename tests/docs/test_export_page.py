"""What the page on exports says, done: a backup is brought back, and a static index is installed from, by four hosts."""

from __future__ import annotations

import http.client
import json
import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest

from docs.code_blocks import DOCS, titled_blocks
from pywharf_core.testing import make_sdist, make_wheel
from support.debian_programs import debian_program
from support.initialised import Initialised, initialise, read_secrets
from support.listing import ACCEPT_JSON
from support.running_server import RunningServer, running_server
from support.served import free_port
from support.shell_blocks import scripts
from support.static_host import hosting
from support.terminal import Terminal, delete_caches
from support.uploads import encode, form_headers, form_of

pytestmark = pytest.mark.slow

PAGE = DOCS / "export.md"
BLOCKS = titled_blocks("export.md")
JSON = "application/vnd.pypi.simple.v1+json"


@pytest.fixture
def secrets(tmp_path: Path) -> Initialised:
    secrets = initialise(tmp_path / "root")
    with (secrets.root / "config.toml").open("a") as config:
        config.write('private = ["acme-*"]\nnamespaces = true\n')
    return secrets


@pytest.fixture
def server(secrets: Initialised, tmp_path: Path) -> Iterator[RunningServer]:
    """Two releases of ``holygrail``, the later one yanked."""
    with running_server(secrets.root, "--extra_index_url", "") as running:
        for version in ("1.0", "2.0"):
            for make in (make_wheel, make_sdist):
                body = encode(form_of(make(tmp_path / "dist", "holygrail", version)))
                answer = running.ask("/simple/", secrets.writer, method="POST", body=body, headers=form_headers())
                assert answer.status == 200, answer.text
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        yank = "/manage/holygrail/2.0/yank"
        assert running.ask(yank, secrets.writer, method="POST", body=b"reason=Bad", headers=form).status == 200
        yield running


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def terminal(tmp_path: Path, secrets: Initialised, port: int) -> Terminal:
    return Terminal(tmp_path / "terminal", {"ROOT": str(secrets.root), "8080": str(port)})


def run_host(terminal: Terminal, line: str, port: int) -> AbstractContextManager[None]:
    """What the page says starts a host."""
    return hosting(shlex.split(terminal.meant(line)), port, cwd=terminal.folder, env=terminal.environment)


def installs(terminal: Terminal, lines: list[str]) -> None:
    """Each line installs, from the network alone."""
    assert len(lines) == 2
    for line in lines:
        delete_caches(terminal.home)
        terminal.type(line)
        assert terminal.installed("holygrail") == "1.0", line
        terminal.type("pip uninstall --yes holygrail")


@pytest.mark.follows("docs/export.md", "A backup as files", "Bring it back")
def test_a_backup_is_brought_back(terminal: Terminal, server: RunningServer, secrets: Initialised) -> None:
    terminal.follow(PAGE, "A backup as files")
    marker = json.loads((terminal.folder / "backup/pywharf-export.json").read_bytes())
    assert marker["complete"] is True
    terminal.follow(PAGE, "Bring it back")
    before = server.ask("/simple/holygrail/", secrets.reader, headers=ACCEPT_JSON).body
    restored = read_secrets(terminal.folder / "restored")
    with running_server(restored.root, "--extra_index_url", "") as other:
        after = other.ask("/simple/holygrail/", restored.reader, headers=ACCEPT_JSON).body
    assert _without_namespaces(after) == _without_namespaces(before), "with the yank, its reason, and all times"


def _without_namespaces(page: bytes) -> object:
    document = json.loads(page)
    document.pop("namespaces", None)
    del document["meta"]
    return document


@pytest.mark.follows("docs/export.md", "A static index")
def test_a_static_index_is_served_and_installed_from(terminal: Terminal, server: RunningServer, port: int) -> None:
    (export, serve), clients = _blocks("A static index")
    assert "http.server" in terminal.type(export)
    with run_host(terminal, serve, port):
        installs(terminal, clients)


def _blocks(heading: str) -> list[list[str]]:
    """The lines of each block of commands."""
    return [script.splitlines() for script in scripts(PAGE, heading)]


@pytest.mark.follows("docs/export.md", "A network without Internet")
def test_a_folder_is_carried_into_a_network_without_internet(
    terminal: Terminal, server: RunningServer, port: int
) -> None:
    outside, inside, serve, clients = _blocks("A network without Internet")
    for line in outside:
        terminal.type(line)
    terminal.forget("site")
    for line in inside:
        terminal.type(line)
    with run_host(terminal, serve[0], port):
        installs(terminal, clients)


@contextmanager
def nginx(terminal: Terminal, port: int) -> Iterator[None]:
    folder = terminal.folder
    site = BLOCKS["simple-index.conf"].replace("8080", f"127.0.0.1:{port}").replace("/srv/site", str(folder / "site"))
    temporary = "\n".join(
        f"{name}_temp_path {folder}/nginx-{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"{'user root;' if os.geteuid() == 0 else ''} daemon off; pid {folder}/nginx.pid; error_log stderr; events {{}}\n"
        f"http {{ include /etc/nginx/mime.types; default_type application/octet-stream; access_log off; {temporary}\n"
        f"{site} }}\n"
    )
    with hosting([debian_program("nginx"), "-c", str(folder / "nginx.conf")], port, cwd=folder):
        yield


@contextmanager
def caddy(terminal: Terminal, port: int) -> Iterator[None]:
    folder = terminal.folder
    site = BLOCKS["Caddyfile"].replace(":8080", f"http://127.0.0.1:{port}").replace("/srv/site", str(folder / "site"))
    (folder / "Caddyfile").write_text(f"{{\n\tadmin off\n\tauto_https off\n}}\n{site}")
    command = [debian_program("caddy"), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    with hosting(command, port, cwd=folder, env=terminal.environment):
        yield


def ask(port: int, path: str, accept: str | None = None) -> tuple[int, str, str, bytes]:
    """Status, media type, Vary and body."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", path, headers={} if accept is None else {"Accept": accept})
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        media_type = headers.get("content-type", "").partition(";")[0]
        return answer.status, media_type, headers.get("vary", ""), answer.read()


Host = Callable[[Terminal, int], AbstractContextManager[None]]


@pytest.mark.parametrize("host", [nginx, caddy])
def test_a_web_server_hands_each_client_the_page_that_it_wants(
    terminal: Terminal, server: RunningServer, secrets: Initialised, port: int, host: Host
) -> None:
    terminal.type("pywharf export local site/simple --simple --root ROOT")
    with host(terminal, port):
        for path in ("/simple/", "/simple/holygrail/"):
            for accept, media_type in [
                (f"{JSON}, application/vnd.pypi.simple.v1+html; q=0.2, text/html; q=0.01", JSON),
                ("application/vnd.pypi.simple.latest+json", JSON),
                ("text/html", "text/html"),
                ("*/*", "text/html"),
                (None, "text/html"),
            ]:
                status, answered, vary, body = ask(port, path, accept)
                assert (status, answered) == (200, media_type)
                assert "accept" in vary.lower()
                assert body == server.ask(path, secrets.reader, headers={"Accept": media_type}).body
        wheel = "/simple/holygrail/holygrail-1.0-py3-none-any.whl"
        assert ask(port, wheel)[3] == server.ask(wheel, secrets.reader).body
        metadata = ask(port, f"{wheel}.metadata")
        assert metadata[:2] == (200, "text/plain")
        assert metadata[3] == server.ask(f"{wheel}.metadata", secrets.reader).body
        for path in ("/simple/namespaces", "/simple/namespace/acme"):
            status, answered, _, body = ask(port, path)
            assert (status, answered) == (200, JSON)
            assert body == server.ask(path, secrets.reader).body
        assert ask(port, "/simple/holygrail/index.json")[1] == JSON
        assert ask(port, "/simple/unknown/")[0] == 404
        installs(terminal, _blocks("Clients")[0])
