"""Where the processes of a ROOT leave what they counted, for each other to read.

Each process owns a slot: a lock that it holds as long as it lives, and a file that it replaces whole. A new process takes
the first slot that nobody holds, and goes on from the sums that are there: so sums survive those who counted them, and
there are never more files than there were processes at once. What was counted in the second before a kill is lost.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import IO, Any

import portalocker

from pywharf_core.root import Root

logger = logging.getLogger(__name__)

#: What was counted: a word, then what it was counted for.
Key = tuple[str, ...]
Sums = Mapping[Key, list[float]]

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class ProcessFigures:
    """A process as it was a moment ago.

    :ivar started_at: Unix seconds.
    :ivar in_flight: requests that it was answering.
    :ivar memory: resident, in bytes.
    """

    pid: int
    started_at: float
    in_flight: int
    memory: int


class Slot:
    """One process's. Blocks on the local disk."""

    def __init__(self, root: Root, number: int, lock: IO[bytes]) -> None:
        self._root = root
        self._lock = lock
        self._path = root.metrics / f"{number}.json"
        self._before, _ = _read(self._path)

    @classmethod
    def take(cls, root: Root) -> Slot:
        """
        :raises OSError: the disk does not take it.
        """
        root.metrics.mkdir(mode=0o700, exist_ok=True)
        for number in count():
            lock = _lock_path(root, number).open("ab")
            if _locked(lock, portalocker.LockFlags.EXCLUSIVE):
                return cls(root, number, lock)
            lock.close()
        raise AssertionError("there is always another number")

    def write(self, sums: Sums, figures: ProcessFigures) -> None:
        """
        :param sums: what this process counted since its start.
        :raises OSError: the disk does not take it; what is there stays.
        """
        together = {key: values[:] for key, values in self._before.items()}
        for key, values in sums.items():
            add(together, key, values)
        written = [[*key, values] for key, values in together.items()]
        document = {"format": _FORMAT, "figures": asdict(figures), "sums": written}
        part = self._path.with_suffix(".part")
        part.write_text(json.dumps(document), encoding="utf-8")
        part.replace(self._path)

    def read_all(self) -> tuple[Sums, list[ProcessFigures]]:
        """The sums of all slots, and the processes that hold one now."""
        together: dict[Key, list[float]] = {}
        living = []
        for path in sorted(self._root.metrics.glob("*.json")):
            sums, figures = _read(path)
            for key, values in sums.items():
                add(together, key, values)
            if figures is not None and (path == self._path or self._is_held(int(path.stem))):
                living.append(figures)
        return together, living

    def close(self) -> None:
        """The slot is free for another process."""
        self._lock.close()

    def _is_held(self, number: int) -> bool:
        with _lock_path(self._root, number).open("ab") as lock:
            return not _locked(lock, portalocker.LockFlags.SHARED)


def add(sums: dict[Key, list[float]], key: Key, values: list[float]) -> None:
    """Add ``values`` to what is there, one by one."""
    there = sums.get(key)
    sums[key] = values[:] if there is None else [one + other for one, other in zip(there, values, strict=True)]


def _read(path: Path) -> tuple[dict[Key, list[float]], ProcessFigures | None]:
    """What a process wrote; nothing, if it is of another version or damaged: then counting begins anew."""
    try:
        document: dict[str, Any] = json.loads(path.read_bytes())
        if document["format"] != _FORMAT:
            return {}, None
        sums = {tuple(map(str, key)): [float(value) for value in values] for *key, values in document["sums"]}
        return sums, ProcessFigures(**document["figures"])
    except FileNotFoundError:
        return {}, None
    except (OSError, ValueError, LookupError, TypeError) as error:
        logger.warning("what was counted for /metrics cannot be read", extra={"file": path.name, "error": str(error)})
        return {}, None


def _lock_path(root: Root, number: int) -> Path:
    return root.lock(f"metrics-{number}")


def _locked(lock: IO[bytes], how: portalocker.LockFlags) -> bool:
    try:
        portalocker.lock(lock, how | portalocker.LockFlags.NON_BLOCKING)
    except portalocker.LockException:
        return False
    return True
