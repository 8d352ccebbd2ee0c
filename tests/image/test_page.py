"""Whoever follows the page on containers gets what it says; podman stands in for Docker."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.code_blocks import DOCS
from image.base_image import build_flags
from image.podman import Podman
from support.clean_shell import clean_shell, run
from support.debian_programs import debian_program
from support.repository_copy import copy_repository
from support.served import free_port
from support.shell_blocks import commands

PAGE = DOCS / "how-to" / "container.md"

_DOCKER = """#!/bin/sh
what=$1; shift
case $what in
    build) exec {podman} build {build_flags} "$@" ;;
    run) exec {podman} run --health-interval=disable "$@" ;;  # there is no systemd to be the timer
    *) exec {podman} "$what" "$@" ;;
esac
"""


class Reader:
    """Types the page's commands in a clone."""

    def __init__(self, podman: Podman, base: str, folder: Path) -> None:
        self._clone = copy_repository(folder / "clone")
        self.port = free_port()
        docker = folder / "bin" / "docker"
        docker.parent.mkdir()
        flags = shlex.join(build_flags(base))
        docker.write_text(_DOCKER.format(podman=debian_program("podman"), build_flags=flags))
        docker.chmod(0o755)
        engine = {name: value for name, value in podman.environment.items() if name.startswith("CONTAINERS")}
        clean = clean_shell(**engine)
        self._environment = {**clean, "PATH": f"{docker.parent}:{clean['PATH']}:/usr/sbin:/sbin"}

    def type(self, heading: str) -> str:
        """What the commands below a heading print."""
        return "".join(self._type(line) for line in commands(PAGE, heading))

    def _type(self, line: str) -> str:
        # On the machine's own loopback instead of a port that is published: nothing of the machine's network changes.
        here = f"--network=host --env=PYWHARF_COMMAND_HOST=127.0.0.1 --env=PYWHARF_COMMAND_PORT={self.port}"
        line = line.replace("--publish 127.0.0.1:8888:8888", here).replace("8888", str(self.port))
        return run("bash", "-c", line.replace("sudo ", ""), cwd=self._clone, env=self._environment)

    def file(self, name: str) -> Path:
        return self._clone / name


@pytest.fixture
def reader(podman: Podman, base: str, tmp_path: Path) -> Iterator[Reader]:
    yield Reader(podman, base, tmp_path)
    podman.run("rm", "--force", "--time", "1", "pywharf")
    podman.run("volume", "rm", "--force", "pywharf")


@pytest.mark.slow
@pytest.mark.follows(
    "docs/how-to/container.md", "Build it", "Run it", "The volume", "Look after it", "Upgrade", "Back up"
)
def test_the_page_builds_runs_upgrades_and_backs_up(reader: Reader) -> None:
    reader.type("Build it")
    printed = reader.type("Run it")
    assert "read_secret" in printed or "READ_SECRET" in printed or "read secret" in printed, "the fresh secrets"
    assert '"ready":true' in printed
    looked = reader.type("Look after it")
    assert "local       file_system  yes" in looked
    assert "listening on" in looked
    reader.type("Upgrade")
    reader.type("Back up")
    listed = subprocess.run(["tar", "-tf", reader.file("pywharf.tar")], capture_output=True, text=True, check=True)
    assert {"./config.toml", "./admin_secret.toml"} <= set(listed.stdout.splitlines())
    reader.type("The volume")
    assert reader.file("pywharf-root/config.toml").stat().st_uid == 10001
    assert os.listdir(reader.file("pywharf-root"))
