"""The commands of the page work against a server with a certificate of its own authority."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from docs.code_blocks import DOCS, titled_blocks
from github_fake import FakeGitHub
from pywharf_core.config import load_configuration
from pywharf_core.plugins import load_plugins
from support.certificate import make_certificate
from support.shell_blocks import commands
from support.terminal import Terminal
from support.tls_in_front import tls_in_front

PAGE = DOCS / "how-to/github-enterprise.md"


def test_the_configuration_is_right() -> None:
    text = titled_blocks("how-to/github-enterprise.md")["config.toml"]
    assert load_configuration(text, None, load_plugins())["acme-packages"].storage_type.name == "github"


@pytest.mark.slow
@pytest.mark.follows("docs/how-to/github-enterprise.md", "Begin", "The workflow")
def test_a_certificate_of_its_own_is_believed_when_it_is_named(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    with FakeGitHub.running() as fake, tls_in_front(fake.port, certificate.server) as port:
        fake.add_organization("acme", members=("maker",))
        token = fake.token("maker").value
        words = {"github.example.com": f"localhost:{port}", "/etc/ssl/acme.pem": str(certificate.authority)}
        terminal = Terminal(
            tmp_path / "terminal", words, variables={"PYWHARF_TOKEN": token, "PYWHARF_ADMIN_TOKEN": token}
        )
        address, authority, make, check = commands(PAGE, "Begin")
        [update] = commands(PAGE, "The workflow")
        with pytest.raises(AssertionError, match="SSLCertVerificationError"):
            terminal.type(f"{address}\n{make}")
        terminal.type(f"{address}\n{authority}\n{make}\n{check}\n{update}")
        written = tomllib.loads((terminal.folder / "my-root/config.toml").read_text())["acme-packages"]
        shown = tomllib.loads(terminal.meant(titled_blocks("how-to/github-enterprise.md")["config.toml"]))
        assert written == shown["acme-packages"]
