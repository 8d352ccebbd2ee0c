"""``pywharf yank``, ``delete`` and ``set_status``: beside a server on the same ROOT, and by a configuration alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from core.two_servers import Uploads, listed
from pywharf_core import shared_secrets
from pywharf_core.cli.root import make_root
from pywharf_core.config import load_configuration
from pywharf_core.errors import FileAlreadyExists, NotPermitted
from pywharf_core.filenames import normalise
from pywharf_core.model import ProjectStatus
from pywharf_core.names import Answerer
from pywharf_core.plugins import Plugins
from pywharf_core.repository import Repository
from pywharf_core.root import Root
from pywharf_core.wharf import Wharf
from pywharf_filesystem import plugin as file_system

GRAIL = normalise("holygrail")
WHEEL = "holygrail-1.0-py3-none-any.whl"
SDIST = "holygrail-1.0.tar.gz"
CONFIG = '[local]\ntype = "file_system"\nwrite_secret = "bar"\npath = "{store}"\n'
PLUGINS = Plugins.of(file_system, shared_secrets)


def run(*arguments: object, **environment: str) -> Result:
    env = {"PYWHARF_ROOT": None, **environment}
    return CliRunner(env=env).invoke(make_root(PLUGINS), [str(argument) for argument in arguments])


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path / "uploads")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "config.toml").write_text(CONFIG.format(store=tmp_path / "store"))
    return tmp_path / "root"


@pytest.fixture
def served(root: Path, uploads: Uploads) -> Iterator[Repository]:
    """The repository as a server of this ROOT has it open; ``holygrail`` 1.0 is there as wheel and as sdist."""
    with Wharf.open(load_configuration((root / "config.toml").read_text(), None, PLUGINS), Root(root)) as wharf:
        repository = wharf.repositories["local"]
        repository.synchronise()
        uploads.publish(repository)
        uploads.publish(repository, sdist=True)
        yield repository


@pytest.fixture(params=["by ROOT", "by the environment", "by configuration alone"])
def where(request: pytest.FixtureRequest, root: Path) -> tuple[list[object], dict[str, str]]:
    """Arguments and environment that name the configuration."""
    return {
        "by ROOT": (["--root", root], {}),
        "by the environment": ([], {"PYWHARF_ROOT": str(root)}),
        "by configuration alone": (["--config", root / "config.toml"], {}),
    }[request.param]


def marks(repository: Repository) -> Mapping[str, str | None]:
    return {filename: file.yanked for filename, file in listed(repository, GRAIL).items()}


def test_a_yank_is_seen_by_the_server_at_once(served: Repository, root: Path) -> None:
    result = run("yank", "local", "HolyGrail==1", "--reason", "Loses data", "--root", root)
    assert (result.exit_code, sorted(result.stdout.splitlines())) == (0, [f"yanked {WHEEL}", f"yanked {SDIST}"])
    assert marks(served) == {WHEEL: "Loses data", SDIST: "Loses data"}
    result = run("yank", "local", "holygrail==1.0", "--undo", "--root", root)
    assert (result.exit_code, sorted(result.stdout.splitlines())) == (0, [f"unyanked {WHEEL}", f"unyanked {SDIST}"])
    assert marks(served) == {WHEEL: None, SDIST: None}
    result = run("yank", "local", "holygrail==1.0", "--undo", "--root", root)
    assert (result.exit_code, result.stdout) == (0, "Nothing to do: it was so already.\n")


def test_every_way_to_name_the_configuration_reaches_the_store(
    served: Repository, where: tuple[list[object], dict[str, str]]
) -> None:
    arguments, environment = where
    assert run("yank", "local", "holygrail==1.0", *arguments, **environment).exit_code == 0
    assert run("delete", "local", WHEEL, *arguments, **environment).stdout == f"deleted {WHEEL}\n"
    assert run("set-status", "local", "HOLYGRAIL", "archived", *arguments, **environment).stdout == (
        "holygrail is archived.\n"
    )
    served.synchronise()  # a server sees what was done without its ROOT then
    assert marks(served) == {SDIST: ""}
    assert served.project_page(GRAIL)[0].status is ProjectStatus.ARCHIVED


def test_without_a_root_nothing_is_left_behind(served: Repository, root: Path, tmp_path: Path) -> None:
    assert run("yank", "local", "holygrail==1.0", "--config", root / "config.toml").exit_code == 0
    assert {path.name for path in tmp_path.iterdir()} == {"root", "store", "uploads"}


def test_a_release_is_deleted_and_its_name_stays_ours(served: Repository, root: Path, uploads: Uploads) -> None:
    result = run("delete", "local", "holygrail==1.0", "--root", root)
    assert (result.exit_code, sorted(result.stdout.splitlines())) == (0, [f"deleted {WHEEL}", f"deleted {SDIST}"])
    assert marks(served) == {}
    assert served.answer_for(GRAIL).answerer is Answerer.RESERVED
    with pytest.raises(FileAlreadyExists):
        uploads.publish(served, content="b")
    assert uploads.publish(served).new


def test_a_status_is_obeyed_by_the_server_at_once(served: Repository, root: Path, uploads: Uploads) -> None:
    result = run("set_status", "local", "holygrail", "archived", "--reason", "See grail", "--root", root)
    assert (result.exit_code, result.stdout) == (0, "holygrail is archived.\n")
    page, _ = served.project_page(GRAIL)
    assert (page.status, page.status_reason) == (ProjectStatus.ARCHIVED, "See grail")
    with pytest.raises(NotPermitted):
        uploads.publish(served, version="2.0")


def test_programs_get_json(served: Repository, root: Path) -> None:
    files = json.loads(run("yank", "local", "holygrail==1.0", "--json", "--root", root).stdout)["files"]
    assert sorted(files) == [WHEEL, SDIST]
    assert json.loads(run("yank", "local", "holygrail==1.0", "--json", "--root", root).stdout) == {"files": []}
    assert json.loads(run("delete", "local", SDIST, "--json", "--root", root).stdout) == {"files": [SDIST]}
    result = run("set_status", "local", "HolyGrail", "archived", "--reason", "See grail", "--json", "--root", root)
    assert json.loads(result.stdout) == {"project": "holygrail", "status": "archived", "reason": "See grail"}
    result = run("set_status", "local", "holygrail", "active", "--json", "--root", root)
    assert json.loads(result.stdout) == {"project": "holygrail", "status": "active", "reason": None}


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["yank", "locl", "holygrail==1.0"], 2, "There is no repository 'locl'; did you mean local? Configured: local."),
        (["yank", "local", "holygrail"], 2, "'holygrail' names no release; write PROJECT==VERSION, such as holygrail==1.0."),
        (["yank", "local", "holygrail=="], 2, "'holygrail==' names no release"),
        (["yank", "local", "holy grail==1.0"], 2, "'holy grail' is not a valid project name: it may hold"),
        (["yank", "local", "holygrail==1.0", "--undo", "--reason", "x"], 2, "--undo takes no --reason."),
        (["yank", "local", "holygrail==3.0"], 1, "There is no release holygrail 3.0 in this repository; did you mean 1.0?"),
        (["yank", "local", "holygrail==one"], 1, "is no version as in PEP 440, so holygrail has no such release; it has 1.0."),
        (["delete", "local", "holygrial==1.0"], 1, "no release holygrial 1.0 in this repository; did you mean holygrail?"),
        (["set_status", "local", "holygrial", "archived"], 1, "in this repository; did you mean holygrail?"),
        (["delete", "local", "nothing==1.0"], 1, "There is no release nothing 1.0 in this repository."),
        (["delete", "local", "holygrail-9.tar.gz"], 1, "This repository has no file holygrail-9.tar.gz."),
        (["delete", "local", "holygrail"], 1, "'holygrail' is neither a wheel nor an sdist"),
        (["set_status", "local", "nothing", "archived"], 1, "There is no project nothing in this repository."),
        (["set_status", "local", "!", "archived"], 2, "'!' is not a valid project name: it may hold"),
        (["set_status", "local", "holygrail", "dead"], 2, "'dead' is not one of"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_one_sentence_and_changes_nothing(
    served: Repository, root: Path, arguments: list[str], status: int, sentence: str
) -> None:
    result = run(*arguments, "--root", root)
    assert result.exit_code == status, result.output
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert sentence in line
    assert result.stdout == ""
    assert marks(served) == {WHEEL: None, SDIST: None}


def test_a_store_that_is_away_is_one_sentence(served: Repository, root: Path, tmp_path: Path) -> None:
    (tmp_path / "store").rename(tmp_path / "away")
    for arguments in (["yank", "local", "holygrail==1.0"], ["delete", "local", WHEEL]):
        result = run(*arguments, "--root", root)
        assert result.exit_code == 1
        assert result.stderr.count("\n") == 1
        assert "is its file system mounted?" in result.stderr
    (tmp_path / "away").rename(tmp_path / "store")
    assert marks(served) == {WHEEL: None, SDIST: None}
