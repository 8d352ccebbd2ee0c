"""What the processes of ``test_many_processes`` run; a module of its own, so that a fresh process can import it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

from pywharf_core import DistributionFile, FileAlreadyExists, StagedFile
from pywharf_filesystem.storage import FileSystemStorage


def upload(
    store: Path,
    work: Path,
    uploads: Sequence[tuple[DistributionFile, StagedFile]],
    start: Barrier,
    answers: Queue[tuple[int, list[bool]]],
    number: int,
) -> None:
    """Answers, for each upload, whether it was published."""
    storage = FileSystemStorage(store, work)
    won = []
    for file, staged in uploads:
        start.wait(60)
        try:
            storage.add_file(file, staged)
            won.append(True)
        except FileAlreadyExists:
            won.append(False)
    answers.put((number, won))


def yank_ten_times(
    store: Path,
    work: Path,
    file: DistributionFile,
    start: Barrier,
    answers: Queue[tuple[int, int]],
    number: int,
) -> None:
    """Answers the last counter."""
    storage = FileSystemStorage(store, work)
    start.wait(60)
    counters = [storage.update_file(replace(file, yanked=f"{number} {turn}")).counter for turn in range(10)]
    answers.put((number, max(counters)))
