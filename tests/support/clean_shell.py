"""What a fresh terminal has on this machine: no virtual environment, but the way to the machine's package index."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_INHERITED = re.compile(r"HOME|TMPDIR|LANG|LC_.*|PIP_.*|UV_.*|SSL_CERT_.*|(http|https|no)_proxy", re.IGNORECASE)
_LONGEST = 900  # seconds


def clean_shell(**more: str) -> dict[str, str]:
    """Environment variables; ``python3`` is the one beneath the interpreter that runs the tests."""
    inherited = {name: value for name, value in os.environ.items() if _INHERITED.fullmatch(name)}
    quiet = {"PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    no_keyring = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}  # it may wait for a desktop
    return {**inherited, **quiet, **no_keyring, "PATH": f"{sys.base_prefix}/bin:/usr/local/bin:/usr/bin:/bin", **more}


def run(*command: str | Path, cwd: Path, env: Mapping[str, str]) -> str:
    """What the command printed; it must succeed."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_LONGEST,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}"
    return done.stdout
