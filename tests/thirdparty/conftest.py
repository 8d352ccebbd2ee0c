"""Distributions of strangers: built, published and installed as strangers do it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.clean_shell import clean_shell, run
from support.repository_copy import copy_repository

#: What is in their folders is tested where they are installed.
collect_ignore_glob = ["pywharf-*"]

_DISTRIBUTIONS = (
    "packages/pywharf-core",
    "packages/pywharf-filesystem",
    "packages/pywharf",
    "tests/thirdparty/pywharf-example",
    "tests/thirdparty/pywharf-policy",
)


@dataclass(frozen=True)
class Installed:
    """A virtual environment with the server and the plugins of strangers.

    :ivar folder: an empty one to work in.
    """

    bin: Path
    folder: Path

    def pywharf(self, *arguments: str, status: int = 0, **environment: str) -> str:
        """What it prints, standard error included.

        :param status: its exit status, which is demanded.
        """
        done = subprocess.run(
            [self.bin / "pywharf", *arguments],
            cwd=self.folder,
            env=self.environment(**environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stdout
        return done.stdout

    def environment(self, **more: str) -> Mapping[str, str]:
        return clean_shell(**more)


@pytest.fixture(scope="session")
def strangers_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder ``bin`` of a virtual environment into which wheels were installed."""
    clone = copy_repository(tmp_path_factory.mktemp("clone"))
    dist = tmp_path_factory.mktemp("dist")
    for folder in _DISTRIBUTIONS:
        run(sys.executable, "-m", "build", "--wheel", "--outdir", dist, clone / folder, cwd=dist, env=clean_shell())
    environment = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    python = environment / "bin" / "python"
    run(python, "-m", "pip", "install", *dist.glob("*.whl"), cwd=dist, env=clean_shell())
    return environment / "bin"


@pytest.fixture
def installed(strangers_environment: Path, tmp_path: Path) -> Installed:
    folder = tmp_path / "folder"
    folder.mkdir()
    return Installed(strangers_environment, folder)
