"""Moving here from real servers of other kinds: what they store is imported as it was uploaded to them."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.error import URLError

import pytest

from core.transfer.desk import Desk, named
from pywharf_core.testing import make_sdist, make_wheel
from support.clean_environment import clean_environment
from support.clean_shell import clean_shell, run
from support.clients import Clients
from support.running_server import wait_until
from support.served import free_port

pytestmark = pytest.mark.slow

REQUIREMENTS = Path(__file__).with_name("requirements.txt")


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the other servers' programs."""
    environment = tmp_path_factory.mktemp("others") / "venv"
    uv = [sys.executable, "-m", "uv", "--quiet"]
    subprocess.run([*uv, "venv", "--python", sys.executable, environment], check=True)
    python = environment / "bin" / "python"
    run(*uv, "pip", "install", "--python", python, "-r", REQUIREMENTS, cwd=environment, env=clean_shell())
    return environment / "bin"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def clients(tmp_path: Path) -> Clients:
    return Clients(tmp_path / "home")


@contextmanager
def serving(command: Sequence[str | Path], home: Path, url: str) -> Iterator[None]:
    """A server of another kind, until the end of the block."""
    with (home / "output.txt").open("w") as output:
        process = subprocess.Popen(command, env=clean_environment(home), cwd=home, stdout=output, stderr=output)
    try:

        def answers() -> bool:
            assert process.poll() is None, (home / "output.txt").read_text()
            with suppress(URLError, OSError), urllib.request.urlopen(url):
                return True
            return False

        wait_until(answers, f"{command[0]} answers", 60)
        yield
    finally:
        process.terminate()
        process.wait(30)


def ask_devpi(method: str, url: str, document: Mapping[str, object], login: str | None = None) -> Mapping[str, object]:
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if login is not None:
        headers["X-Devpi-Auth"] = base64.b64encode(login.encode()).decode()
    request = urllib.request.Request(url, json.dumps(document).encode(), headers, method=method)
    with urllib.request.urlopen(request) as answer:
        said: Mapping[str, object] = json.load(answer)
        return said


def sha256s(paths: Sequence[Path]) -> Mapping[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def test_from_devpi(programs: Path, desk: Desk, clients: Clients, tmp_path: Path) -> None:
    made = [make_wheel(tmp_path, "holygrail", "1.0"), make_sdist(tmp_path, "holygrail", "1.0")]
    other = make_wheel(tmp_path, "swallow", "1.0")
    store, export = tmp_path / "devpi", tmp_path / "export"
    environment = clean_environment(tmp_path)
    run(programs / "devpi-init", "--serverdir", store, "--no-root-pypi", cwd=tmp_path, env=environment)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    began = datetime.now(UTC).replace(microsecond=0)
    with serving([programs / "devpi-server", "--serverdir", str(store), "--port", str(port)], tmp_path, f"{url}/+api"):
        ask_devpi("PUT", f"{url}/alice", {"password": "secret"})
        logged_in = ask_devpi("POST", f"{url}/+login", {"user": "alice", "password": "secret"})["result"]
        assert isinstance(logged_in, dict)
        for index, paths in (("dev", made), ("other", [other])):
            ask_devpi("PUT", f"{url}/alice/{index}", {"bases": []}, f"alice:{logged_in['password']}")
            ran = clients.twine_upload(f"{url}/alice/{index}/", "alice", "secret", *paths)
            assert ran.status == 0, ran.output
        for choice in ("holy*", "holygrail"):
            wrong = desk.run("import", "other", f"{url}/alice/dev", "--project", choice)
            assert wrong.exit_code == 1
            assert f"this is devpi, whose address to install from is {url}/alice/dev/+simple/." in wrong.stderr
        live = desk.told("import", "other", f"{url}/alice/dev/+simple/", "--project", "holy*")
        assert (live["imported"], live["refused"]) == (2, [])
    run(programs / "devpi-export", "--serverdir", store, export, cwd=tmp_path, env=environment)
    refused = desk.run("import", "local", export)
    assert "several indexes with files (alice/dev, alice/other)" in refused.stderr
    answer = desk.told("import", "local", export, "--index", "alice/dev")
    assert (answer["imported"], answer["refused"]) == (2, [])
    listed = desk.listed()
    assert {name: file.sha256 for name, file in listed.items()} == sha256s(made)
    assert all(began <= file.upload_time <= datetime.now(UTC) for file in listed.values())


def test_from_pypiserver(programs: Path, desk: Desk, clients: Clients, tmp_path: Path) -> None:
    made = [make_wheel(tmp_path, "holygrail", "1.0"), make_sdist(tmp_path, "holygrail", "1.0")]
    store = tmp_path / "store"
    store.mkdir()
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    began = datetime.now(UTC)
    with serving([programs / "pypi-server", "run", "-p", str(port), "-P", ".", "-a", ".", str(store)], tmp_path, url):
        ran = clients.twine_upload(f"{url}/", "nobody", "nothing", *made)
        assert ran.status == 0, ran.output
        live = desk.told("import", "other", f"{url}/simple/", "--project", "*")
        assert (live["imported"], live["refused"]) == (2, [])
    (store / f"{made[0].name}.asc").write_text("a signature")
    answer = desk.told("import", "local", store, "--kind", "pypiserver")
    assert (answer["imported"], answer["refused"]) == (2, [])
    assert list(named(answer, "passed_over")) == [f"{made[0].name}.asc"]
    listed = desk.listed()
    assert {name: file.sha256 for name, file in listed.items()} == sha256s(made)
    assert all(began - timedelta(seconds=1) <= file.upload_time <= datetime.now(UTC) for file in listed.values()), (
        "pypiserver writes a file when it is uploaded"
    )
