"""A large upload beside ``cp`` and ``sha256sum`` of the same file, and the worker's memory before and at its peak."""

from __future__ import annotations

import base64
import os
import socket
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.servers import REPOSITORY, WRITE_SECRET, Measured, pywharf_server
from pywharf_core.testing import make_wheel

ROUNDS = 3
BYTES = int(os.environ.get("BENCH_UPLOAD_BYTES", 1_000_000_000))
BOUNDARY = "a-boundary-that-no-wheel-holds"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "root")
        with pywharf_server(root) as server:
            server.wait_until_ready()
            server.publish(make_wheel(Path(folder), "small", "1.0"), "small", "1.0")
            before = server.memory()
            ratios = []
            for number in range(ROUNDS):
                version = f"1.{number}"
                wheel = make_wheel(Path(folder), "large", version, padding=BYTES)
                copied = _copy_and_sum(wheel, Path(folder, "copy"))
                written = _on_disk(Path(folder, "copy")) + copied
                began = time.perf_counter()
                _upload(server, wheel, version)
                uploaded = time.perf_counter() - began
                ratios.append((copied / uploaded, written / uploaded))
                size = wheel.stat().st_size / 1e6
                print(
                    f"  round {number + 1}: {size:.0f} MB: upload {uploaded:.2f} s ({size / uploaded:.0f} MB/s); "
                    f"cp + sha256sum {copied:.2f} s (ratio {copied / uploaded:.2f}), "
                    f"and with sync {written:.2f} s (ratio {written / uploaded:.2f})",
                    flush=True,
                )
                wheel.unlink()
            after = server.memory()
    for name, values in zip(("cp + sha256sum", "cp + sha256sum + sync"), zip(*ratios, strict=True), strict=True):
        print(f"throughput, upload / ({name}): median {statistics.median(values):.2f}")
    print(f"worker's memory: {before['now']:.1f} MiB before, peak {after['peak']:.1f} MiB")
    print(f"growth of its peak: {after['peak'] - before['peak']:.1f} MiB")


def _copy_and_sum(source: Path, target: Path) -> float:
    """Seconds."""
    began = time.perf_counter()
    subprocess.run(["cp", source, target], check=True)
    subprocess.run(["sha256sum", target], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def _on_disk(path: Path) -> float:
    """Seconds until the file is on stable storage, as an upload is when it is answered; removes it."""
    began = time.perf_counter()
    subprocess.run(["sync", path], check=True)
    seconds = time.perf_counter() - began
    path.unlink()
    return seconds


def _upload(server: Measured, wheel: Path, version: str) -> None:
    """As twine does, but from the file straight to the socket."""
    fields = {
        ":action": "file_upload",
        "name": "large",
        "version": version,
        "filetype": "bdist_wheel",
        "pyversion": "py3",
    }
    head = "".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in {**fields, "metadata_version": "2.1"}.items()
    )
    head += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="content"; filename="{wheel.name}"\r\n\r\n'
    tail = f"\r\n--{BOUNDARY}--\r\n"
    credentials = base64.b64encode(f"{REPOSITORY}:{WRITE_SECRET}".encode()).decode()
    length = len(head) + wheel.stat().st_size + len(tail)
    with socket.create_connection(("127.0.0.1", server.port)) as connection, wheel.open("rb") as content:
        connection.sendall(
            f"POST /simple/ HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Basic {credentials}\r\nConnection: close\r\n"
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {length}\r\n\r\n{head}".encode()
        )
        connection.sendfile(content)
        connection.sendall(tail.encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    if not answer.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(answer.decode("latin-1"))
