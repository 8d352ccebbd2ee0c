"""The image, built out of this checkout by podman, for all tests of it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from image.base_image import base_image, build_flags
from image.podman import Podman
from support.debian_programs import debian_program
from support.repository_copy import copy_repository


@pytest.fixture(scope="session")
def podman() -> Iterator[Podman]:
    program = debian_program("podman")
    debian_program("runc")
    if os.geteuid() != 0:
        pytest.skip("the image's tests need root, for mounts and for looking into the container from outside")
    engine = Podman(program, Path(tempfile.mkdtemp(prefix="pywharf-image-")))
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def base(podman: Podman) -> str:
    return base_image(podman)


@pytest.fixture(scope="session")
def image(podman: Podman, base: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Its name."""
    name = "localhost/pywharf:test"
    podman("build", *build_flags(base), "--tag", name, copy_repository(tmp_path_factory.mktemp("checkout")))
    return name
