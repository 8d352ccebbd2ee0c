"""What the runs found, each run once and two at a time."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from types import TracebackType

import pytest

from clients.matrix.bench import Bench, Finding
from clients.matrix.cells import Cell
from clients.matrix.client import Client
from clients.matrix.environments import Environments, Tool


class Findings:
    """A context; at its end, runs that nobody waits for are given up."""

    def __init__(self, bench: Bench, environments: Environments) -> None:
        self.bench = bench
        self._environments = environments
        self._one_installs = Lock()
        self._pool = ThreadPoolExecutor(2)  # clients are mostly starts of Python
        self._runs: dict[Cell, Future[Finding]] = {}

    def __enter__(self) -> Findings:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def begin(self, cells: Iterable[Cell]) -> None:
        """Start their runs, in this order."""
        for cell in cells:
            if cell.runs_here and cell not in self._runs:
                self._runs[cell] = self._pool.submit(self._run, cell)

    def of(self, cell: Cell) -> Finding:
        """What its run found; skips the test that asks if there is no such client here."""
        if not cell.runs_here:
            pytest.skip(f"{cell.kind.key} does not run on this Python")
        self.begin([cell])
        return self._runs[cell].result()

    def tool(self, kind: type[Client]) -> Tool:
        with self._one_installs:
            return self._environments.of(kind.key)

    def _run(self, cell: Cell) -> Finding:
        return cell.run(self.bench, self.tool(cell.kind))
