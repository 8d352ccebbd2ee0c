"""The remote index at 10,000 and 100,000 files: its size, the time that a fold and a synchronisation take, and memory."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import ParamSpec, TypeVar

from pywharf_core.filenames import normalise
from pywharf_core.index.content import MAIN, SHARDS, Content, split
from pywharf_core.index.document import decode_main, decode_shard, encode_main, encode_shard
from pywharf_core.index.local import LocalIndex
from pywharf_core.index.remote_reading import pull
from pywharf_core.index.remote_writing import push
from pywharf_core.model import DistributionFile
from pywharf_core.testing import IndexedMemoryStorage, MemoryStore

SIZES = tuple(map(int, os.environ.get("BENCH_REMOTE_INDEX_FILES", "6000,10000,100000").split(",")))
FILES_OF_A_PROJECT = 8
STORE = "the only one"

P = ParamSpec("P")
_T = TypeVar("_T")


def main() -> None:
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            for stage in _STAGES:  # each in a process of its own, for the sake of its peak memory
                subprocess.run([sys.executable, "-m", "benchmarks.remote_index", stage, str(size), folder], check=True)


def _make(size: int, folder: Path) -> None:
    print(f"{size} files in {size // FILES_OF_A_PROJECT} projects", flush=True)
    content = Content(files={file.storage_id: file for file in map(_file, range(size))})
    parts, seconds = _timed(_encoded, content)
    print(f"  encoded in {seconds:.2f} s: {len(parts)} parts, {sum(map(len, parts.values())) / 1e6:.1f} MB in all")
    _, seconds = _timed(_decode, parts)
    print(f"  decoded in {seconds:.2f} s; peak memory of both {_peak():.0f} MiB", flush=True)
    for name, part in parts.items():
        (folder / name).write_bytes(part)


def _read(size: int, folder: Path) -> None:
    storage = IndexedMemoryStorage(MemoryStore())
    storage.write_index({path.name: path.read_bytes() for path in folder.iterdir()}, replaces={}, message="")
    before = _peak()
    reader, writer = (LocalIndex(folder / f"{name}.sqlite3", folder / f"{name}.lock") for name in ("reader", "writer"))
    _, seconds = _timed(pull, reader, storage, STORE)
    database = sum(path.stat().st_size for path in folder.glob("reader.sqlite3*"))
    print(
        f"  first synchronisation {seconds:.2f} s; memory {before:.0f} MiB with the parts in it, then at most "
        f"{_peak():.0f} MiB; local index {database / 1e6:.0f} MB"
    )
    pull(writer, storage, STORE)
    idle = min(_timed(pull, reader, storage, STORE)[1] for _ in range(5))
    folds, reads = [], []
    for number in range(3):
        change = replace(_file(number * FILES_OF_A_PROJECT), counter=1, yanked="bad")
        folds.append(_timed(push, writer, storage, STORE, [change])[1])
        reads.append(_timed(pull, reader, storage, STORE)[1])
    print(
        f"  idle synchronisation {idle * 1000:.1f} ms; one change folded in {min(folds):.3f} s, and read by another "
        f"server in {min(reads):.3f} s",
        flush=True,
    )
    reader.close()
    writer.close()


def _file(number: int) -> DistributionFile:
    project = f"project-{number // FILES_OF_A_PROJECT:05d}"
    version = f"1.{number % FILES_OF_A_PROJECT}"
    classifiers = tuple(f"Programming Language :: Python :: 3.{minor}" for minor in range(8, 15))
    return DistributionFile(
        filename=f"{project.replace('-', '_')}-{version}-py3-none-any.whl",
        project=normalise(project),
        version=version,
        packagetype="bdist_wheel",
        size=100_000 + number,
        hashes={"sha256": f"{number:064x}", "md5": f"{number:032x}", "blake2b_256": f"{number:064x}"},
        upload_time=datetime(2026, 1, 1, tzinfo=UTC),
        requires_python=">=3.8",
        core_metadata={
            "metadata_version": "2.4",
            "name": project,
            "version": version,
            "summary": "One of many projects, with metadata as most have it.",
            "author": "King Arthur",
            "author_email": "arthur@example.org",
            "license_expression": "MIT",
            "keywords": "grail,quest,knights",
            "classifiers": ("Development Status :: 5 - Production/Stable", "Typing :: Typed", *classifiers),
            "requires_dist": tuple(f"dependency-{letter}>=1.{number % 7}" for letter in "abcdefgh"),
            "project_urls": tuple(
                f"{name}, https://example.org/{project}/{name}" for name in ("Home", "Docs", "Source")
            ),
            "description_content_type": "text/markdown",
        },
        core_metadata_sha256=f"{number:064x}",
        storage_id=f"{1_000_000 + number}:{2_000_000 + number}",
        fingerprint=f"{1_000_000 + number}-{number:040x}",
    )


def _encoded(content: Content) -> Mapping[str, bytes]:
    """As ``push`` makes an index of this size."""
    main = encode_main(content, mtime=0)
    if len(main) <= 10 * 1024 * 1024:
        return {MAIN: main}
    del main
    return {MAIN: encode_main(None, mtime=0), **{name: encode_shard(part) for name, part in split(content).items()}}


def _decode(parts: Mapping[str, bytes]) -> None:
    if len(parts) == 1:
        decode_main(parts[MAIN])
    else:
        for name in SHARDS:
            decode_shard(parts[name])


def _timed(call: Callable[P, _T], *args: P.args, **kwargs: P.kwargs) -> tuple[_T, float]:
    began = time.perf_counter()
    result = call(*args, **kwargs)
    return result, time.perf_counter() - began


def _peak() -> float:
    """MiB of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


_STAGES = {"make": _make, "read": _read}

if __name__ == "__main__":
    _STAGES[sys.argv[1]](int(sys.argv[2]), Path(sys.argv[3]))
