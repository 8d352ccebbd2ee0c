"""A stranger follows the page on writing a backend: builds, tests, publishes and installs it, and serves from it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from docs.code_blocks import DOCS, titled_blocks
from pywharf_core.testing import make_wheel
from support.clean_shell import clean_shell, run
from support.clients import Clients
from support.initialised import initialise
from support.repository_copy import copy_repository
from support.running_server import running_server
from support.served import free_port, serving
from support.shell_blocks import commands

PAGE = DOCS / "writing-a-backend.md"

pytestmark = pytest.mark.slow


def stranger(tools: Path, wheels: Path, **more: str) -> Mapping[str, str]:
    """A fresh terminal with uv, in which pip finds our wheels too, as after the page's ``export``."""
    tools.mkdir()
    (tools / "uv").symlink_to(Path(sys.executable).with_name("uv"))
    clean = clean_shell(**more)
    links = f"{wheels} {clean.get('PIP_FIND_LINKS', '')}".strip()
    return {**clean, "PATH": f"{tools}:{clean['PATH']}", "PIP_FIND_LINKS": links}


@pytest.mark.follows(
    "docs/writing-a-backend.md", "Get pywharf", "Run the tests", "Build", "Publish", "Install", "Serve"
)
def test_the_page_leads_from_an_empty_folder_to_a_server_on_its_backend(
    tmp_path: Path, figure: Callable[[str], None]
) -> None:
    project, server_machine = tmp_path / "pywharf-example", tmp_path / "server machine"
    for name, text in titled_blocks(PAGE.name).items():
        path = (server_machine if name == "config.toml" else project) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    clone = copy_repository(tmp_path / "clone")
    initialised = initialise(tmp_path / "root")
    with running_server(initialised.root) as server:
        environment = stranger(
            tmp_path / "tools",
            tmp_path / "wheels",
            READ_SECRET=initialised.read,
            WRITE_SECRET=initialised.write,
        )

        def follow(heading: str, cwd: Path) -> str:
            lines = commands(PAGE, heading)
            text = "\n".join(line.replace("8888", str(server.port)).replace("CLONE", str(clone)) for line in lines)
            return run("bash", "-euc", text, cwd=cwd, env=environment)

        follow("Get pywharf", project)
        tested = follow("Run the tests", project)
        (passed,) = re.findall(r"(\d+) passed", tested)
        assert int(passed) > 30
        assert "skipped" not in tested, "races and deaths at any step included"
        assert re.search(
            r"^example +pywharf-example 1\.0 +storage type example, command example$", tested, re.MULTILINE
        )
        figure(f"pywharf-example as a stranger runs it: {passed} tests of the contract passed, none skipped")
        follow("Build", project)
        assert {path.name for path in (project / "dist").iterdir()} == {
            "pywharf_example-1.0-py3-none-any.whl",
            "pywharf_example-1.0.tar.gz",
        }
        follow("Publish", project)
        assert "Successfully installed" in follow("Install", server_machine)

    port = free_port()
    *before, last = commands(PAGE, "Serve")
    for line in before:
        run("bash", "-euc", line, cwd=server_machine, env=environment)
    line = last.replace("8889", str(port))
    with serving(line, cwd=server_machine, env=environment, port=port, output=tmp_path / "served.txt") as served:
        url = f"http://127.0.0.1:{port}/simple/"
        clients = Clients(tmp_path / "clients")
        wheel = make_wheel(tmp_path / "dist", "acme-tiny", "1.0", padding=3_000_000)
        for _ in range(2):  # the same file again changes nothing
            uploaded = clients.twine_upload(url, "packages", "bar", wheel)
            assert uploaded.status == 0, uploaded.output
        other = make_wheel(tmp_path / "other", "acme-tiny", "1.0")
        assert clients.twine_upload(url, "packages", "bar", other).status != 0
        index = url.replace("//", "//packages:foo@")
        for fresh in (clients.fresh_environment(), clients.fresh_environment()):
            installed = fresh.pip_install("--index-url", index, "acme-tiny")
            assert installed.status == 0, installed.output
            assert fresh.version_of("acme_tiny") == "1.0"
        wharf = server_machine / "wharf" / "bin" / "pywharf"
        run(wharf, "yank", "packages", "acme-tiny==1.0", "--root", "example-root", cwd=server_machine, env=environment)
        run(
            wharf, "delete", "packages", "acme-tiny==1.0", "--root", "example-root", cwd=server_machine, env=environment
        )
        assert clients.fresh_environment().pip_install("--index-url", index, "acme-tiny").status != 0
        assert clients.twine_upload(url, "packages", "bar", other).status != 0, "a deleted name stays taken"
        assert served.stop() == 0, served.said()
