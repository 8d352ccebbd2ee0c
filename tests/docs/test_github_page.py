"""Whoever follows the page on GitHub gets from nothing to an installed package, in three commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.code_blocks import DOCS, titled_blocks
from github_fake import FakeGitHub
from pywharf_core.config import load_configuration
from pywharf_core.plugins import load_plugins
from support.clean_shell import run
from support.packager import Packager
from support.served import free_port, serving
from support.shell_blocks import commands

PAGE = DOCS / "github.md"


def test_the_configurations_on_the_page_are_right(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("PYWHARF_ADMIN_TOKEN", "ACME_READ_SECRET", "ACME_WRITE_SECRET"):
        monkeypatch.setenv(variable, "known")
    blocks = titled_blocks("github.md")
    plugins = load_plugins()
    by_rights = load_configuration(blocks["config.toml"], blocks["admin_secret.toml"], plugins)["acme-packages"]
    assert (by_rights.auth_type, by_rights.private) == (None, ("acme-*",))
    assert by_rights.admin_secret is not None
    by_secrets = load_configuration(blocks["shared.toml"], blocks["admin_secret.toml"], plugins)["acme-packages"]
    assert by_secrets.auth_type is not None


@pytest.mark.slow
@pytest.mark.follows(
    "docs/github.md", "From nothing to first install", "Publish", "The index, and several servers", "GitHub Pages"
)
def test_the_page_leads_from_nothing_to_an_installed_package(tmp_path: Path) -> None:
    make, server, install = commands(PAGE, "From nothing to first install")
    port = free_port()
    with FakeGitHub.running() as fake:
        fake.add_organization("acme", members=("maker",))
        token = fake.token("maker").value
        packager = Packager(tmp_path)
        tokens = {"PYWHARF_TOKEN": token, "PYWHARF_ADMIN_TOKEN": token, "GITHUB_API_URL": fake.api_url}
        environment = packager.environment_with(**tokens)
        run("bash", "-c", make, cwd=tmp_path, env=environment)
        [release] = fake.repo("acme/packages").releases.values()
        assert release.tag_name.endswith(".whl")
        assert "--port 8888" in server
        server = server.replace("8888", str(port))
        with serving(server, cwd=tmp_path, env=environment, port=port, output=tmp_path / "served.txt") as served:
            for line in (install, *commands(PAGE, "Publish")):  # what is there already is no error
                packager.follow(line, port=port, more=tokens)
            [update] = commands(PAGE, "The index, and several servers")
            run("bash", "-c", f"{update} --api_url {fake.api_url}", cwd=tmp_path, env=environment)
            [pages] = commands(PAGE, "GitHub Pages")
            run("bash", "-c", pages, cwd=tmp_path, env=environment)
            assert list((tmp_path / "site/simple").glob("*/index.html"))
            assert served.stop() == 0, served.said()
        assert token not in served.said()
        assert list(fake.repo("acme/packages").releases.values()) == [release]
