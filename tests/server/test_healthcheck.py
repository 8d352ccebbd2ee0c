"""The health check finds the server that was started, and says how it is."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest

from pywharf.healthcheck import Unhealthy, address, ask
from pywharf.server_command import server as server_command
from support.certificate import make_certificate
from support.clean_environment import clean_environment
from support.initialised import initialise
from support.running_server import running_server

EMPTY: dict[str, str] = {}


@pytest.mark.parametrize(
    ("arguments", "environment", "found"),
    [
        ([], {}, ("127.0.0.1", 8888)),
        ([], {"PYWHARF_COMMAND_PORT": "9000"}, ("127.0.0.1", 9000)),
        ([], {"PYWHARF_COMMAND_HOST": "::", "PYWHARF_COMMAND_PORT": "9000"}, ("::1", 9000)),
        ([], {"PYWHARF_COMMAND_HOST": "[::1]"}, ("::1", 8888)),
        ([], {"PYWHARF_COMMAND_HOST": "wharf.internal"}, ("wharf.internal", 8888)),
        (["python3", "/bin/pywharf", ""], {"PYWHARF_COMMAND_PORT": "9000"}, ("127.0.0.1", 9000)),
        (["python3", "/bin/pywharf", "server", "/srv", "--port", "9001", ""], {}, ("127.0.0.1", 9001)),
        (["init", "--", "pywharf", "server", "--port=9001", "--host=10.0.0.1", "/srv"], {}, ("10.0.0.1", 9001)),
        (["pywharf", "server", "/srv"], {"PYWHARF_COMMAND_PORT": "9000"}, ("127.0.0.1", 8888)),
        (["pywharf", "server", "/srv", "--path_prefix", "--port", "--port", "9001"], {}, ("127.0.0.1", 9001)),
    ],
)
def test_the_address_is_the_one_that_the_server_was_given(
    arguments: list[str], environment: dict[str, str], found: tuple[str, int]
) -> None:
    assert address(arguments, environment) == found


def test_the_defaults_are_those_of_the_command() -> None:
    options = {option.name: option for option in server_command.params if isinstance(option, click.Option)}
    assert options["host"].default == "0.0.0.0"
    assert address([], EMPTY) == ("127.0.0.1", options["port"].default)


@pytest.mark.parametrize(
    ("port", "sentence"), [("eighty", "the port 'eighty' is no number"), ("0", "port 0 takes a free one")]
)
def test_a_port_that_cannot_be_asked_is_said(port: str, sentence: str) -> None:
    with pytest.raises(Unhealthy, match=sentence):
        address([], {"PYWHARF_COMMAND_PORT": port})


def healthcheck(port: int) -> subprocess.CompletedProcess[str]:
    """As the container's engine runs it, where the first process is not ours: the environment tells."""
    command = [sys.executable, "-P", "-m", "pywharf.healthcheck"]
    environment = {**clean_environment(Path()), "PYWHARF_COMMAND_PORT": str(port)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("clients_certificates", [None, False, True], ids=["plain", "TLS", "mutual TLS"])
def test_a_server_that_answers_is_healthy(tmp_path: Path, clients_certificates: bool | None) -> None:
    flags = []
    if clients_certificates is not None:
        pem = make_certificate(tmp_path).server
        flags = [f"certfile={pem}", f"keyfile={pem}"]
    if clients_certificates:
        flags += [f"ca_certs={pem}", "verify_mode=2"]
    secrets = initialise(tmp_path / "root")
    hypercorn = [word for flag in flags for word in ("--hypercorn", flag)]
    with running_server(secrets.root, "--extra_index_url", "", *hypercorn, ready=False) as server:
        done = healthcheck(server.port)
        assert (done.returncode, done.stdout) == (0, f"healthy: the server at 127.0.0.1, port {server.port} answers\n")
    done = healthcheck(server.port)
    assert (done.returncode, done.stdout) == (1, f"unhealthy: at 127.0.0.1, port {server.port}: Connection refused\n")


def test_somebody_else_who_answers_is_not_the_server(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        answer = "import socket, sys; c, _ = socket.socket(fileno=int(sys.argv[1])).accept(); c.recv(999);"
        answer += "c.sendall(b'HTTP/1.1 404 Not Found\\r\\n\\r\\n')"
        somebody = subprocess.Popen(
            [sys.executable, "-c", answer, str(listener.fileno())], pass_fds=[listener.fileno()]
        )
        with pytest.raises(Unhealthy, match="the answer to /healthz is 'HTTP/1.1 404 Not Found'"):
            ask("127.0.0.1", port)
        assert somebody.wait(30) == 0


def test_it_imports_next_to_nothing() -> None:
    program = "import sys, pywharf.healthcheck; print(sorted({'click', 'ssl', 'http', 'asyncio'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
