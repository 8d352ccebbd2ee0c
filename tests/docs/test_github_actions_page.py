"""The workflows on the page are right, and do what they say."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from docs.code_blocks import titled_blocks
from github_backend.job import run_steps
from github_fake import FakeGitHub
from pywharf_core.testing import make_wheel
from support.served import free_port

BLOCKS = titled_blocks("github-actions.md")


@pytest.mark.parametrize("name", [name for name in BLOCKS if name.endswith(".yml")])
def test_a_workflow_satisfies_actionlint(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(BLOCKS[name], encoding="utf-8")
    lint = subprocess.run(
        [Path(sys.executable).with_name("actionlint"), path], capture_output=True, text=True, check=False
    )
    assert lint.returncode == 0, lint.stdout


@pytest.mark.slow
def test_the_job_publishes_and_installs(tmp_path: Path) -> None:
    make_wheel(tmp_path / "dist", "acme-tool", "1.0")
    with FakeGitHub.running() as fake:
        repository = fake.add_repo("acme", "packages")
        token = fake.token("job", kind="fine_grained", rights={"acme/packages": "write"})
        workflow = BLOCKS["release.yml"].replace("8888", str(free_port()))
        runner = {"RUNNER_TEMP": str(tmp_path), "GITHUB_API_URL": fake.api_url, "HOME": str(tmp_path)}
        try:
            printed = run_steps(
                workflow,
                "publish",
                folder=tmp_path,
                expressions={"secrets.PACKAGES_TOKEN": token.value},
                env=runner,
                without=("Install tools", "Build"),
            )
        finally:
            with suppress(OSError):
                os.kill(int((tmp_path / "pywharf.pid").read_text()), signal.SIGKILL)
        assert "Successfully installed acme-tool-1.0" in printed
        assert token.value not in (tmp_path / "pywharf.log").read_text()
        index = repository.file("index.toml")
        assert index is not None
        assert b"acme_tool-1.0-py3-none-any.whl" in index
