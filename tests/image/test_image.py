"""The image as operators run it: built, hardened, configured, used, stopped."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from image.inside import SIZES, TIMED_HEALTHCHECK
from image.podman import Container, Podman
from image.processes import own_memory, peak_memory, status_of
from pywharf_core.testing import make_wheel
from support.certificate import make_certificate
from support.clients import Clients
from support.listing import ACCEPT_JSON, listed
from support.running_server import wait_until
from support.served import free_port
from support.uploads import encode, form_headers, form_of

pytestmark = pytest.mark.slow

ROOT = "/pywharf-root"
CONFIG = '[local]\ntype = "file_system"\nread_secret_env = "READ"\nwrite_secret_env = "WRITE"\nprivate = ["acme-*"]\n'
ADMIN_SECRET = '[local]\ntype = "file_system"\nenv = "ADMIN"\n'
SECRETS = ("--env=READ=r3ad", "--env=WRITE=wr1te", "--env=ADMIN=adm1n")

#: The server listens on this machine's own loopback, so that nothing of its network changes.
HOST = ("--network=host", "--env=PYWHARF_COMMAND_HOST=127.0.0.1")

Figure = Callable[[str], None]


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that is a ROOT with a certificate in it."""
    folder = tmp_path_factory.mktemp("tls")
    make_certificate(folder)
    give(folder, 10001)
    return folder


@contextmanager
def volume(podman: Podman) -> Iterator[str]:
    """Its name."""
    name = podman("volume", "create").strip()
    try:
        yield name
    finally:
        podman("volume", "rm", name)


def give(folder: Path, user: int) -> None:
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, user, user)


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def server(podman: Podman, image: str, port: int) -> Iterator[Container]:
    """Started and waiting for its first configuration."""
    with podman.container(image, flags=[*HOST, *SECRETS, f"--env=PYWHARF_COMMAND_PORT={port}"]) as container:
        container.start(port=port)
        yield container


def test_the_image_declares_what_engines_and_orchestrators_look_for(podman: Podman, image: str) -> None:
    described = podman.inspect(image, "image")
    config = described["Config"]
    user = config["User"].partition(":")[0]
    assert user.isdecimal(), "a number: an orchestrator can tell that it is not root"
    assert user != "0"
    assert config["Entrypoint"] == ["pywharf"], "exec form: the program gets the signals"
    assert not config.get("Cmd"), "without arguments the environment says what to do"
    assert {"PYWHARF_COMMAND=server", f"PYWHARF_COMMAND_ROOT={ROOT}"} <= set(config["Env"])
    assert set(config["Volumes"]) == {ROOT}
    assert set(config["ExposedPorts"]) == {"8888/tcp"}
    assert config.get("StopSignal", "SIGTERM") in ("SIGTERM", "15")
    assert described["Healthcheck"]["Test"][0] == "CMD", "exec form: the image need not have a shell"


def test_the_image_is_small(podman: Podman, base: str, image: str, figure: Figure) -> None:
    above_the_base = podman.inspect(image, "image")["Size"] - podman.inspect(base, "image")["Size"]
    figure(f"size above the base: {above_the_base / 1e6:.1f} MB")
    for line in podman.program(image, "-P", "-c", SIZES, flags=["--entrypoint=python3"]).output.splitlines():
        figure(f"    {line}")
    assert above_the_base < 60_000_000


def test_the_image_holds_nothing_that_installs_or_tests(podman: Podman, image: str) -> None:
    listing = "find /opt/pywharf -name pip -o -name setuptools -o -type d -name tests -o -name .cache"
    assert podman.program(image, "-c", listing, flags=["--entrypoint=sh"]).output == ""


def test_a_container_that_may_nearly_nothing_starts_fast_and_serves(server: Container, figure: Figure) -> None:
    figure(f"start until /healthz answers: {server.started_in:.2f} s, the engine's own part included")
    status = status_of(server.processes()[0])
    assert status["Uid"].split() == ["10001"] * 4
    assert int(status["CapEff"], 16) == 0
    assert int(status["CapBnd"], 16) == 0
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    assert server.run_as_root("touch", "/opt/pywharf/new").status != 0
    assert server.run("touch", "/tmp/new").status != 0  # as Docker has it without `--tmpfs /tmp`


def test_it_is_initialised_takes_uploads_and_serves_installers(
    server: Container, tmp_path: Path, figure: Figure
) -> None:
    assert server.ask("/readyz").status == 503, "not configured yet"
    curl = [("config", CONFIG), ("admin_secret", ADMIN_SECRET)]
    assert server.ask("/initialize/", method="POST", body=encode(curl), headers=dict(form_headers())).status == 200
    clients = Clients(tmp_path / "home")
    url = f"http://127.0.0.1:{server.port}/simple/"
    markdown = [("Description-Content-Type", "text/markdown")]
    wheel = make_wheel(tmp_path, "holygrail", "1.0", description="A **rendered** README", headers=markdown)
    uploaded = clients.twine_upload(url, "local", "wr1te", wheel)
    assert uploaded.status == 0, uploaded.output
    fresh = clients.fresh_environment()
    installed = fresh.pip_install("--index-url", url.replace("//", "//local:r3ad@"), "holygrail")
    assert installed.status == 0, installed.output
    assert fresh.version_of("holygrail") == "1.0"
    page = server.ask("/project/holygrail/", ("local", "r3ad"), headers={"Accept": "text/html"})
    assert "A <strong>rendered</strong> README" in page.text, "by a process of its own, with limits of its own"
    parent, worker = server.processes()
    figure(f"peak of resident memory: server {peak_memory(parent):.0f} MiB, worker {peak_memory(worker):.0f} MiB")
    figure(f"    theirs alone at the end: {own_memory(parent):.0f} MiB, {own_memory(worker):.0f} MiB")


def test_a_stop_is_exit_status_0_and_a_second_start_has_the_packages(
    server: Container, tmp_path: Path, figure: Figure
) -> None:
    form = encode([("config", CONFIG)])
    assert server.ask("/initialize/", method="POST", body=form, headers=dict(form_headers())).status == 200
    wheel = make_wheel(tmp_path, "holygrail", "1.0")
    body = encode(form_of(wheel))
    headers = dict(form_headers(("local", "wr1te")))
    assert server.ask("/simple/", method="POST", body=body, headers=headers).status == 200
    before = time.monotonic()
    status = server.stop()
    figure(f"stop: exit status {status} after {time.monotonic() - before:.2f} s")
    assert status == 0
    server.start(port=server.port)
    wait_until(lambda: server.ask("/readyz").status == 200, "ready again")
    page = server.ask("/simple/holygrail/", ("local", "r3ad"), headers=ACCEPT_JSON)
    assert wheel.name in listed(page.body)
    assert server.stop() == 0


# The health check.


def test_the_health_check_follows_the_default_port(podman: Podman, image: str, figure: Figure) -> None:
    with podman.container(image, flags=["--network=none"]) as container:
        container.start()
        wait_until(lambda: container.healthcheck().status == 0, "healthy")
        timed = container.run("python3", "-P", "-c", TIMED_HEALTHCHECK)
        figure(f"health check: {timed.output.strip()}")
        assert container.stop() == 0


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"PORT": "9001", "HOST": "127.0.0.1"}, id="environment"),
        pytest.param({"PORT": "9001", "HOST": "::1", "PATH_PREFIX": "/index"}, id="another family, and a prefix"),
        pytest.param({"HYPERCORN": f"certfile={ROOT}/server.pem,keyfile={ROOT}/server.pem"}, id="TLS"),
    ],
)
def test_the_health_check_follows_the_environment(
    podman: Podman, image: str, settings: dict[str, str], tls: Path
) -> None:
    variables = [f"--env=PYWHARF_COMMAND_{name}={value}" for name, value in settings.items()]
    with podman.container(image, flags=["--network=none", f"--volume={tls}:{ROOT}", *variables]) as container:
        container.start()
        wait_until(lambda: container.healthcheck().status == 0, "healthy")


def test_the_health_check_follows_arguments(podman: Podman, image: str) -> None:
    with podman.container(image, "server", ROOT, "--port", "9002", flags=["--network=none"]) as container:
        container.start()
        wait_until(lambda: container.healthcheck().status == 0, "healthy")


def test_the_health_check_fails_where_no_server_answers(podman: Podman, image: str) -> None:
    flags = ["--network=none", "--entrypoint=sleep"]
    with podman.container(image, "60", flags=flags) as container:
        container.start()
        ran = container.healthcheck()
    assert ran.status == 1
    assert ran.output == "unhealthy: at 127.0.0.1, port 8888: Connection refused\n"


# The environment says it all.


def test_every_kind_of_flag_can_come_from_the_environment(podman: Podman, image: str, port: int) -> None:
    settings = {
        "PORT": str(port),
        "CONFIG": CONFIG,
        "ADMIN_SECRET": ADMIN_SECRET,
        "CONFIG_OR_ADMIN_SECRET_CAN_BE_TEXT": "true",
        "EXTRA_INDEX_URL": "https://index.example/simple/",
        "PRIVATE": "ours-*,theirs",
        "WORKERS": "2",
        "TRUSTED_PROXY": "127.0.0.1,10.0.0.0/8",
        "PATH_PREFIX": "/index",
        "HYPERCORN": 'include_server_header=true\nalpn_protocols=["http/1.1"]',
        "ALLOW_OPEN_INITIALIZE": "yes",
        "AUTH_READ_EXPIRES": "60",
        "AUTH_WRITE_EXPIRES": "30.5",
        "GRACE": "3",
        "DEBUG": "on",
    }
    variables = [f"--env=PYWHARF_COMMAND_{name}={value}" for name, value in settings.items()]
    with podman.container(image, flags=[*HOST, *SECRETS, *variables]) as server:
        server.start(port=port)
        wait_until(lambda: server.ask("/readyz").status == 200, "configured and ready")
        reader = "local", "r3ad"
        assert server.ask("/simple/other/", reader).headers["location"] == "https://index.example/simple/other/"
        assert server.ask("/simple/ours-tool/", reader).status == 404
        assert server.ask("/simple/theirs/", reader).status == 404
        assert server.ask("/simple/acme-tool/", reader).status == 404
        wait_until(lambda: len(server.processes()) == 3, "the server and its two workers")
        moved = server.ask("/simple", reader)
        assert (moved.status, moved.headers["location"]) == (301, "/index/simple/")
        assert moved.headers["server"].startswith("hypercorn")
        form = encode([("config", CONFIG)])
        answer = server.ask("/initialize/", method="POST", body=form, headers=dict(form_headers()))
        assert answer.status == 200, answer.text
        server.ask("/healthz", headers={"X-Forwarded-For": "192.0.2.7"})
        assert server.stop() == 0
        assert "192.0.2.7 GET '/healthz'" in re.sub(r"/index", "", server.said()), "debug, and a proxy that is believed"


def test_a_variable_that_fits_nothing_is_named(podman: Podman, image: str) -> None:
    ran = podman.program(image, flags=["--env=PYWHARF_COMMAND_PROT=1"])
    assert ran.status == 2
    assert "did you mean PYWHARF_COMMAND_PORT?" in ran.output


def test_other_commands_run_beside_the_server_on_its_volume(podman: Podman, image: str) -> None:
    with volume(podman) as name:
        on_volume = [f"--volume={name}:{ROOT}"]
        made = podman.program(image, "init", ROOT, flags=on_volume)
        assert made.status == 0, made.output
        checked = podman.program(image, "check", "--root", ROOT, flags=on_volume)
        assert (checked.status, "local" in checked.output) == (0, True), checked.output
        by_environment = [*on_volume, "--env=PYWHARF_COMMAND=check", f"--env=PYWHARF_COMMAND_ROOT={ROOT}"]
        assert podman.program(image, flags=by_environment).status == 0


def test_repositories_on_github_can_be_served(podman: Podman, image: str) -> None:
    assert "github" in podman.program(image, "plugins").output
    assert podman.program(image, "github.init_pkg_repo", "--help").status == 0


# Folders and users.


@pytest.mark.parametrize("user", [10001, 4711])
def test_a_folder_of_the_machine_that_the_user_owns_is_a_root(
    podman: Podman, image: str, user: int, port: int, tmp_path: Path
) -> None:
    folder = tmp_path / "root"
    folder.mkdir(mode=0o700)
    give(folder, user)
    flags = [*HOST, f"--volume={folder}:{ROOT}", f"--user={user}:{user}", f"--env=PYWHARF_COMMAND_PORT={port}"]
    with podman.container(image, flags=flags) as server:
        server.start(port=port)
        assert server.stop() == 0
    assert {path.stat().st_uid for path in folder.rglob("*")} == {user}


def test_a_folder_that_it_may_not_write_is_said_in_one_sentence(podman: Podman, image: str, tmp_path: Path) -> None:
    (tmp_path / "root").mkdir(mode=0o755)
    ran = podman.program(image, flags=[f"--volume={tmp_path / 'root'}:{ROOT}"])
    assert ran.status == 2
    assert f"{ROOT} cannot be used as ROOT (Permission denied)" in ran.output
    assert "Traceback" not in ran.output
