"""nginx and Caddy with the configurations of the page, on loopback, in front of a server of the test."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPSConnection
from pathlib import Path

from docs.code_blocks import DOCS, titled_blocks
from support.certificate import Certificate
from support.debian_programs import debian_program
from support.running_server import PATIENCE, Answer
from support.served import free_port
from support.uploads import basic

PAGE = DOCS / "how-to" / "reverse-proxy.md"
BLOCKS = titled_blocks("how-to/reverse-proxy.md")

#: What a distribution's own nginx.conf has around the files in conf.d.
_NGINX = """
pid {folder}/nginx.pid;
error_log {folder}/error.log notice;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/client_body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {servers}
}}
"""

_CADDY = """{{
	admin off
	auto_https off
}}
{sites}
"""


@dataclass(frozen=True)
class Proxy:
    """:ivar prefix: the path under which pywharf is shown: "" or "/wharf"."""

    port: int
    prefix: str
    certificate: Certificate
    folder: Path

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}{self.prefix}"

    def ask(
        self,
        path: str,
        credentials: tuple[str, str] | None = None,
        *,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        client: str = "127.0.0.1",
    ) -> Answer:
        """:param path: below the prefix.
        :param client: the address of loopback from which the connection comes.
        """
        context = ssl.create_default_context(cafile=str(self.certificate.authority))
        connection = HTTPSConnection(
            "localhost", self.port, timeout=PATIENCE, source_address=(client, 0), context=context
        )
        try:
            sent = {**(basic(*credentials) if credentials else {}), **(headers or {})}
            connection.request(method, f"{self.prefix}{path}", body, sent)
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, response.reason, names, response.read())
        finally:
            connection.close()

    def complaints(self) -> str:
        """What the proxy wrote about its work."""
        return "".join(path.read_text() for path in self.folder.glob("*.log"))


@contextmanager
def nginx(server_port: int, certificate: Certificate, folder: Path, *, path: bool) -> Iterator[Proxy]:
    """:param path: under a path, by the second block."""
    port = free_port()
    text = nginx_text(folder, certificate, port=port, server_port=server_port, path=path)
    (folder / "nginx.conf").write_text(text)
    command = [debian_program("nginx"), "-p", f"{folder}/", "-c", "nginx.conf", "-e", "error.log", "-g", "daemon off;"]
    with _running(command, port, folder):
        yield Proxy(port, "/wharf" if path else "", certificate, folder)


def nginx_text(folder: Path, certificate: Certificate, *, port: int, server_port: int, path: bool = False) -> str:
    text = BLOCKS["pywharf.conf"]
    if path:
        text = re.sub(r"    location / \{.*?^    \}\n", lambda _: BLOCKS["pywharf-path.conf"], text, flags=re.M | re.S)
        assert "location /wharf/" in text
    servers = _replaced(
        text,
        {
            "127.0.0.1:8888": f"127.0.0.1:{server_port}",
            "listen 80;": f"listen 127.0.0.1:{free_port()};",
            "listen [::]:80;": "",
            "listen 443 ssl http2;": f"listen 127.0.0.1:{port} ssl http2;",
            "listen [::]:443 ssl http2;": "",
            "/etc/ssl/packages.example.com/fullchain.pem": str(certificate.server),
            "/etc/ssl/packages.example.com/privkey.pem": str(certificate.server),
        },
    )
    return _NGINX.format(folder=folder, servers=servers)


@contextmanager
def caddy(server_port: int, certificate: Certificate, folder: Path, *, path: bool) -> Iterator[Proxy]:
    """:param path: under a path, by the second block."""
    port = free_port()
    name = "www.example.com" if path else "packages.example.com"
    site = _replaced(
        BLOCKS["Caddyfile.path" if path else "Caddyfile"],
        {
            f"{name} {{\n": f"https://localhost:{port} {{\n\tbind 127.0.0.1\n\ttls {certificate.server} {certificate.server}\n",
            "127.0.0.1:8888": f"127.0.0.1:{server_port}",
        },
    )
    (folder / "Caddyfile").write_text(_CADDY.format(sites=site))
    command = [debian_program("caddy"), "run", "--adapter", "caddyfile", "--config", "Caddyfile"]
    with _running(command, port, folder):
        yield Proxy(port, "/wharf" if path else "", certificate, folder)


def _replaced(text: str, words: Mapping[str, str]) -> str:
    """With what is of the reader's machine replaced by what is of this one; each must be there."""
    for old, new in words.items():
        assert old in text, f"{old!r} is no longer on the page"
        text = text.replace(old, new)
    return text


@contextmanager
def _running(command: Sequence[str], port: int, folder: Path) -> Iterator[None]:
    output = folder / "output.log"
    with output.open("wb") as stream:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={"PATH": "/usr/sbin:/usr/bin:/bin", "HOME": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while not _accepts(port):
            assert process.poll() is None, output.read_text()
            assert time.monotonic() < deadline, output.read_text()
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
