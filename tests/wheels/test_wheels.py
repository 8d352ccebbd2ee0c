"""Each distribution is built as a release would be, and installed alone into a fresh virtual environment."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from pywharf_core.testing import make_wheel
from support.clean_shell import clean_shell, run
from support.repository_copy import REPOSITORY, copy_repository

pytestmark = pytest.mark.slow

DISTRIBUTIONS = ("pywharf-core", "pywharf-filesystem", "pywharf-github", "pywharf")

#: The plugins that `pywharf plugins` lists when nothing but the distribution was asked for.
PLUGINS = {
    "pywharf-core": {"secrets"},
    "pywharf-filesystem": {"secrets", "file_system"},
    "pywharf-github": {"secrets", "github"},
    "pywharf": {"secrets", "file_system", "server"},
}

#: Modules that need an extra.
WITH_EXTRA = ("pywharf_core.testing", "pywharf_core.transfer.web", "pywharf.attestations_sigstore")

_IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    if not module.name.startswith(tuple(sys.argv[2:])):
        importlib.import_module(module.name)
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist of each distribution, and the wheel that was built out of it."""
    clone = copy_repository(tmp_path_factory.mktemp("clone"))
    folder = tmp_path_factory.mktemp("dist")
    for name in DISTRIBUTIONS:
        command: list[str | Path] = [sys.executable, "-m", "build", "--outdir", folder, clone / "packages" / name]
        run(*command, cwd=folder, env=clean_shell())
    return folder


class Fresh:
    """A virtual environment with pip alone."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self._cwd = folder
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)

    def run(self, program: str, *arguments: str | Path) -> str:
        return run(self.bin / program, *arguments, cwd=self._cwd, env=clean_shell())

    def install(self, *what: str | Path) -> None:
        self.run("python", "-m", "pip", "install", *what)


@pytest.fixture
def fresh(tmp_path: Path) -> Fresh:
    return Fresh(tmp_path / "fresh")


def wheel_of(dist: Path, name: str) -> Path:
    [wheel] = dist.glob(f"{name.replace('-', '_')}-[0-9]*.whl")
    return wheel


def project(name: str) -> Mapping[str, object]:
    document = tomllib.loads((REPOSITORY / "packages" / name / "pyproject.toml").read_text(encoding="utf-8"))
    table: Mapping[str, object] = document["project"]
    return table


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_a_wheel_installed_alone_imports_and_is_found(name: str, dist: Path, fresh: Fresh) -> None:
    fresh.install("--find-links", dist, wheel_of(dist, name))
    loaded = fresh.run("python", "-P", "-c", _IMPORT_ALL, name.replace("-", "_"), *WITH_EXTRA).split()
    if name != "pywharf":
        assert not {"starlette", "hypercorn", "anyio"} & set(loaded), "no web framework outside of the server"
    plugins = fresh.run("pywharf", "plugins").splitlines()[1:]
    assert {line.split()[0] for line in plugins} == PLUGINS[name]
    assert f"{name} {project(name)['version']}" in fresh.run("pywharf", "--version").splitlines()


def test_the_command_server_without_the_server_says_what_to_install(dist: Path, fresh: Fresh) -> None:
    fresh.install("--find-links", dist, wheel_of(dist, "pywharf-core"))
    done = subprocess.run([fresh.bin / "pywharf", "server", "x"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install pywharf" in done.stderr


def test_the_extra_testing_brings_what_a_backend_s_tests_need(dist: Path, fresh: Fresh) -> None:
    fresh.install("--find-links", dist, f"{wheel_of(dist, 'pywharf-core')}[testing]")
    fresh.run("python", "-P", "-c", "import pywharf_core.testing")


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_a_wheel_holds_its_package_and_its_licence_and_nothing_else(name: str, dist: Path) -> None:
    package = name.replace("-", "_")
    with zipfile.ZipFile(wheel_of(dist, name)) as archive:
        members = archive.namelist()
    dist_info = f"{package}-{project(name)['version']}.dist-info"
    assert {member.split("/")[0] for member in members} == {package, dist_info}
    assert {f"{package}/py.typed", f"{dist_info}/licenses/LICENSE"} <= set(members)
    source = REPOSITORY / "packages" / name / "src" / package
    files = {path.relative_to(source.parent) for path in source.rglob("*") if path.is_file()}
    # Modules, templates, styles, whatever a package is made of.
    told = {str(path) for path in files if not any(part.startswith((".", "__pycache__")) for part in path.parts)}
    assert told == {member for member in members if member.startswith(f"{package}/")}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_an_sdist_builds_by_itself_and_tells_what_an_index_shows(name: str, dist: Path) -> None:
    [sdist] = dist.glob(f"{name.replace('-', '_')}-[0-9]*.tar.gz")
    with tarfile.open(sdist) as archive:
        members = {member.partition("/")[2] for member in archive.getnames()}
    assert {"LICENSE", "README.md", "pyproject.toml", "PKG-INFO"} <= members
    # The wheel was built out of the sdist; twine reads both as an index does.
    run(sys.executable, "-m", "twine", "check", "--strict", sdist, wheel_of(dist, name), cwd=dist, env=clean_shell())


@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_an_upgrade_from_0_2_3_keeps_the_script(installer: str, dist: Path, fresh: Fresh, tmp_path: Path) -> None:
    old = make_wheel(
        tmp_path / "old", "pywharf", "0.2.3",
        extra_files={"pywharf-0.2.3.dist-info/entry_points.txt": b"[console_scripts]\npywharf = pywharf:__version__.upper\n"},
    )  # fmt: skip
    fresh.install(old)
    assert (fresh.bin / "pywharf").is_file(), "the old distribution owns the script"
    # As from an index: pywharf alone is named, the new core comes in before the old pywharf goes out.
    index = tmp_path / "index"
    shutil.copytree(dist, index)
    if installer == "pip":
        fresh.install("--find-links", index, "--upgrade", f"pywharf == {project('pywharf')['version']}")
    else:
        uv: list[str | Path] = [sys.executable, "-m", "uv", "pip", "install", "--python", fresh.bin / "python"]
        version = f"pywharf == {project('pywharf')['version']}"
        run(*uv, "--find-links", index, "--upgrade", version, cwd=tmp_path, env=clean_shell())
    assert f"pywharf {project('pywharf')['version']}" in fresh.run("pywharf", "--version").splitlines()
