"""``pywharf export``: by ROOT, by the environment, by a configuration alone; what it says, and with which status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from core.two_servers import Uploads
from pywharf_core import amounts, changes, shared_secrets
from pywharf_core.cli.root import make_root
from pywharf_core.config import load_configuration
from pywharf_core.filenames import normalise
from pywharf_core.plugins import Plugins
from pywharf_core.repository import Repository
from pywharf_core.root import Root
from pywharf_core.testing import make_wheel
from pywharf_core.wharf import Wharf
from pywharf_filesystem import plugin as file_system

WHEEL = "holygrail-1.0-py3-none-any.whl"
SDIST = "holygrail-1.0.tar.gz"
CONFIG = '[local]\ntype = "file_system"\nwrite_secret = "bar"\npath = "{store}"\n'
PLUGINS = Plugins.of(file_system, shared_secrets)


def run(*arguments: object, **environment: str) -> Result:
    env = {"PYWHARF_ROOT": None, **environment}
    return CliRunner(env=env).invoke(make_root(PLUGINS), [str(argument) for argument in arguments])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "config.toml").write_text(CONFIG.format(store=tmp_path / "store"))
    return tmp_path / "root"


@pytest.fixture
def served(root: Path, tmp_path: Path) -> Iterator[Repository]:
    """The repository as a server of this ROOT has it open; ``holygrail`` 1.0 is there as wheel and as sdist."""
    with Wharf.open(load_configuration((root / "config.toml").read_text(), None, PLUGINS), Root(root)) as wharf:
        repository = wharf.repositories["local"]
        repository.synchronise()
        uploads = Uploads(tmp_path / "uploads")
        uploads.publish(repository)
        uploads.publish(repository, sdist=True)
        yield repository


@pytest.mark.parametrize("way", ["by ROOT", "by the environment", "by configuration alone"])
def test_every_way_to_name_the_configuration_exports(served: Repository, root: Path, tmp_path: Path, way: str) -> None:
    arguments, environment = {
        "by ROOT": (["--root", root], {}),
        "by the environment": ([], {"PYWHARF_ROOT": str(root)}),
        "by configuration alone": (["--config", root / "config.toml"], {}),
    }[way]
    folder = tmp_path / "backup"
    result = run("export", "local", folder, *arguments, **environment)
    size = sum(file.size for file in served.project_page(normalise("holygrail"))[0].files)
    assert (result.exit_code, result.stdout) == (
        0,
        f"{folder}: 2 files copied ({amounts.size(size)}), 0 already there, 1 project.\n",
    )
    assert result.stderr == "Exporting: 2 of 2 files\n"
    assert {path.name for path in folder.iterdir()} >= {"holygrail", "pywharf-export.json"}
    result = run("export", "local", folder, *arguments, **environment)
    assert result.stdout == f"{folder}: 0 files copied (0 bytes), 2 already there, 1 project.\n"


def test_programs_get_json_and_nothing_else(served: Repository, root: Path, tmp_path: Path) -> None:
    result = run("export", "local", tmp_path / "backup", "--root", root, "--json")
    assert result.stderr == ""
    report = json.loads(result.stdout)
    assert (report["projects"], report["copied"], report["there"], report["dry_run"]) == (1, 2, 0, False)
    assert (report["problems"], report["stale"], report["removed"]) == ([], [], [])
    report = json.loads(run("export", "local", tmp_path / "other", "--root", root, "--json", "--dry_run").stdout)
    assert (report["copied"], report["dry_run"]) == (2, True)
    assert not (tmp_path / "other").exists()


def test_a_problem_is_a_line_and_status_1(served: Repository, root: Path, tmp_path: Path) -> None:
    (tmp_path / "store" / "holygrail" / WHEEL).unlink()
    result = run("export", "local", tmp_path / "backup", "--root", root)
    assert result.exit_code == 1
    assert f"{WHEEL} was listed, but the storage no longer has it.\n" in result.stderr
    assert "1 file copied" in result.stdout
    theirs = tmp_path / "backup" / "holygrail" / SDIST
    theirs.write_text("mine")
    result = run("export", "local", tmp_path / "backup", "--root", root, "--json")
    assert result.exit_code == 1
    assert [problem["name"] for problem in json.loads(result.stdout)["problems"]] == [SDIST]
    assert theirs.read_text() == "mine"
    assert run("export", "local", tmp_path / "backup", "--root", root, "--overwrite").exit_code == 0
    assert theirs.read_text("latin-1") != "mine"


def test_old_files_are_said_and_removed_when_asked(served: Repository, root: Path, tmp_path: Path) -> None:
    run("export", "local", tmp_path / "backup", "--root", root)
    changes.delete(served, normalise("holygrail"), filename=WHEEL)
    said = run("export", "local", tmp_path / "backup", "--root", root).stdout
    assert f"2 files in {tmp_path / 'backup'} are not part of this export: holygrail/{WHEEL}," in said
    assert "Give --prune to remove such files." in said
    said = run("export", "local", tmp_path / "backup", "--root", root, "--prune", "--dry_run").stdout
    assert f"2 old files would be removed: holygrail/{WHEEL}," in said
    said = run("export", "local", tmp_path / "backup", "--root", root, "--prune").stdout
    assert f"2 old files removed: holygrail/{WHEEL}," in said
    assert not (tmp_path / "backup" / "holygrail" / WHEEL).exists()


def test_a_static_index_is_written_and_its_use_said(served: Repository, root: Path, tmp_path: Path) -> None:
    result = run("export", "local", tmp_path / "site", "--simple", "--root", root)
    assert result.exit_code == 0
    assert f"python3 -m http.server 8080 --directory {tmp_path / 'site'}" in result.stdout
    assert (tmp_path / "site" / "holygrail" / "index.html").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["locl", "DIR"], 2, "There is no repository 'locl'; did you mean local? Configured: local."),
        (["local"], 2, "Missing argument 'DIR'"),
        (["local", "DIR", "--base_url", "https://packages.test/"], 2, "--base_url goes with --simple."),
        (["local", "DIR", "--simple", "--base_url", "http://packages.test/"], 2, "it should begin with https://"),
        (["local", "DIR", "--simple", "--base-url", "https://user@packages.test/"], 2, "is not the address of a folder"),
        (["local", "DIR", "--jobs", "0"], 2, "0 is not in the range 1<=x<=64"),
        (["local", "FILE"], 2, "is a file"),
        (["local", "FULL"], 1, "is no export, but is not empty (something is there); name a new folder, or an empty one."),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_one_sentence(
    served: Repository, root: Path, tmp_path: Path, arguments: list[str], status: int, sentence: str
) -> None:
    (tmp_path / "FILE").touch()
    (tmp_path / "FULL").mkdir()
    (tmp_path / "FULL" / "something").touch()
    places = {name: tmp_path / name for name in ("DIR", "FILE", "FULL")}
    result = run("export", *(places.get(argument, argument) for argument in arguments), "--root", root)
    assert result.exit_code == status, result.output
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert sentence in line
    assert result.stdout == ""
    assert not (tmp_path / "DIR").exists()


def test_a_store_that_is_away_is_one_sentence(served: Repository, root: Path, tmp_path: Path) -> None:
    (tmp_path / "store").rename(tmp_path / "away")
    result = run("export", "local", tmp_path / "backup", "--root", root)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "is its file system mounted?" in result.stderr
    assert not (tmp_path / "backup").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such limit")
@pytest.mark.parametrize("form", [[], ["--simple"]])
def test_a_disk_that_is_full_is_told_in_a_sentence_and_nothing_half_is_left(tmp_path: Path, form: list[str]) -> None:
    root, packages, folder = tmp_path / "root", tmp_path / "packages", tmp_path / "export"
    make_wheel(packages, "holygrail", "1.0", padding=2_000_000)
    command = [sys.executable, "-c", "from pywharf_core.cli.program import main; main()"]
    for words in (["init", root], ["import", "local", packages, "--root", root]):
        subprocess.run([*command, *map(str, words)], check=True, capture_output=True)
    exported = [*command, "export", "local", str(folder), "--root", str(root), "--json", *form]
    limited = ["bash", "-c", 'ulimit -f 1000; exec "$@"', "bash", *exported]  # kB: files end as on a disk that is full
    result = subprocess.run(limited, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr == f"Error: {folder}/holygrail/{WHEEL}: File too large.\n"
    assert not list(folder.rglob("*.part"))
    assert subprocess.run(exported, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only the superuser writes everywhere")
def test_root_does_not_write_into_the_root_of_another_user(tmp_path: Path) -> None:
    root = tmp_path / "root"
    assert run("init", root).exit_code == 0
    for path in [root, *root.rglob("*")]:
        os.chown(path, 65534, -1)
    before = sorted(root.rglob("*"))
    for command in (["export", "local", tmp_path / "x"], ["verify", "local"], ["import", "local", tmp_path], ["check"]):
        result = run(*command, "--root", root)
        assert result.exit_code == 1
        assert "run this as that user" in result.stderr
    assert sorted(root.rglob("*")) == before


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["holy*", "Holygral"], "project Holygral; did you mean holygrail?"),
        (["holygral*"], "project holygral*; did you mean holygrail?"),
        (["swallow"], "project swallow; look at the spelling."),
        (["swallow", "holygrail", "knights"], "projects swallow, knights; look at the spelling."),
    ],
)
def test_a_misspelt_project_is_refused_and_the_folder_left_alone(
    root: Path, tmp_path: Path, asked: list[str], said: str
) -> None:
    folder = tmp_path / "backup"
    assert run("export", "local", folder, "--root", root).exit_code == 0
    before = sorted(path.name for path in folder.rglob("*"))
    result = run("export", "local", folder, "--root", root, "--prune", *(f"--project={it}" for it in asked))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"Error: The repository local has no {said}\n"
    assert sorted(path.name for path in folder.rglob("*")) == before
