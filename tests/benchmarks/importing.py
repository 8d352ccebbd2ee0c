"""An import of 10,000 tiny files beside ``cp`` and ``sha256sum`` of them and beside uploads; gone on with after a kill;
copied; each with the peak memory of its process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.servers import CONFIG, pywharf_server
from pywharf_core.root import Root
from pywharf_core.testing import make_wheel

FILES = int(os.environ.get("BENCH_IMPORT_FILES", 10_000))
VERSIONS = 8
UPLOADS = 300  # enough to know how long one takes
PYWHARF = f"{sys.prefix}/bin/pywharf"


@dataclass(frozen=True)
class Ran:
    """:ivar peak: MiB of the process."""

    answer: Mapping[str, Any]
    seconds: float
    peak: float


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        few, many = folder / "few", folder / "many"
        _make(few, FILES // 10)
        _make(many, FILES)
        floor = _copy_and_sum(many, folder / "copy")
        print(f"{FILES} files: cp + sha256sum + sync {floor:.1f} s", flush=True)
        small = _command("import", "local", few, root=_root(folder / "small"))
        print(f"  import of {FILES // 10}: {small.seconds:.1f} s, peak {small.peak:.0f} MiB", flush=True)
        root = _root(folder / "root")
        first = _command("import", "local", many, root=root)
        assert first.answer["imported"] == FILES
        print(
            f"  import: {first.seconds:.1f} s ({FILES / first.seconds:.0f} files/s), ratio to the floor "
            f"{floor / first.seconds:.3f}, peak {first.peak:.0f} MiB",
            flush=True,
        )
        again = _command("import", "local", many, root=root)
        assert again.answer["already_there"] == FILES
        print(f"  again: {again.seconds:.1f} s, peak {again.peak:.0f} MiB", flush=True)
        _interrupted(many, _root(folder / "interrupted"))
        copied = _command("copy", "local", "other", root=root)
        assert copied.answer["copied"] == FILES
        print(
            f"  copy to another repository: {copied.seconds:.1f} s ({FILES / copied.seconds:.0f} files/s), "
            f"peak {copied.peak:.0f} MiB",
            flush=True,
        )
        each = _uploads(few, folder / "uploads")
        print(
            f"  an upload over HTTP {each * 1000:.1f} ms; an imported file {first.seconds / FILES * 1000:.1f} ms, "
            f"ratio {each / (first.seconds / FILES):.2f}"
        )


def _make(folder: Path, count: int) -> None:
    for number in range(count):
        make_wheel(folder, f"project-{number // VERSIONS:05d}", f"1.{number % VERSIONS}")


def _root(path: Path) -> Path:
    Root(path).make()
    (path / "config.toml").write_text(CONFIG + CONFIG.replace("[local]", "[other]"))
    return path


def _copy_and_sum(source: Path, target: Path) -> float:
    """Seconds."""
    began = time.perf_counter()
    subprocess.run(["cp", "-r", source, target], check=True)
    subprocess.run(f"sha256sum {target}/* > /dev/null", shell=True, check=True)
    subprocess.run(["sync", "-f", target], check=True)
    return time.perf_counter() - began


def _command(*words: object, root: Path) -> Ran:
    began = time.perf_counter()
    process = _start(words, root)
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(output)
    return Ran(json.loads(output), time.perf_counter() - began, usage.ru_maxrss / 1024)


def _start(words: Sequence[object], root: Path) -> subprocess.Popen[str]:
    command = [PYWHARF, *map(str, words), "--root", str(root), "--json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _interrupted(source: Path, root: Path) -> None:
    """Killed in the middle, and started again."""
    process = _start(("import", "local", source), root)
    store = root / "cache" / "local" / "storage"
    while not store.exists() or sum(1 for _ in store.glob("*/*.whl")) < FILES // 2:
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    rest = _command("import", "local", source, root=root)
    there, taken = rest.answer["already_there"], rest.answer["imported"]
    assert there + taken == FILES
    assert rest.answer["refused"] == []
    print(
        f"  killed in the middle, then again: {there} there already, {taken} imported in {rest.seconds:.1f} s, "
        f"peak {rest.peak:.0f} MiB",
        flush=True,
    )


def _uploads(source: Path, root: Path) -> float:
    """Seconds for one."""
    with pywharf_server(root) as server:
        server.wait_until_ready()
        paths = sorted(source.iterdir())[:UPLOADS]
        began = time.perf_counter()
        for path in paths:
            name, version, *_ = path.name.split("-")
            server.publish(path, name, version)
        return (time.perf_counter() - began) / len(paths)


if __name__ == "__main__":
    main()
