"""Several processes on one store."""

from __future__ import annotations

import hashlib
import multiprocessing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from filesystem.racing_process import upload, yank_ten_times
from filesystem.stores import listed
from pywharf_core.testing import make_upload
from pywharf_filesystem.storage import FileSystemStorage

_PROCESSES = 4
_ROUNDS = 5


def _together(work: Callable[..., None], arguments: Sequence[tuple[object, ...]]) -> list[Any]:
    """The answers of one fresh process for each of ``arguments``, all started at once."""
    context = multiprocessing.get_context("spawn")
    start, answers = context.Barrier(len(arguments)), context.Queue()
    processes = [
        context.Process(target=work, args=(*mine, start, answers, number)) for number, mine in enumerate(arguments)
    ]
    for process in processes:
        process.start()
    answered = dict(answers.get(timeout=90) for _ in processes)
    for process in processes:
        process.join(90)
        assert process.exitcode == 0
    answers.close()
    answers.join_thread()
    return [answered[number] for number in range(len(processes))]


def test_of_racing_uploads_of_several_processes_exactly_one_wins_each_time(store: Path, work: Path, made: Path) -> None:
    uploads = [
        [make_upload(made / f"{process}", "raced", f"{turn}.0", summary=f"{process}") for turn in range(_ROUNDS)]
        for process in range(_PROCESSES)
    ]
    won = _together(upload, [(store, work, mine) for mine in uploads])
    assert [sum(turn) for turn in zip(*won, strict=True)] == [1] * _ROUNDS
    storage = FileSystemStorage(store, work)
    files = listed(storage)
    for turn in range(_ROUNDS):
        (winner,) = [process for process in range(_PROCESSES) if won[process][turn]]
        file = files[f"raced-{turn}.0-py3-none-any.whl"]
        assert file.sha256 == uploads[winner][turn][0].sha256
        assert file.core_metadata == uploads[winner][turn][0].core_metadata
        with storage.open_file(file) as stream:
            assert hashlib.sha256(stream.read()).hexdigest() == file.sha256


def test_no_update_of_several_processes_is_counted_twice(store: Path, work: Path, made: Path) -> None:
    storage = FileSystemStorage(store, work)
    added = storage.add_file(*make_upload(made))
    counters = _together(yank_ten_times, [(store, work, added)] * _PROCESSES)
    assert max(counters) == added.counter + 10 * _PROCESSES
    assert listed(storage)[added.filename].counter == max(counters)
