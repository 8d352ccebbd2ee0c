"""Distributions of strangers: built, published and installed as strangers do it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support.clean_shell import clean_shell, run
from support.repository_copy import copy_repository
from thirdparty.installed import Installed

#: What is in their folders is tested where they are installed.
collect_ignore_glob = ["pywharf-*"]

_DISTRIBUTIONS = (
    "packages/pywharf-core",
    "packages/pywharf-filesystem",
    "packages/pywharf",
    "tests/thirdparty/pywharf-example",
    "tests/thirdparty/pywharf-policy",
)


@pytest.fixture(scope="session")
def built_and_installed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The folder ``bin`` of a virtual environment, and the wheels that were installed there."""
    clone = copy_repository(tmp_path_factory.mktemp("clone"))
    dist = tmp_path_factory.mktemp("dist")
    for folder in _DISTRIBUTIONS:
        run(sys.executable, "-m", "build", "--wheel", "--outdir", dist, clone / folder, cwd=dist, env=clean_shell())
    environment = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    python = environment / "bin" / "python"
    run(python, "-m", "pip", "install", *dist.glob("*.whl"), cwd=dist, env=clean_shell())
    return environment / "bin", dist


@pytest.fixture
def installed(built_and_installed: tuple[Path, Path], tmp_path: Path) -> Installed:
    folder = tmp_path / "folder"
    folder.mkdir()
    return Installed(*built_and_installed, folder)
