"""Clients that have the files of the page need no flags."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from clients.matrix.environments import Environments
from docs.code_blocks import DOCS, titled_blocks
from pywharf_core.testing import make_wheel
from support.initialised import Initialised, initialise
from support.listing import ACCEPT_JSON, listed
from support.running_server import RunningServer, running_server
from support.shell_blocks import script
from support.terminal import Terminal, secrets_in_variables, words_for
from support.uploads import encode, form_headers, form_of

pytestmark = pytest.mark.slow

PAGE = DOCS / "how-to/client-configuration.md"
BLOCKS = titled_blocks("how-to/client-configuration.md")


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Initialised:
    return initialise(tmp_path_factory.mktemp("server") / "root")


@pytest.fixture(scope="module")
def server(secrets: Initialised, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(secrets.root, "--extra_index_url", "") as running:
        wheel = make_wheel(tmp_path_factory.mktemp("dist"), "holygrail", "1.0")
        body = encode(form_of(wheel))
        assert running.ask("/simple/", secrets.writer, method="POST", body=body, headers=form_headers()).status == 200
        yield running


@pytest.fixture
def terminal(tmp_path: Path, server: RunningServer, secrets: Initialised) -> Terminal:
    """Of somebody who has the netrc file of the page."""
    words = {
        **words_for(server.port, secrets),
        "machine packages.example.com": "machine 127.0.0.1",
        "https://packages.example.com": f"http://127.0.0.1:{server.port}",
    }
    terminal = Terminal(tmp_path / "terminal", words, variables=secrets_in_variables(secrets))
    terminal.write("~/.netrc", BLOCKS["netrc"])
    return terminal


def published(server: RunningServer, secrets: Initialised, project: str) -> bool:
    return bool(listed(server.ask(f"/simple/{project}/", secrets.reader, headers=ACCEPT_JSON).body))


@pytest.mark.follows("docs/how-to/client-configuration.md", "pip")
def test_pip_installs(terminal: Terminal) -> None:
    terminal.write("~/.config/pip/pip.conf", BLOCKS["pip.conf"])
    terminal.follow(PAGE, "pip")
    assert terminal.installed("holygrail") == "1.0"


@pytest.mark.follows("docs/how-to/client-configuration.md", "uv")
@pytest.mark.parametrize("by", ["netrc", "variables"])
def test_uv_installs_a_project(terminal: Terminal, by: str) -> None:
    variables, lock, sync = script(PAGE, "uv").splitlines()
    if by == "netrc":
        variables = "true"
    else:
        (terminal.home / ".netrc").unlink()
    terminal.write("pyproject.toml", BLOCKS["pyproject-uv.toml"])
    said = terminal.type(f"{variables}\n{lock}\n{sync} --active")
    assert "holygrail==1.0" in said


def test_uv_knows_the_index_of_all_projects_and_publishes_to_it(
    terminal: Terminal, server: RunningServer, secrets: Initialised
) -> None:
    terminal.write("~/.config/uv/uv.toml", BLOCKS["uv.toml"])
    terminal.type("uv pip install holygrail")
    assert terminal.installed("holygrail") == "1.0"
    page = " ".join(PAGE.read_text(encoding="utf-8").split())
    line = "uv publish --index wharf --username local"
    assert f"`{line}`" in page
    terminal.make_package("by-uv")
    terminal.variables["UV_PUBLISH_PASSWORD"] = secrets.write
    terminal.type(line)
    assert published(server, secrets, "by-uv")


@pytest.mark.follows("docs/how-to/client-configuration.md", "twine")
def test_twine_publishes(terminal: Terminal, server: RunningServer, secrets: Initialised) -> None:
    terminal.write("~/.pypirc", BLOCKS["pypirc"])
    terminal.make_package("by-twine")
    terminal.follow(PAGE, "twine")
    assert published(server, secrets, "by-twine")


@pytest.mark.parametrize(
    ("tool", "commands"), [("poetry", "poetry install --no-root"), ("pdm", "pdm install --no-self")], ids=str
)
def test_other_clients_install_a_project(terminal: Terminal, tmp_path: Path, tool: str, commands: str) -> None:
    (tmp_path / "tools").mkdir()
    bin = Environments(tmp_path / "tools").of(tool).bin
    terminal.write("pyproject.toml", BLOCKS[f"pyproject-{tool}.toml"])
    terminal.variables |= {"PDM_IGNORE_SAVED_PYTHON": "1", "PDM_CHECK_UPDATE": "0"}
    terminal.type(f'PATH="{bin}:$PATH" {commands}')
    assert terminal.installed("holygrail") == "1.0"


def test_hatch_publishes_by_its_variables(
    terminal: Terminal, server: RunningServer, secrets: Initialised, tmp_path: Path
) -> None:
    (tmp_path / "tools").mkdir()
    hatch = Environments(tmp_path / "tools").of("hatch").program("hatch")
    told = PAGE.read_text(encoding="utf-8")
    values = {"REPO": terminal.meant("https://packages.example.com/simple/"), "USER": "local", "AUTH": secrets.write}
    for name, value in values.items():
        assert f"`HATCH_INDEX_{name}`" in told
        terminal.variables[f"HATCH_INDEX_{name}"] = value
    terminal.make_package("by-hatch")
    terminal.type(f"{hatch} publish dist/*")
    assert published(server, secrets, "by-hatch")
