"""A store of 100,000 small files: from the start of the process to a complete ``/simple/``, and the worker's memory."""

from __future__ import annotations

import base64
import os
import shutil
import tempfile
import time
import urllib.request
from pathlib import Path

from benchmarks.servers import READ_SECRET, REPOSITORY, pywharf_server
from pywharf_core.root import Root
from pywharf_core.testing import make_upload
from pywharf_filesystem import sidecar

PROJECTS = int(os.environ.get("BENCH_START_PROJECTS", 12_500))
VERSIONS = 8


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Root(Path(folder, "root"))
        store = root.work(REPOSITORY) / "storage"
        began = time.perf_counter()
        _fill(store)
        print(f"{PROJECTS * VERSIONS} files in {PROJECTS} projects, made in {time.perf_counter() - began:.1f} s")
        with pywharf_server(root.path) as server:  # adopts the store
            server.wait_until_ready()
        _start(root, "cold (index deleted)", cold=True)
        _start(root, "warm (index there)", cold=False)
        _start(root, "cold (index deleted)", cold=True)
        _start(root, "warm (index there)", cold=False)


def _start(root: Root, name: str, *, cold: bool) -> None:
    if cold:
        shutil.rmtree(root.path / "index")
    began = time.perf_counter()
    with pywharf_server(root.path) as server:
        listening = time.perf_counter() - began
        server.wait_until_ready()
        size = _listing(server.url)
        ready = time.perf_counter() - began
        at_ready = server.memory()
        time.sleep(10)  # the warm server's own synchronisation runs meanwhile
        later = server.memory()
    print(
        f"  {name}: listening after {listening:.2f} s, /simple/ ({size / 1e6:.1f} MB) whole after {ready:.2f} s; "
        f"worker {at_ready['now']:.0f} MiB then, {later['now']:.0f} MiB 10 s later, peak {later['peak']:.0f} MiB",
        flush=True,
    )


def _listing(url: str) -> int:
    credentials = base64.b64encode(f"{REPOSITORY}:{READ_SECRET}".encode()).decode()
    request = urllib.request.Request(f"{url}/simple/", headers={"Authorization": f"Basic {credentials}"})
    with urllib.request.urlopen(request) as answer:
        body = answer.read()
    assert body.count(b"<a ") == PROJECTS, body[:1000]
    return len(body)


def _fill(store: Path) -> None:
    """Real wheels with their sidecars, written without the waits for the disk that publishing has."""
    for number in range(PROJECTS):
        project = f"project-{number:05d}"
        place = store / project
        place.mkdir(parents=True)
        for minor in range(VERSIONS):
            file, staged = make_upload(place, project, f"1.{minor}", requires_python=">=3.8", summary="One of many.")
            wheel = staged.path.rename(place / file.filename)
            stat = wheel.stat()
            content = sidecar.write(file, size=stat.st_size, mtime_ns=stat.st_mtime_ns, attachments={})
            wheel.with_name(f"{wheel.name}.meta").write_bytes(content)
