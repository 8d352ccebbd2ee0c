"""Distributions that are published separately, and agree."""

from __future__ import annotations

import ast
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PACKAGES = Path(__file__).parents[2] / "packages"
DISTRIBUTIONS = sorted(path.parent.name for path in PACKAGES.glob("*/pyproject.toml"))

#: Distributions whose import package has another name.
IMPORTED_AS = {"python-multipart": "python_multipart", "pygithub": "github", "pynacl": "nacl"}

WEB = {"starlette", "hypercorn", "anyio", "python-multipart", "uvicorn", "fastapi", "flask", "aiohttp"}


@cache
def project(distribution: str) -> dict[str, Any]:
    with (PACKAGES / distribution / "pyproject.toml").open("rb") as file:
        document: dict[str, Any] = tomllib.load(file)["project"]
    return document


def requirements(distribution: str) -> list[Requirement]:
    return [Requirement(line) for line in project(distribution)["dependencies"]]


def optional_requirements(distribution: str) -> list[Requirement]:
    extras = project(distribution).get("optional-dependencies", {})
    return [Requirement(line) for lines in extras.values() for line in lines]


def import_package(distribution: str) -> str:
    return IMPORTED_AS.get(canonicalize_name(distribution), canonicalize_name(distribution).replace("-", "_"))


def imported_packages(distribution: str) -> set[str]:
    """Top-level names of third-party packages that the distribution's modules import."""
    own = import_package(distribution)
    found: set[str] = set()
    for path in (PACKAGES / distribution / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found.update(alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.split(".")[0])
    return found - {own} - set(sys.stdlib_module_names)


def test_the_distributions_are_found() -> None:
    assert {"pywharf", "pywharf-core", "pywharf-filesystem", "pywharf-github"} <= set(DISTRIBUTIONS)
    assert [project(name)["name"] for name in DISTRIBUTIONS] == DISTRIBUTIONS


def test_versions_move_in_lock_step() -> None:
    assert len({project(name)["version"] for name in DISTRIBUTIONS}) == 1


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_siblings_are_pinned_to_this_version(distribution: str) -> None:
    version = project(distribution)["version"]
    siblings = [
        requirement
        for requirement in [*requirements(distribution), *optional_requirements(distribution)]
        if requirement.name in DISTRIBUTIONS and requirement.name != distribution
    ]
    assert siblings or distribution == "pywharf-core"
    assert {str(requirement.specifier) for requirement in siblings} <= {f"=={version}"}


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_what_is_imported_is_declared(distribution: str) -> None:
    declared = [*requirements(distribution), *optional_requirements(distribution)]
    undeclared = imported_packages(distribution) - {import_package(requirement.name) for requirement in declared}
    assert not undeclared


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_what_is_declared_is_imported(distribution: str) -> None:
    declared = {
        import_package(requirement.name)
        for requirement in requirements(distribution)
        # The distribution `pywharf` pins the whole set; a backend in it is found by its entry point alone.
        if not (distribution == "pywharf" and requirement.name in DISTRIBUTIONS)
    }
    assert not declared - imported_packages(distribution)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_a_distribution_can_stand_alone(distribution: str) -> None:
    folder = PACKAGES / distribution
    assert (folder / "README.md").read_text(encoding="utf-8").startswith(f"# {distribution}")
    assert (folder / "LICENSE").read_bytes() == (PACKAGES.parent / "LICENSE").read_bytes()
    assert (folder / "src" / import_package(distribution) / "py.typed").exists()


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_the_pythons_are_the_same_everywhere(distribution: str) -> None:
    assert project(distribution)["requires-python"] == project("pywharf-core")["requires-python"]


@pytest.mark.parametrize("distribution", [name for name in DISTRIBUTIONS if name != "pywharf"])
def test_only_the_server_declares_a_web_framework(distribution: str) -> None:
    assert not WEB & {canonicalize_name(requirement.name) for requirement in requirements(distribution)}


@pytest.mark.parametrize("distribution", ["pywharf", "pywharf-core"])
def test_core_and_server_both_declare_the_console_script(distribution: str) -> None:
    assert project(distribution)["scripts"] == {"pywharf": "pywharf_core.cli:main"}


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_every_distribution_has_a_plugin_in_a_module_that_exists(distribution: str) -> None:
    plugins: dict[str, str] = project(distribution)["entry-points"]["pywharf"]
    assert plugins
    for module in plugins.values():
        assert (PACKAGES / distribution / "src" / module.replace(".", "/")).with_suffix(".py").exists(), module
