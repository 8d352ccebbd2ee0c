"""An export that is killed at any moment, and another one; and one beside a server that takes uploads."""

from __future__ import annotations

import hashlib
import json
import random
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.two_servers import Uploads
from pywharf_core.config import load_configuration
from pywharf_core.plugins import load_plugins
from pywharf_core.root import Root
from pywharf_core.testing import make_wheel
from pywharf_core.wharf import Wharf
from support.clean_environment import clean_environment
from support.initialised import Initialised, initialise
from support.running_server import PYWHARF, running_server
from support.uploads import encode, form_headers, form_of

pytestmark = pytest.mark.slow

FILES = 60


@pytest.fixture
def secrets(tmp_path: Path) -> Initialised:
    return initialise(tmp_path / "root")


@pytest.fixture
def full(secrets: Initialised, tmp_path: Path) -> Initialised:
    """A few files of some size in a few projects."""
    texts = [(secrets.root / name).read_text() for name in ("config.toml", "admin_secret.toml")]
    uploads = Uploads(tmp_path / "uploads")
    with Wharf.open(load_configuration(texts[0], texts[1], load_plugins()), Root(secrets.root)) as wharf:
        repository = wharf.repositories["local"]
        repository.synchronise()
        for number in range(FILES):
            uploads.publish(repository, f"project-{number % 5}", f"{number}.0", content="x" * 200_000)
    return secrets


def command(secrets: Initialised, folder: Path, *flags: str) -> list[str]:
    return [PYWHARF, "export", "local", str(folder), "--root", str(secrets.root), "--json", *flags]


def run(secrets: Initialised, folder: Path, *flags: str) -> dict[str, Any]:
    done = subprocess.run(
        command(secrets, folder, *flags),
        env=clean_environment(folder.parent),
        capture_output=True,
        text=True,
        check=True,
    )
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def whole(folder: Path) -> int:
    """How many files there are; each has the hash that its project's document says, if there is one yet."""
    found = 0
    for project in folder.glob("project-*"):
        document = project / "index.json"
        said = {}
        if document.exists():
            files = json.loads(document.read_bytes())["files"]
            said = {file["filename"]: file["hashes"]["sha256"] for file in files}
            assert said.keys() <= {path.name for path in project.iterdir()}, "a document names what is there"
        for path in project.glob("*.whl"):
            found += 1
            sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
            assert said.get(path.name, sha256) == sha256
    return found


@pytest.mark.parametrize("flags", [[], ["--simple"]], ids=["files", "static index"])
def test_an_export_killed_at_any_moment_leaves_whole_files_and_another_goes_on(
    full: Initialised, tmp_path: Path, flags: list[str]
) -> None:
    started = time.monotonic()
    run(full, tmp_path / "undisturbed", *flags)
    lasts = time.monotonic() - started
    chance, counts = random.Random(20_261_122), []
    for number in range(8):
        folder = tmp_path / f"export-{number}"
        process = subprocess.Popen(
            command(full, folder, *flags), env=clean_environment(tmp_path), stdout=subprocess.DEVNULL
        )
        time.sleep(lasts * chance.uniform(0.3, 1.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
        counts.append(whole(folder) if folder.exists() else 0)
        report = run(full, folder, *flags)
        assert (report["there"], report["copied"]) == (counts[-1], FILES - counts[-1]), "nothing is fetched twice"
        assert not list(folder.rglob("*.part"))
        assert everything(folder) == everything(tmp_path / "undisturbed")
    assert len(set(counts)) > 1, f"they were killed at one moment only: {counts}"


def everything(folder: Path) -> dict[str, bytes]:
    """But for the salt of the hash that says whose a static index is."""
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {path: re.sub(rb'"scrypt[^"]+"', b"its hash", content) for path, content in found.items()}


def test_an_interrupted_export_ends_at_once_with_its_own_status(full: Initialised, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    process = subprocess.Popen(
        command(full, folder),
        env=clean_environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not list(folder.glob("*/*.whl")) and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode in (0, 130), err
    assert "Traceback" not in err
    assert json.loads((folder / "pywharf-export.json").read_bytes())["complete"] is (process.returncode == 0)
    assert run(full, folder)["problems"] == []


def test_export_and_verify_beside_a_server_that_takes_uploads(secrets: Initialised, tmp_path: Path) -> None:
    """No upload is a finding, and each export is whole."""
    published: list[str] = []
    stop = threading.Event()
    with running_server(secrets.root, "--extra_index_url", "", "--workers", "2") as server:

        def upload() -> None:
            while not stop.is_set():
                wheel = make_wheel(
                    tmp_path / "dist", f"project-{len(published) % 5}", f"1.{len(published)}", padding=50_000
                )
                body = encode(form_of(wheel))
                answer = server.ask("/simple/", secrets.writer, method="POST", body=body, headers=form_headers())
                assert answer.status == 200, answer.text
                published.append(wheel.name)

        with _in_background(upload, stop):
            for _ in range(4):
                verified = subprocess.run(
                    [PYWHARF, "verify", "local", "--repair", "--json", "--root", str(secrets.root)],
                    env=clean_environment(tmp_path),
                    capture_output=True,
                    text=True,
                    check=False,
                )
                assert (verified.returncode, json.loads(verified.stdout)["findings"]) == (0, []), verified.stderr
                before = len(published)
                assert run(secrets, tmp_path / "export")["problems"] == []
                assert before <= whole(tmp_path / "export") <= len(published) + 1
        run(secrets, tmp_path / "export")
    assert {path.name for path in (tmp_path / "export").glob("*/*.whl")} == set(published)


class _in_background:
    def __init__(self, work: Callable[[], None], stop: threading.Event) -> None:
        self._failed: list[BaseException] = []
        self._stop = stop
        self._thread = threading.Thread(target=self._run, args=(work,))

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            self._failed.append(error)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        assert self._failed == []
