"""``pywharf init``, and the secrets that it wrote."""

from __future__ import annotations

import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

from support.clean_environment import clean_environment
from support.running_server import PYWHARF


@dataclass(frozen=True)
class Initialised:
    """The one repository of a fresh ROOT, which is named ``local``."""

    root: Path
    read: str
    write: str
    admin: str

    @property
    def reader(self) -> tuple[str, str]:
        return "local", self.read

    @property
    def writer(self) -> tuple[str, str]:
        return "local", self.write

    @property
    def administrator(self) -> tuple[str, str]:
        return "local", self.admin


def initialise(root: Path) -> Initialised:
    environment = clean_environment(root.parent)
    subprocess.run([PYWHARF, "init", str(root)], env=environment, check=True, stdout=subprocess.DEVNULL)
    return read_secrets(root)


def read_secrets(root: Path) -> Initialised:
    """What ``pywharf init`` wrote into a ROOT."""
    config = tomllib.loads((root / "config.toml").read_text())["local"]
    admin = tomllib.loads((root / "admin_secret.toml").read_text())["local"]["raw"]
    return Initialised(root, config["read_secret"], config["write_secret"], admin)
