"""The commands of pages that show but a few."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.code_blocks import DOCS
from pywharf_core.testing import make_sdist, make_wheel
from support.clean_shell import clean_shell, run
from support.initialised import Initialised, initialise
from support.listing import ACCEPT_JSON, listed
from support.repository_copy import REPOSITORY, copy_repository
from support.running_server import RunningServer, running_server
from support.served import free_port
from support.shell_blocks import commands
from support.terminal import Terminal, words_for
from support.uploads import encode, form_headers, form_of

pytestmark = pytest.mark.slow


@pytest.fixture
def secrets(tmp_path: Path) -> Initialised:
    return initialise(tmp_path / "root")


@pytest.fixture
def server(secrets: Initialised) -> Iterator[RunningServer]:
    config = secrets.root / "config.toml"
    config.write_text(f'{config.read_text()}\nprivate = ["acme-*"]\n')
    with running_server(secrets.root, "--extra_index_url", "") as running:
        yield running


@pytest.fixture
def terminal(tmp_path: Path, secrets: Initialised, server: RunningServer) -> Terminal:
    words = {**words_for(server.port, secrets), "ROOT": str(secrets.root), "my-root": str(secrets.root)}
    return Terminal(tmp_path / "terminal", words)


def publish(server: RunningServer, secrets: Initialised, *files: Path) -> None:
    for file in files:
        body = encode(form_of(file))
        answer = server.ask("/simple/", secrets.writer, method="POST", body=body, headers=form_headers())
        assert answer.status == 200, answer.text


def yanked(server: RunningServer, secrets: Initialised) -> bool:
    page = server.ask("/simple/holygrail/", secrets.reader, headers=ACCEPT_JSON)
    return "Loses data" in page.text


@pytest.mark.follows("docs/yank-and-delete.md", "By commands")
def test_commands_take_back_what_was_published(
    terminal: Terminal, server: RunningServer, secrets: Initialised, tmp_path: Path
) -> None:
    publish(server, secrets, make_wheel(tmp_path / "dist", "holygrail", "1.0"))
    yank, undo, archive, delete, delete_file = commands(DOCS / "yank-and-delete.md", "By commands")
    terminal.type(yank)
    assert yanked(server, secrets)
    terminal.type(undo)
    assert not yanked(server, secrets)
    terminal.type(archive)
    assert '"archived"' in server.ask("/simple/holygrail/", secrets.reader, headers=ACCEPT_JSON).text
    terminal.type(delete)
    assert listed(server.ask("/simple/holygrail/", secrets.reader, headers=ACCEPT_JSON).body) == {}
    terminal.type("pywharf set_status local holygrail active --root ROOT")
    publish(server, secrets, tmp_path / "dist" / "holygrail-1.0-py3-none-any.whl")
    terminal.type(delete_file)
    assert server.ask("/simple/holygrail/", secrets.reader).status == 404


@pytest.mark.follows("docs/yank-and-delete.md", "Over HTTP")
@pytest.mark.follows("docs/http.md", "Changes")
def test_requests_take_back_what_was_published(
    terminal: Terminal, server: RunningServer, secrets: Initialised, tmp_path: Path
) -> None:
    files = make_wheel(tmp_path / "dist", "holygrail", "1.0"), make_sdist(tmp_path / "dist", "holygrail", "1.0")
    publish(server, secrets, *files)
    [yank] = commands(DOCS / "http.md", "Changes")
    lines = commands(DOCS / "yank-and-delete.md", "Over HTTP")
    assert lines[0] == yank
    said = [terminal.type(line.replace("curl ", "curl --fail-with-body -sS ")) for line in lines]
    assert files[0].name in said[0]
    assert files[1].name in said[1]
    assert '"archived"' in said[2]
    assert list(listed(server.ask("/simple/holygrail/", secrets.reader, headers=ACCEPT_JSON).body)) == [files[0].name]


@pytest.mark.follows("docs/http.md", "POST /initialize/")
def test_a_request_gives_the_server_another_configuration(
    terminal: Terminal, server: RunningServer, secrets: Initialised
) -> None:
    terminal.write("config.toml", '[new]\ntype = "file_system"\nread_secret = "foo"\n')
    terminal.write("admin_secret.toml", '[new]\ntype = "file_system"\nraw = "bar"\n')
    [line] = commands(DOCS / "http.md", "POST /initialize/")
    assert "in force" in terminal.type(line)
    assert server.ask("/simple/", ("new", "foo")).status in (200, 503)
    assert server.ask("/simple/", secrets.reader).status == 401


@pytest.mark.follows("docs/http.md", "Other ASGI servers")
def test_other_servers_serve_the_application(tmp_path: Path, secrets: Initialised) -> None:
    with running_server(secrets.root):  # which puts the configuration in force
        pass
    uvicorn, granian = commands(DOCS / "http.md", "Other ASGI servers")
    for number, line in enumerate((uvicorn, granian)):
        port = free_port()
        terminal = Terminal(tmp_path / str(number), {**words_for(port), "my-root": str(secrets.root)})
        # `env`, since `serving` makes the line's program the process itself.
        with terminal.serve(f"env {line}", port) as served:
            credentials = f"{secrets.reader[0]}:{secrets.reader[1]}"
            assert "Simple index" in terminal.type(f"curl -fsS -u {credentials} http://127.0.0.1:{port}/simple/")
            served.stop()


@pytest.mark.follows("docs/dependency-confusion.md", "One index URL only", "Asking for the rule")
def test_one_index_is_enough_and_tells_its_rule(
    terminal: Terminal, server: RunningServer, secrets: Initialised, tmp_path: Path
) -> None:
    publish(server, secrets, make_wheel(tmp_path / "dist", "holygrail", "1.0"))
    terminal.follow(DOCS / "dependency-confusion.md", "One index URL only")
    assert terminal.installed("holygrail") == "1.0"
    said = terminal.follow(DOCS / "dependency-confusion.md", "Asking for the rule")
    page = (DOCS / "dependency-confusion.md").read_text(encoding="utf-8")
    assert f"`{said.strip()}`" in " ".join(page.split())


@pytest.mark.follows("docs/command-line.md", "Environment mode")
def test_the_environment_says_what_to_do(tmp_path: Path) -> None:
    port, root = free_port(), tmp_path / "root"
    initialise(root)
    terminal = Terminal(tmp_path / "terminal", {"/pywharf-root": str(root), "4": "1"})
    lines = [terminal.meant(line) for line in commands(DOCS / "command-line.md", "Environment mode")]
    terminal.variables = dict(line.split("=", 1) for line in [*lines, f"PYWHARF_COMMAND_PORT={port}"])
    with terminal.serve("pywharf", port) as served:
        assert served.stop() == 0


# --- what is installed ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel of each distribution."""
    clone = copy_repository(tmp_path_factory.mktemp("clone"))
    folder = tmp_path_factory.mktemp("wheels")
    packages = [str(path.parent) for path in clone.glob("packages/*/pyproject.toml")]
    run("python3", "-m", "venv", "pip", cwd=folder, env=clean_shell())
    run(folder / "pip/bin/pip", "wheel", "--no-deps", "-w", folder, *packages, cwd=folder, env=clean_shell())
    return folder


@pytest.fixture
def with_wheels(tmp_path: Path, wheels: Path) -> Terminal:
    """What these wheels need is not installed with them: other tests do that."""
    offline = {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_FIND_LINKS": str(wheels)}
    return Terminal(tmp_path / "terminal", variables=offline)


@pytest.mark.follows("docs/attestations.md", "Turning them on")
def test_what_is_to_be_installed_for_attestations_exists(with_wheels: Terminal) -> None:
    said = with_wheels.follow(DOCS / "attestations.md", "Turning them on")
    assert "does not provide the extra" not in said
    assert with_wheels.installed("pywharf") is not None


@pytest.mark.follows("packages/pywharf/README.md", "pywharf")
def test_three_lines_lead_to_a_server(with_wheels: Terminal) -> None:
    port = free_port()
    install, init, server = commands(REPOSITORY / "packages/pywharf/README.md", "pywharf")
    with_wheels.type(install)
    assert with_wheels.installed("pywharf") is not None
    # The one that was installed has nothing of what it needs.
    with_wheels.type("pip uninstall --yes pywharf")
    with_wheels.type(init)
    with with_wheels.serve(f"{server} --port {port}", port) as served:
        assert "pip install --index-url" in served.said()
        assert served.stop() == 0
