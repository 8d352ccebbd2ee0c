"""Imports beside a running server, and from one."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from pywharf_core.testing import make_sdist, make_wheel
from support.clean_environment import clean_environment
from support.initialised import initialise
from support.listing import ACCEPT_JSON, listed
from support.running_server import PYWHARF, RunningServer, running_server
from support.uploads import encode, form_headers, form_of

pytestmark = pytest.mark.slow


def run(*arguments: object, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PYWHARF, *map(str, arguments)],
        env={**clean_environment(home), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def page(server: RunningServer, project: str, credentials: tuple[str, str]) -> Mapping[str, str]:
    answer = server.ask(f"/simple/{project}/", credentials, headers=ACCEPT_JSON)
    return listed(answer.body) if answer.status == 200 else {}


def test_readers_of_a_running_server_see_an_import_at_once(tmp_path: Path) -> None:
    secrets = initialise(tmp_path / "root")
    with running_server(secrets.root, "--workers", "2", "--extra_index_url", "") as server:
        assert page(server, "holygrail", secrets.reader) == {}
        wheel = make_wheel(tmp_path / "packages", "holygrail", "1.0")
        done = run("import", "local", wheel.parent, "--root", secrets.root, home=tmp_path)
        assert done.returncode == 0, done.stderr
        for _ in range(6):  # whichever worker answers
            assert list(page(server, "holygrail", secrets.reader)) == [wheel.name]
        answer = server.ask(f"/simple/holygrail/{wheel.name}", secrets.reader)
        assert answer.body == wheel.read_bytes()


def test_an_import_from_a_running_pywharf_needs_no_more_than_its_read_secret(tmp_path: Path) -> None:
    old = initialise(tmp_path / "old")
    wheel, sdist = (make(tmp_path / "made", "holygrail", "1.0") for make in (make_wheel, make_sdist))
    with running_server(old.root, "--extra_index_url", "") as server:
        for path in (wheel, sdist):
            answer = server.ask(
                "/simple/",
                old.writer,
                method="POST",
                body=encode(form_of(path)),
                headers=form_headers(),
            )
            assert answer.status == 200, answer.text
        answer = server.ask("/manage/holygrail/1.0/yank", old.writer, method="POST", body=b"")
        assert answer.status < 400, answer.text
        new = initialise(tmp_path / "new")
        arguments = ["import", "local", f"{server.url}/simple/", "--project", "*", "--root", new.root, "--json"]
        refused = run(*arguments, home=tmp_path)
        assert refused.returncode == 1
        assert "wants a name and a secret (status 401)" in refused.stderr
        flags = ["--username", "local", "--secret_env", "OLD"]
        done = run(*arguments, *flags, home=tmp_path, OLD=old.read)
        assert done.returncode == 0, done.stderr
        assert old.read not in done.stdout + done.stderr
        assert json.loads(done.stdout)["imported"] == 2
        assert json.loads(run(*arguments, *flags, home=tmp_path, OLD=old.read).stdout)["already_there"] == 2
        before = server.ask("/simple/holygrail/", old.reader, headers=ACCEPT_JSON)
    with running_server(new.root, "--extra_index_url", "") as server:
        after = server.ask("/simple/holygrail/", new.reader, headers=ACCEPT_JSON)
        assert json.loads(after.body)["files"] == json.loads(before.body)["files"], "upload times and yanks too"
    assert not os.listdir(new.root / "cache" / "local" / "storage" / ".pywharf" / "staging")
