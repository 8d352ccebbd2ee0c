"""Every client, by every address and with credentials from everywhere; and what its user reads when it does not work."""

from __future__ import annotations

import pytest

from clients.matrix import installing, publishing
from clients.matrix.cells import Cell, Side, cells
from clients.matrix.client import Publisher
from clients.matrix.findings import Findings

pytestmark = pytest.mark.slow

_PUBLISHING, _INSTALLING = cells(Side.PUBLISH), cells(Side.INSTALL)


@pytest.mark.parametrize("cell", [cell for cell in _PUBLISHING if cell.scenario not in publishing.REFUSALS], ids=str)
def test_a_client_publishes(cell: Cell, findings: Findings) -> None:
    _as_known(cell, findings)


@pytest.mark.parametrize("cell", [cell for cell in _INSTALLING if cell.scenario not in installing.REFUSALS], ids=str)
def test_a_client_installs(cell: Cell, findings: Findings) -> None:
    _as_known(cell, findings)


@pytest.mark.parametrize("cell", [cell for cell in _PUBLISHING if cell.scenario in publishing.REFUSALS], ids=str)
def test_a_refused_upload_publishes_nothing_and_tells_why(cell: Cell, findings: Findings) -> None:
    _as_known(cell, findings)
    if cell.cannot is None:
        assert issubclass(cell.kind, Publisher)
        refusal = publishing.REFUSALS[cell.scenario]
        said = " ".join(findings.of(cell).said.split())  # some clients wrap lines
        assert str(refusal.status) in said
        assert (refusal.sentence in said) is cell.kind.tells_our_sentence


@pytest.mark.parametrize("cell", [cell for cell in _INSTALLING if cell.scenario in installing.REFUSALS], ids=str)
def test_an_install_that_must_not_be_installs_nothing(cell: Cell, findings: Findings) -> None:
    _as_known(cell, findings)


def _as_known(cell: Cell, findings: Findings) -> None:
    finding = findings.of(cell)
    assert finding.works is (cell.cannot is None), finding.more
