"""How much of the disk a cache may take: no more than it was given, and never what others need."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

PART = ".part"  # how the names of files end that are not whole yet

_LOOK_AFTER = 20  # all files are looked at when the twentieth part of what is kept came new
_DEAD_AFTER = 3600.0  # seconds without a new byte, after which a part is what a process left that died
_RESERVE_PARTS = 4  # of a small disk a quarter is left


class CacheRoom:
    """The files of one folder, of which the longest unused give way.

    :param max_bytes: about what the files may take.
    :param reserve: bytes of the disk that are left free for others; of a small disk a quarter is enough.
    :param disk: total, used and free bytes of the disk on which a folder is.
    """

    def __init__(
        self,
        folder: Path,
        *,
        max_bytes: int,
        reserve: int,
        disk: Callable[[Path], tuple[int, int, int]] = shutil.disk_usage,
    ) -> None:
        self.max_bytes = max_bytes
        self._folder = folder
        self._reserve = reserve
        self._disk = disk
        self._lock = threading.Lock()
        self._unlooked = max_bytes  # bytes that came since all of it was looked at: at first nobody knows what is there

    def make(self, coming: int, promised: int = 0) -> bool:
        """Make room for a file of ``coming`` bytes; whether there is.

        :param promised: bytes that are to come of files for which room was made before.
        :raises OSError: the disk is not there.
        """
        if coming > self.max_bytes:
            return False
        with self._lock:
            self._unlooked += coming
            if self._lacking(coming + promised) > 0 or self._unlooked * _LOOK_AFTER >= self.max_bytes:
                self._unlooked = 0
                self._give_way(coming, coming + promised)
        return self._lacking(coming + promised) <= 0

    def leave_reserve(self) -> None:
        """Give way to others, if the disk got full otherwise."""
        with suppress(OSError):
            if self._lacking(0) > 0:
                with self._lock:
                    self._give_way(0, 0)

    def _lacking(self, coming: int) -> int:
        """Bytes by which less than the reserve is left when ``coming`` more came."""
        total, _, free = self._disk(self._folder)
        return min(self._reserve, total // _RESERVE_PARTS) + coming - free

    def _give_way(self, coming: int, to_disk: int) -> None:
        files = sorted(self._files())
        surplus = max(sum(size for _, size, _ in files) + coming - self.max_bytes, self._lacking(to_disk))
        for _, size, path in files:
            if surplus <= 0:
                return
            with suppress(OSError):
                path.unlink()
                surplus -= size

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """When each was used last, its bytes, and where it is; without what comes in at this time."""
        now = time.time()
        for path in self._folder.glob("??/*"):
            with suppress(OSError):
                stat = path.stat()
                if not path.name.endswith(PART):
                    yield stat.st_atime, stat.st_size, path
                elif now - stat.st_mtime > _DEAD_AFTER:
                    yield 0.0, stat.st_size, path
