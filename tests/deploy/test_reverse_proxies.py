"""pywharf behind nginx and Caddy, configured as the page says: real proxies, real clients, over TLS."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import pytest

from deploy.proxies import BLOCKS, PAGE, Proxy, caddy, nginx, nginx_text
from pywharf.healthcheck import ask
from pywharf_core.testing import make_wheel
from support.access_log import line_of_request
from support.certificate import Certificate, make_certificate
from support.clean_environment import clean_environment
from support.clients import Clients
from support.debian_programs import debian_program
from support.initialised import Initialised, initialise
from support.running_server import PATIENCE, PYWHARF, RunningServer, running_server, wait_until
from support.served import free_port
from support.shell_blocks import commands
from support.uploads import encode, form_headers, form_of

LARGE = 100_000_000  # bytes
REFUSED = 50_000_000  # bytes; of more than 64 MB pywharf does not wait for the end before it closes


@dataclass(frozen=True)
class Site:
    """A proxy, and the server behind it, with what clients know of them."""

    proxy: Proxy
    server: RunningServer
    secrets: Initialised
    clients: Clients

    @property
    def index_url(self) -> str:
        return f"{self.proxy.url}/simple/".replace("//", f"//local:{self.secrets.read}@", 1)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Initialised:
    return initialise(tmp_path_factory.mktemp("base") / "root")


@pytest.fixture(scope="module")
def server(secrets: Initialised) -> Iterator[RunningServer]:
    with running_server(secrets.root, "--extra_index_url", "", "--trusted_proxy", "127.0.0.1") as server:
        yield server


@pytest.fixture(
    scope="module",
    params=[(nginx, False), (nginx, True), (caddy, False), (caddy, True)],
    ids=["nginx", "nginx, path", "caddy", "caddy, path"],
)
def site(
    request: pytest.FixtureRequest,
    server: RunningServer,
    secrets: Initialised,
    certificate: Certificate,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    start, path = request.param
    believed = {name: str(certificate.authority) for name in ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")}
    clients = Clients(tmp_path_factory.mktemp("clients") / "home", believed)
    folder = tmp_path_factory.mktemp("proxy")
    folder.chmod(0o755)  # nginx gives its workers to another user when root starts it
    with start(server.port, certificate, folder, path=path) as proxy:
        yield Site(proxy, server, secrets, clients)


@pytest.mark.slow
def test_a_large_upload_passes_and_is_installed(site: Site, tmp_path: Path) -> None:
    name = f"grail{site.proxy.port}"
    wheel = make_wheel(tmp_path, name, "1.0", extra_files={f"{name}.data/data/share/large": os.urandom(LARGE)})
    uploaded = site.clients.twine_upload(f"{site.proxy.url}/simple/", "local", site.secrets.write, wheel)
    assert uploaded.status == 0, uploaded.output
    for install in ("pip_install", "uv_install"):
        fresh = site.clients.fresh_environment()
        installed = getattr(fresh, install)("--index-url", site.index_url, name)
        assert installed.status == 0, installed.output
        assert fresh.version_of(name) == "1.0"
    assert "temporary file" not in site.proxy.complaints(), "neither way makes a copy on the proxy's disk"


@pytest.mark.slow
def test_a_large_upload_that_is_refused_gets_its_answer(site: Site, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "intruder", "1.0", extra_files={"intruder/large": os.urandom(REFUSED)})
    refused = site.clients.twine_upload(f"{site.proxy.url}/simple/", "local", "wrong", wheel)
    assert refused.status == 1
    assert "401" in refused.output, refused.output


@pytest.mark.slow
def test_the_sentence_of_a_refusal_is_in_the_reason_phrase_behind_nginx(site: Site, tmp_path: Path) -> None:
    body = encode(form_of(make_wheel(tmp_path, "holygrail", "1.0")))
    headers = form_headers(site.secrets.reader)
    answer = site.proxy.ask("/simple/", method="POST", body=body, headers=headers)
    sentence = "This secret may read the repository local, not write to it."
    assert (answer.status, sentence in answer.text) == (403, True)
    assert answer.reason == ("Forbidden" if "Caddy" in answer.headers.get("server", "") else sentence)


def publish(site: Site, folder: Path, project: str) -> None:
    """Version 1.0 of it, through the proxy; the same file again where it is there already."""
    body = encode(form_of(make_wheel(folder, project, "1.0")))
    answer = site.proxy.ask("/simple/", method="POST", body=body, headers=form_headers(site.secrets.writer))
    assert answer.status == 200, answer.text


@pytest.mark.slow
def test_redirects_and_links_keep_scheme_host_and_path(site: Site, tmp_path: Path) -> None:
    moved = site.proxy.ask("/simple", site.secrets.reader)
    assert (moved.status, moved.headers["location"]) == (301, f"{site.proxy.prefix}/simple/")
    publish(site, tmp_path, "linked")
    document = json.loads(site.proxy.ask("/pypi/linked/json", site.secrets.reader).body)
    url = document["urls"][0]["url"]
    assert url.startswith(f"{site.proxy.url}/")
    file = site.proxy.ask(url.removeprefix(site.proxy.url), site.secrets.reader, headers={"Range": "bytes=0-3"})
    assert (file.status, file.body) == (206, b"PK\x03\x04")


@pytest.mark.slow
def test_what_is_not_modified_is_not_sent_again(site: Site) -> None:
    page = site.proxy.ask("/simple/", site.secrets.reader)
    again = site.proxy.ask("/simple/", site.secrets.reader, headers={"If-None-Match": page.headers["etag"]})
    assert (again.status, again.body) == (304, b"")


@pytest.mark.slow
def test_the_log_has_the_client_s_address_whatever_it_claims(site: Site) -> None:
    claims = {"X-Forwarded-For": "192.0.2.66", "X-Real-IP": "192.0.2.66", "Forwarded": "for=192.0.2.66"}
    for headers in ({}, claims):
        # A request without a repository: its error tells the number under which the log has it.
        answer = site.proxy.ask("/nowhere", headers=headers, client="127.0.0.9")
        assert line_of_request(site.server.root, answer.headers["x-request-id"])["client"] == "127.0.0.9"


@pytest.mark.slow
def test_a_client_cannot_choose_what_the_proxy_tells(site: Site, tmp_path: Path) -> None:
    publish(site, tmp_path, "forged")
    forged = {
        "X-Forwarded-Prefix": "/evil",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "http",
    }
    moved = site.proxy.ask("/simple", site.secrets.reader, headers=forged)
    assert moved.headers["location"] == f"{site.proxy.prefix}/simple/"
    document = json.loads(site.proxy.ask("/pypi/forged/json", site.secrets.reader, headers=forged).body)
    assert document["urls"][0]["url"].startswith(f"{site.proxy.url}/")


@pytest.mark.slow
def test_a_client_beside_the_proxy_is_not_believed(site: Site) -> None:
    connection = HTTPConnection(site.server.host, site.server.port, source_address=("127.0.0.9", 0))
    claims = {"X-Forwarded-For": "192.0.2.66", "X-Forwarded-Prefix": "/evil"}
    answer = site.server.ask("/nowhere", headers=claims, connection=connection)
    connection.close()
    assert line_of_request(site.server.root, answer.headers["x-request-id"])["client"] == "127.0.0.9"


@pytest.mark.slow
@pytest.mark.follows("docs/how-to/reverse-proxy.md", "Start pywharf", "TLS without a proxy")
def test_the_commands_of_the_page_serve(certificate: Certificate, tmp_path: Path) -> None:
    initialise(tmp_path / "my-root")
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_bytes(certificate.server.read_bytes())
    port = free_port()
    for heading in ("Start pywharf", "TLS without a proxy"):
        [line] = commands(PAGE, heading)
        words = shlex.split(line.replace("8888", str(port)))
        assert words[0] == "pywharf"
        process = subprocess.Popen([PYWHARF, *words[1:]], cwd=tmp_path, env=clean_environment(tmp_path))
        try:
            wait_until(lambda: _answers(port), "it answers")
            process.terminate()
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
            process.wait()


def _answers(port: int) -> bool:
    try:
        ask("127.0.0.1", port)
    except OSError:
        return False
    return True


# What the tools themselves say of the files.


@pytest.mark.parametrize("path", [False, True], ids=["name", "path"])
def test_nginx_accepts_its_configuration(tmp_path: Path, certificate: Certificate, path: bool) -> None:
    (tmp_path / "nginx.conf").write_text(nginx_text(tmp_path, certificate, port=8443, server_port=8888, path=path))
    command = [debian_program("nginx"), "-t", "-p", f"{tmp_path}/", "-c", "nginx.conf", "-e", "error.log"]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    assert "[warn]" not in said.stderr


@pytest.mark.parametrize("name", ["Caddyfile", "Caddyfile.path"])
def test_caddy_accepts_its_configuration_as_it_is(tmp_path: Path, name: str) -> None:
    program = debian_program("caddy")
    (tmp_path / "Caddyfile").write_text(BLOCKS[name])
    for command in (["validate", "--config", "Caddyfile"], ["fmt", "Caddyfile"]):
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
        said = subprocess.run(
            [program, *command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert said.returncode == 0, said.stderr
    assert said.stdout == BLOCKS[name], "formatted as Caddy does it"
