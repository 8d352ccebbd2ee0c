"""The jobs of the page install and publish."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from docs.code_blocks import DOCS, titled_blocks
from pywharf_core.testing import make_wheel
from support.initialised import Initialised, initialise
from support.listing import ACCEPT_JSON, listed
from support.running_server import RunningServer, running_server
from support.shell_blocks import scripts
from support.terminal import Terminal, secrets_in_variables, words_for
from support.uploads import encode, form_headers, form_of

pytestmark = pytest.mark.slow

PAGE = DOCS / "how-to/ci.md"


@pytest.fixture
def secrets(tmp_path: Path) -> Initialised:
    return initialise(tmp_path / "root")


@pytest.fixture
def server(secrets: Initialised, tmp_path: Path) -> Iterator[RunningServer]:
    with running_server(secrets.root, "--extra_index_url", "") as running:
        body = encode(form_of(make_wheel(tmp_path / "dist", "holygrail", "1.0")))
        assert running.ask("/simple/", secrets.writer, method="POST", body=body, headers=form_headers()).status == 200
        yield running


@pytest.fixture
def terminal(tmp_path: Path, server: RunningServer, secrets: Initialised) -> Terminal:
    words = {
        **words_for(server.port, secrets),
        "https://packages.example.com": f"http://127.0.0.1:{server.port}",
        "https://local": "http://local",
        "packages.example.com": f"127.0.0.1:{server.port}",
    }
    return Terminal(tmp_path / "terminal", words, variables=secrets_in_variables(secrets))


def published(server: RunningServer, secrets: Initialised, project: str) -> bool:
    return bool(listed(server.ask(f"/simple/{project}/", secrets.reader, headers=ACCEPT_JSON).body))


@pytest.mark.follows("docs/how-to/ci.md", "Any CI")
def test_variables_are_enough_anywhere(terminal: Terminal, server: RunningServer, secrets: Initialised) -> None:
    install, publish = scripts(PAGE, "Any CI")
    said = terminal.type(install)
    assert terminal.installed("holygrail") == "1.0"
    terminal.make_package("acme-tool")
    said += terminal.type(publish)
    assert published(server, secrets, "acme-tool")
    assert secrets.read not in said
    assert secrets.write not in said


def test_the_jobs_for_gitlab_do_what_they_say(terminal: Terminal, server: RunningServer, secrets: Initialised) -> None:
    document = yaml.safe_load(titled_blocks("how-to/ci.md")[".gitlab-ci.yml"])
    terminal.type("uv init --no-workspace --lib . --name acme-tool")
    for name in ("test", "publish"):
        job = document[name]
        variables = {**document["variables"], **job.get("variables", {})}
        terminal.variables |= {key: expanded(terminal.meant(text)) for key, text in variables_with(terminal, variables)}
        for line in job["script"]:
            said = terminal.type(line)
        assert name != "test" or "holygrail==1.0" in said
    assert published(server, secrets, "acme-tool")


def variables_with(terminal: Terminal, variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """As GitLab does: what stands in braces is another variable."""
    for key, text in variables.items():
        yield key, re.sub(r"\$\{(\w+)\}", lambda name: terminal.variables[name[1]], text)


def expanded(text: str) -> str:
    return os.path.expandvars(text)
