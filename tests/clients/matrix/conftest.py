"""The findings of one run of the matrix; what the collected tests will ask for is begun at once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from clients.matrix.bench import bench
from clients.matrix.cells import Cell
from clients.matrix.environments import Environments
from clients.matrix.findings import Findings


@pytest.fixture(scope="session")
def findings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Findings]:
    environments = Environments(tmp_path_factory.mktemp("clients"))
    with bench(tmp_path_factory.mktemp("bench")) as shared, Findings(shared, environments) as found:
        if not hasattr(request.config, "workerinput"):  # each of many workers collects all tests and runs a few
            found.begin(_asked_for(request.session))
        yield found


def _asked_for(session: pytest.Session) -> Iterator[Cell]:
    for item in session.items:
        if isinstance(item, pytest.Function) and hasattr(item, "callspec"):
            cell = item.callspec.params.get("cell")
            if isinstance(cell, Cell):
                yield cell
