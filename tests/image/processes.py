"""What the kernel says of a process, as this machine sees it from outside of the container."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def status_of(process: int) -> Mapping[str, str]:
    """The fields of ``/proc/<process>/status``."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def peak_memory(process: int) -> float:
    """MiB that were resident at most, shared libraries included."""
    return int(status_of(process)["VmHWM"].split()[0]) / 1024


def own_memory(process: int) -> float:
    """MiB that nobody else uses."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024
