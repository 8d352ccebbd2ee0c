"""The Dockerfile and the files of deploy/: what their own tools say, and that the page shows them as they are."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from docs.code_blocks import DOCS, titled_blocks
from pywharf_core.cli.environment_mode import arguments_from
from pywharf_core.cli.root import make_root
from pywharf_core.config import load_configuration
from pywharf_core.plugins import load_plugins
from support.debian_programs import debian_program
from support.repository_copy import REPOSITORY

DEPLOY = REPOSITORY / "deploy"
PAGE = DOCS / "how-to" / "container.md"
BIN = Path(sys.executable).parent

ENVIRONMENT = {"DOMAIN": "packages.example.com", "READ_SECRET": "r", "WRITE_SECRET": "w", "ADMIN_SECRET": "a"}


def compose(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [_compose_program(), "--file", DEPLOY / "compose.yaml", *arguments]
    clean = {"PATH": "/usr/bin:/bin", **environment}
    return subprocess.run(command, env=clean, capture_output=True, text=True, timeout=60, check=False)


def _compose_program() -> Path:
    # The program itself: the distribution's script in front of it forgets the exit status.
    package = find_spec("compose")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).with_name("docker-compose")


@pytest.fixture(scope="module")
def understood() -> dict[str, Any]:
    """The file as Compose itself understands it."""
    said = compose("config", "--format", "json", environment=ENVIRONMENT)
    assert said.returncode == 0, said.stderr
    assert said.stderr == "", "no warnings"
    document: dict[str, Any] = json.loads(said.stdout)
    return document


@pytest.fixture
def services(understood: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = understood["services"]
    return found


def test_hadolint_has_nothing_to_say() -> None:
    command: list[str | Path] = [BIN / "hadolint", "--failure-threshold", "info", REPOSITORY / "Dockerfile"]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (0, ""), said.stdout + said.stderr


def test_compose_wants_every_secret_to_be_given() -> None:
    for missing in ENVIRONMENT:
        some = {name: value for name, value in ENVIRONMENT.items() if name != missing}
        said = compose("config", environment=some)
        assert said.returncode != 0
        assert f"{missing} is missing a value: put" in said.stderr


def test_the_example_env_names_what_compose_wants() -> None:
    lines = (DEPLOY / "example.env").read_text().splitlines()
    assert {line.partition("=")[0] for line in lines} == ENVIRONMENT.keys()


def test_the_server_s_variables_fit_its_flags(services: dict[str, Any]) -> None:
    image = {"PYWHARF_COMMAND": "server", "PYWHARF_COMMAND_ROOT": "/pywharf-root"}
    words = arguments_from({**image, **services["pywharf"]["environment"]}, make_root(load_plugins()))
    proxy = services["caddy"]["networks"]["inside"]["ipv4_address"]
    assert f"--trusted_proxy={proxy}" in words, "Caddy's own address and no other"


def test_the_engine_gives_the_proxy_s_address_to_nobody_else(understood: dict[str, Any]) -> None:
    [pool] = understood["networks"]["inside"]["ipam"]["config"]
    address = ip_address(understood["services"]["caddy"]["networks"]["inside"]["ipv4_address"])
    assert address in ip_network(pool["subnet"])
    assert address not in ip_network(pool["ip_range"])


def test_only_the_proxy_can_be_reached(services: dict[str, Any]) -> None:
    assert "ports" not in services["pywharf"]
    assert {port["published"] for port in services["caddy"]["ports"]} == {"80", "443"}


@pytest.mark.parametrize("service", ["pywharf", "caddy"])
def test_both_services_may_do_little(services: dict[str, Any], service: str) -> None:
    assert services[service]["read_only"] is True
    assert services[service]["cap_drop"] == ["ALL"]
    assert services[service]["security_opt"] == ["no-new-privileges:true"]


def test_compose_waits_longer_than_the_server(services: dict[str, Any]) -> None:
    assert services["pywharf"]["stop_grace_period"] == "40s"
    grace = next(option for option in make_root(load_plugins()).commands["server"].params if option.name == "grace")
    assert float(grace.default) + 5 < 40  # type: ignore[arg-type]  # a number


def test_the_configuration_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    config, admin_secret = ((DEPLOY / name).read_text() for name in ("config.toml", "admin_secret.toml"))
    loaded = load_configuration(config, admin_secret, load_plugins(), config_source="c", admin_secret_source="a")
    assert set(loaded) == set(tomllib.loads(config)) == set(tomllib.loads(admin_secret))


@pytest.mark.parametrize("domain", [None, "packages.example.com"])
def test_caddy_accepts_its_file(tmp_path: Path, domain: str | None) -> None:
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **({"DOMAIN": domain} if domain else {})}
    command: list[str | Path] = [
        debian_program("caddy"),
        "validate",
        "--adapter",
        "caddyfile",
        "--config",
        DEPLOY / "Caddyfile",
    ]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr


def test_the_page_shows_the_files_as_they_are() -> None:
    blocks = titled_blocks("how-to/container.md")
    assert {"compose.yaml", "Caddyfile", "config.toml"} == set(blocks)
    for name, text in blocks.items():
        assert text == (DEPLOY / name).read_text(encoding="utf-8"), f"{PAGE.name}: {name}"


def test_the_image_is_built_from_nothing_but_the_packages() -> None:
    lines = (REPOSITORY / ".dockerignore").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")][0] == "*"
    copied = re.findall(r"^COPY (?!--from)(\S+)", (REPOSITORY / "Dockerfile").read_text(), re.MULTILINE)
    assert copied == ["packages"]
