"""``pywharf verify``: what it says, and with which status."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from core.two_servers import Uploads
from pywharf_core import amounts, shared_secrets
from pywharf_core.cli.root import make_root
from pywharf_core.config import load_configuration
from pywharf_core.plugins import Plugins
from pywharf_core.root import Root
from pywharf_core.wharf import Wharf
from pywharf_filesystem import plugin as file_system

WHEEL = "holygrail-1.0-py3-none-any.whl"
SDIST = "holygrail-1.0.tar.gz"
CONFIG = '[local]\ntype = "file_system"\nwrite_secret = "bar"\npath = "{store}"\n'
PLUGINS = Plugins.of(file_system, shared_secrets)


def run(*arguments: object) -> Result:
    return CliRunner(env={"PYWHARF_ROOT": None}).invoke(make_root(PLUGINS), [str(argument) for argument in arguments])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """``holygrail`` 1.0 is there as wheel and as sdist."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "config.toml").write_text(CONFIG.format(store=tmp_path / "store"))
    with Wharf.open(load_configuration((root / "config.toml").read_text(), None, PLUGINS), Root(root)) as wharf:
        uploads, repository = Uploads(tmp_path / "uploads"), wharf.repositories["local"]
        repository.synchronise()
        uploads.publish(repository)
        uploads.publish(repository, sdist=True)
    return root


@pytest.fixture
def folder(tmp_path: Path, root: Path) -> Path:
    """The project's, in the store."""
    return tmp_path / "store" / "holygrail"


@pytest.mark.parametrize("way", ["--root", "--config"])
def test_all_is_well_is_status_0(root: Path, folder: Path, way: str) -> None:
    result = run("verify", "local", way, root if way == "--root" else root / "config.toml")
    size = (folder / WHEEL).stat().st_size + (folder / SDIST).stat().st_size
    assert (result.exit_code, result.stdout) == (0, f"2 files read ({amounts.size(size)}): all is well.\n")
    assert result.stderr == "Verifying: 2 of 2 files\n"


def test_findings_are_lines_and_status_1_until_they_are_repaired(root: Path, folder: Path) -> None:
    sidecar = folder / f"{SDIST}.meta"
    os.utime(sidecar, (1_600_000_000, 1_600_000_000))
    (folder / SDIST).unlink()
    part = folder / f".{SDIST}.part"
    part.write_bytes(b"half")
    os.utime(part, (1_600_000_000, 1_600_000_000))
    result = run("verify", "local", "--root", root)
    assert result.exit_code == 1
    missing, alone, half, verdict = result.stdout.splitlines()
    assert missing.startswith(f"missing: {SDIST} is listed, but the storage no longer has it.")
    assert alone.startswith(f"store: holygrail/{SDIST}.meta is of a file that is not there")
    assert half == f"unfinished: holygrail/.{SDIST}.part is of an upload that died."
    assert verdict.endswith("3 findings, 0 repaired.")
    result = run("verify", "local", "--root", root, "--repair")
    assert result.exit_code == 1
    missing, alone, half, verdict = result.stdout.splitlines()
    assert missing.startswith("repaired, missing: ")
    assert alone.startswith("store: ")
    assert half.startswith("repaired, unfinished: ")
    assert verdict.endswith("3 findings, 2 repaired.")
    sidecar.unlink()
    assert run("verify", "local", "--root", root).exit_code == 0


def test_programs_get_json_and_nothing_else(root: Path, folder: Path) -> None:
    stat, content = (folder / WHEEL).stat(), (folder / WHEEL).read_bytes()
    (folder / WHEEL).write_bytes(bytes([content[0] ^ 1]) + content[1:])
    os.utime(folder / WHEEL, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    result = run("verify", "local", "--root", root, "--json")
    assert (result.exit_code, result.stderr) == (1, "")
    report = json.loads(result.stdout)
    assert (report["files"], report["left"]) == (2, 1)
    [finding] = report["findings"]
    assert (finding["kind"], finding["name"], finding["repaired"]) == ("damaged", WHEEL, False)
    assert finding["sentence"].endswith(".")


def test_projects_can_be_chosen(root: Path, folder: Path) -> None:
    (folder / WHEEL).unlink()
    result = run("verify", "local", "--root", root, "--project", "other*", "--project", "HOLY*")
    assert (result.exit_code, result.stdout.split(":")[0]) == (1, "missing")


@pytest.mark.parametrize("flags", [[], ["--repair"], ["--json"]])
@pytest.mark.parametrize("asked", [["Holygral"], ["holygral*"], ["holy*", "Holygral"]])
def test_a_misspelt_project_is_not_said_to_be_well(root: Path, asked: list[str], flags: list[str]) -> None:
    result = run("verify", "local", "--root", root, *(f"--project={it}" for it in asked), *flags)
    sentence = f"The repository local has no project {asked[-1]}; did you mean holygrail?"
    assert (result.exit_code, result.stderr) == (1, f"Error: {sentence}\n")
    assert (json.loads(result.stdout) if flags == ["--json"] else result.stdout) == (
        {"error": sentence} if flags == ["--json"] else ""
    )


def test_a_store_that_is_away_is_one_sentence(root: Path, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "store").rename(tmp_path / "away")
    result = run("verify", "local", "--root", root)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "is its file system mounted?" in result.stderr
