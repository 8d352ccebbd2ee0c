"""An environment for each client, with the versions that ``clients.toml`` says."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pywharf_core.testing import make_wheel
from support.clean_shell import clean_shell, run

_PINS: Mapping[str, Sequence[str]] = tomllib.loads(Path(__file__).with_name("clients.toml").read_text("utf-8"))

# Secrets in a file, by service and username; as plain as tests need it, and none of a keyring's protection.
_KEYRING = b"""
import json, os

from keyring.backend import KeyringBackend
from keyring.credentials import SimpleCredential


class Keyring(KeyringBackend):
    name = "file of the tests"
    priority = 1

    def get_password(self, service, username):
        return _read().get(service, {}).get(username)

    def get_credential(self, service, username):
        known = _read().get(service, {})
        found = next(iter(known), None) if username is None else username
        return SimpleCredential(found, known[found]) if found in known else None

    def set_password(self, service, username, password):
        content = _read()
        content.setdefault(service, {})[username] = password
        with open(os.environ["KEYRING_FILE"], "w") as stream:
            json.dump(content, stream)


def _read():
    try:
        with open(os.environ["KEYRING_FILE"]) as stream:
            return json.load(stream)
    except FileNotFoundError:
        return {}
"""


@dataclass(frozen=True)
class Tool:
    """An installed client.

    :ivar name: with its version, as the page writes it.
    """

    name: str
    bin: Path

    def program(self, name: str) -> Path:
        return self.bin / name


class Environments:
    """:param folder: for the environments, each made when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._keyring = make_wheel(folder, "keyring-in-a-file", "1.0", extra_files={"keyring_in_a_file.py": _KEYRING})

    def of(self, key: str) -> Tool:
        """:param key: as in ``clients.toml``."""
        environment = self._folder / key
        first, *others = _PINS[key]
        if not environment.exists():
            uv = [sys.executable, "-m", "uv", "--quiet"]
            subprocess.run([*uv, "venv", "--python", sys.executable, environment], check=True)
            install = [*uv, "pip", "install", "--python", str(environment / "bin" / "python")]
            run(*install, first, *others, self._keyring, cwd=self._folder, env=clean_shell())
        distribution, _, version = first.partition(" == ")
        return Tool(f"{distribution.partition('[')[0]} {version}", environment / "bin")
