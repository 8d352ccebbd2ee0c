"""``docs/clients.md`` is what this run found; ``PYWHARF_WRITE_DOCS=1`` in the environment writes it anew."""

from __future__ import annotations

import os

import pytest

from clients.matrix.cells import Side, cells
from clients.matrix.findings import Findings
from clients.matrix.page import PAGE, filled

pytestmark = pytest.mark.slow


def test_the_page_tells_what_this_run_found(findings: Findings) -> None:
    findings.begin([*cells(Side.PUBLISH), *cells(Side.INSTALL)])
    old = PAGE.read_text("utf-8")
    new = filled(old, findings)
    if os.environ.get("PYWHARF_WRITE_DOCS") == "1":
        PAGE.write_text(new, "utf-8")
    else:
        assert new == old, "docs/clients.md is stale; `nox -s clients` writes it anew"


def test_no_client_brought_our_secrets_to_the_index_behind_ours(findings: Findings) -> None:
    for cell in cells(Side.INSTALL):
        findings.of(cell)
    assert findings.bench.extra.asked
    assert not findings.bench.extra.credentials
