"""Whoever follows the page gets what it says."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from docs.code_blocks import DOCS
from support.clean_shell import clean_shell, run
from support.packager import Packager
from support.repository_copy import copy_repository
from support.served import free_port, serving
from support.shell_blocks import commands

PAGE = DOCS / "getting-started.md"


@pytest.mark.slow
def test_the_page_leads_from_a_clone_to_an_installed_package(tmp_path: Path) -> None:
    clone = copy_repository(tmp_path / "clone")
    port = free_port()
    *before, server = [*commands(PAGE, "Install"), *commands(PAGE, "Start")]
    for line in before:
        run("bash", "-c", line, cwd=clone, env=clean_shell())
    assert "--port 8888" in server
    server = server.replace("8888", str(port))
    with serving(server, cwd=clone, env=clean_shell(), port=port, output=tmp_path / "served.txt") as served:
        secrets = tomllib.loads((clone / "my-root/config.toml").read_text(encoding="utf-8"))["local"]
        (tmp_path / "packager").mkdir()
        packager = Packager(tmp_path / "packager")
        for heading in ("Publish", "Install packages from it", "CI"):
            for line in commands(PAGE, heading):
                packager.follow(line, port=port, secrets=secrets)
        assert served.stop() == 0, served.said()
        assert served.processes() == []
