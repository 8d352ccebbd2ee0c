"""What was imported beside a running server is what pip and uv install."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from clients.conftest import Index
from pywharf_core.testing import make_wheel
from support.clean_environment import clean_environment
from support.clients import Clients
from support.running_server import PYWHARF

pytestmark = pytest.mark.slow


def test_pip_and_uv_install_an_imported_package_with_what_it_needs(
    index: Index, clients: Clients, tmp_path: Path
) -> None:
    make_wheel(tmp_path / "packages", "imported-thing", "2.0", requires_dist=("imported-part>=1",))
    make_wheel(tmp_path / "packages" / "parts", "imported-part", "1.0")
    done = subprocess.run(
        [PYWHARF, "import", "local", "packages", "--root", str(index.server.root)],
        cwd=tmp_path,
        env=clean_environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for number, tool in enumerate(("pip", "uv")):
        environment = clients.fresh_environment()
        install = environment.pip_install if tool == "pip" else environment.uv_install
        ran = install("--index-url", index.read_url, "imported-thing")
        assert ran.status == 0, (number, ran.output)
        assert environment.version_of("imported_thing") == "2.0"
        assert environment.version_of("imported_part") == "1.0"
