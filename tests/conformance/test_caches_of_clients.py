"""pip and uv cache by URL without credentials: two repositories behind one URL must not leak into each other."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPException, HTTPSConnection
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pywharf_core.testing import make_wheel
from server.in_process import OTHER_WRITER, WRITER, application
from support.clients import Clients
from support.running_server import RunningServer, running_server, wait_until

pytestmark = pytest.mark.slow

#: The secret that reads each repository.
SECRETS = {"local": "reads", "other": "reads-other"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """``local`` and ``other`` both have ``shared`` 1.0, of different content, and ``local`` alone has ``secret``."""
    folder = tmp_path / "root"
    with application(folder) as app:
        for writer, repository in ((WRITER, "local"), (OTHER_WRITER, "other")):
            files = {"whose.py": f"repository = {repository!r}\n".encode()}
            wheel = make_wheel(tmp_path / repository, "shared", "1.0", extra_files=files)
            assert app.upload(wheel, writer).status_code == 200
        newer = make_wheel(tmp_path / "other", "shared", "1.1")
        assert app.upload(newer, OTHER_WRITER).status_code == 200
        assert app.upload(make_wheel(tmp_path / "local", "secret", "1.0"), WRITER).status_code == 200
    return folder


@pytest.fixture
def over_https(root: Path, certificate: Path) -> Iterator[RunningServer]:
    flags = ["--hypercorn", f"certfile={certificate}", "--hypercorn", f"keyfile={certificate}"]
    with running_server(root, *flags, ready=False) as server:
        context = ssl.create_default_context(cafile=str(certificate))

        def ready() -> bool:
            connection = HTTPSConnection(server.host, server.port, timeout=10, context=context)
            try:
                connection.request("GET", "/readyz")
                return connection.getresponse().status == 200
            except (OSError, HTTPException):
                return False
            finally:
                connection.close()

        wait_until(ready, "ready")
        yield server


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """For 127.0.0.1, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a server of a test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "server.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


def test_two_repositories_behind_one_url_share_one_uv_cache_without_a_leak(root: Path, tmp_path: Path) -> None:
    clients = Clients(tmp_path / "home")
    with running_server(root) as server:
        for repository in ("local", "other", "local", "other"):
            url = server.index_url(repository, SECRETS[repository])
            environment = clients.fresh_environment()
            ran = environment.uv_install("--index-url", url, "shared==1.0")
            assert ran.status == 0, ran.output
            (whose,) = environment.python.parent.parent.glob("lib/python*/site-packages/whose.py")
            assert whose.read_text() == f"repository = {repository!r}\n"
            newest = environment.uv_install("--index-url", url, "--upgrade", "shared")
            assert newest.status == 0, newest.output
            assert environment.version_of("shared") == ("1.0" if repository == "local" else "1.1")
            secret = environment.uv_install("--index-url", url, "secret")
            assert (secret.status == 0) == (repository == "local"), secret.output


def test_two_repositories_behind_one_https_url_share_one_pip_cache_without_a_leak(
    over_https: RunningServer, certificate: Path, tmp_path: Path
) -> None:
    # pip keeps a cache for https only.
    clients = Clients(tmp_path / "home")
    for turn, repository in enumerate(("local", "other", "local", "other")):
        url = over_https.index_url(repository, SECRETS[repository]).replace("http://", "https://")
        flags = ["--cert", str(certificate), "--index-url", url, "--no-deps", "--dest", str(tmp_path / f"turn-{turn}")]
        ran = clients.pip("download", *flags, "shared==1.0")
        assert ran.status == 0, ran.output
        name = "shared-1.0-py3-none-any.whl"
        assert _sha256(tmp_path / f"turn-{turn}" / name) == _sha256(tmp_path / repository / name)
        ran = clients.pip("download", *flags, "shared")
        assert ran.status == 0, ran.output
        assert (tmp_path / f"turn-{turn}" / "shared-1.1-py3-none-any.whl").exists() == (repository == "other")
        assert (clients.pip("download", *flags, "secret").status == 0) == (repository == "local")
    assert list((tmp_path / "home" / ".cache" / "pip").rglob("*")), "pip kept no cache: nothing was proved"


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
