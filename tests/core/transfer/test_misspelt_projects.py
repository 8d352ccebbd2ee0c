"""``--project`` of imports and copies: what it names has to be there, whatever the source is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from core.transfer.desk import Desk
from core.transfer.exported_by_devpi import DevpiExport
from core.transfer.other_index import other_index
from pywharf_core.testing import make_wheel

PROJECTS = ("acme-cup", "holygrail")


@pytest.fixture
def closing(monkeypatch: pytest.MonkeyPatch) -> Iterator[ExitStack]:
    monkeypatch.setenv("NO_PROXY", "*")
    with ExitStack() as stack:
        yield stack


@pytest.fixture(params=["folder", "pypiserver", "devpi", "export", "index", "copy"])
def taking(request: pytest.FixtureRequest, desk: Desk, folder: Path, closing: ExitStack) -> list[str]:
    """The words of a command that takes ``PROJECTS`` into ``other``."""
    wheels = [make_wheel(folder, project, "1.0") for project in PROJECTS]
    made: dict[str, Callable[[], list[str]]] = {
        "folder": lambda: ["import", "other", str(folder)],
        "pypiserver": lambda: ["import", "other", str(folder), "--kind", "pypiserver"],
        "devpi": lambda: ["import", "other", _devpi(folder.parent / "devpi", wheels)],
        "export": lambda: ["import", "other", _exported(desk, folder)],
        "index": lambda: ["import", "other", _index(wheels, closing)],
        "copy": lambda: _copied(desk, folder),
    }
    return made[request.param]()


def _devpi(folder: Path, wheels: list[Path]) -> str:
    export = DevpiExport(folder)
    export.index("alice/dev")
    for wheel in wheels:
        export.file("alice/dev", wheel)
    return str(export.write())


def _copied(desk: Desk, folder: Path) -> list[str]:
    desk.told("import", "local", folder)
    return ["copy", "local", "other"]


def _exported(desk: Desk, folder: Path) -> str:
    _copied(desk, folder)
    desk.told("export", "local", folder.parent / "exported")
    return str(folder.parent / "exported")


def _index(wheels: list[Path], closing: ExitStack) -> str:
    index = closing.enter_context(other_index())
    for project, wheel in zip(PROJECTS, wheels, strict=True):
        index.file(project, wheel)
    return index.url


@pytest.mark.parametrize("flags", [[], ["--dry_run"]])
@pytest.mark.parametrize("asked", [["holigrail*"], ["acme-*", "holigrail"], ["holigrail"]])
def test_what_is_misspelt_is_an_error_before_anything_is_taken(
    desk: Desk, taking: list[str], asked: list[str], flags: list[str]
) -> None:
    words = [*taking, *(f"--project={it}" for it in asked), *flags]
    result = desk.run(*words)
    if asked == ["holigrail"] and taking[2].startswith("http"):  # whose list is not asked for, as it may be very long
        assert (result.exit_code, "The index has no such project." in result.stderr) == (1, True)
        return
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ")
    assert result.stderr.endswith(f" has no project {asked[-1]}; did you mean holygrail?\n")
    assert desk.listed("other") == {}
    programs = desk.run(*words, "--json")
    assert json.loads(programs.stdout) == {"error": result.stderr.removeprefix("Error: ").rstrip("\n")}


def test_what_is_there_is_taken_alone(desk: Desk, taking: list[str]) -> None:
    assert desk.run(*taking, "--project", "HOLY*", "--project", "holygrail").exit_code == 0
    assert {file.project for file in desk.listed("other").values()} == {"holygrail"}


def test_a_repository_without_projects_says_so(desk: Desk) -> None:
    result = desk.run("copy", "local", "other", "--project", "acme-*")
    assert (result.exit_code, result.stderr) == (1, "Error: The repository local has no projects at all.\n")
    assert desk.run("copy", "local", "other").exit_code == 0
