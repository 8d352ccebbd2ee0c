"""The image on which ours is built here: Debian's smallest system with Python, made without any registry of images.

Like the public image of Python it has no bytecode, so that size and start are those of an image that is built on that one.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import portalocker

from image.podman import Podman
from support.debian_programs import debian_program

#: Names an image that the engine can get by itself, such as python:3.13-slim; then nothing is made here.
VARIABLE = "PYWHARF_BASE_IMAGE"

#: Certificates of this machine: a build asks PyPI, and a proxy may stand between. Mounted over a file that the base has
#: too, so nothing of it stays in the image.
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")

_SUITE = "trixie"  # Python 3.13
_PACKAGES = "python3,python3-venv,python-is-python3,ca-certificates"
_LEFT_OUT = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*")
_NO_BYTECODE = 'find "$1/usr" -name "*.pyc" -delete'
_FRESH = 7 * 24 * 3600  # seconds for which a made one is used again


def base_image(podman: Podman) -> str:
    """The name under which podman has it, or gets it."""
    if named := os.environ.get(VARIABLE):
        return named
    name = f"localhost/base:{_SUITE}"
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    podman("import", "--quiet", "--change", f"ENV PATH={path}", _bootstrapped(), name)
    return name


def build_flags(base: str) -> Sequence[str]:
    """What a build needs on this machine, beside what a user would say."""
    certificates = [f"--volume={_CERTIFICATES}:{_CERTIFICATES}:ro"] if _CERTIFICATES.is_file() else []
    # The OCI format has no health check; the other two do without rights and services that are missing here.
    return ["--format=docker", "--isolation=chroot", "--network=host", *certificates, f"--build-arg=BASE_IMAGE={base}"]


def _bootstrapped() -> Path:
    mmdebstrap = debian_program("mmdebstrap")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pywharf-tests"
    cache.mkdir(parents=True, exist_ok=True)
    archive = cache / f"{_SUITE}-without-bytecode.tar"
    with archive.with_suffix(".lock").open("w") as turn:
        portalocker.lock(turn, portalocker.LockFlags.EXCLUSIVE)  # other workers of the same run wait, and find it
        if not archive.exists() or time.time() - archive.stat().st_mtime > _FRESH:
            part = archive.with_suffix(".part")
            left_out = [f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT]
            flags = ["--quiet", "--format=tar", "--variant=minbase", f"--include={_PACKAGES}", *left_out]
            flags.append(f"--customize-hook={_NO_BYTECODE}")
            subprocess.run([mmdebstrap, *flags, _SUITE, part], stdin=subprocess.DEVNULL, check=True)
            part.replace(archive)
    return archive
