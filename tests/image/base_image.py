"""The image on which ours is built here: Debian's smallest system with Python, made without any registry of images."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from image.podman import Podman
from support.debian_programs import debian_program

#: Names an image that the engine can get by itself, such as python:3.13-slim; then nothing is made here.
VARIABLE = "PYWHARF_BASE_IMAGE"

_SUITE = "trixie"  # Python 3.13
_PACKAGES = "python3,python3-venv,python-is-python3,ca-certificates"
_LEFT_OUT = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*")
_FRESH = 7 * 24 * 3600  # seconds for which a made one is used again


def base_image(podman: Podman) -> str:
    """The name under which podman has it, or gets it."""
    if named := os.environ.get(VARIABLE):
        return named
    name = f"localhost/base:{_SUITE}"
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    podman("import", "--quiet", "--change", f"ENV PATH={path}", _bootstrapped(), name)
    return name


def _bootstrapped() -> Path:
    mmdebstrap = debian_program("mmdebstrap")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pywharf-tests"
    cache.mkdir(parents=True, exist_ok=True)
    archive = cache / f"base-{_SUITE}.tar"
    if archive.exists() and time.time() - archive.stat().st_mtime < _FRESH:
        return archive
    part = archive.with_suffix(f".{os.getpid()}.part")
    left_out = [f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT]
    flags = ["--quiet", "--format=tar", "--variant=minbase", f"--include={_PACKAGES}", *left_out]
    try:
        subprocess.run([mmdebstrap, *flags, _SUITE, part], stdin=subprocess.DEVNULL, check=True)
        part.replace(archive)
    finally:
        part.unlink(missing_ok=True)
    return archive
