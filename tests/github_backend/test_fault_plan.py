"""The fault plan with a real server in front.

``docs/github-faults.md`` is what a run found; ``PYWHARF_WRITE_DOCS=1`` in the environment writes it anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from github_backend import faults_index, faults_publishing, faults_reading
from github_backend.fault_stage import Fault, Found, Stage, stage
from support.found_page import compare_or_write, table

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[2] / "docs" / "github-faults.md"

SECTIONS: Mapping[str, Mapping[str, Fault]] = {
    "publishing": faults_publishing.FAULTS,
    "reading": faults_reading.FAULTS,
    "index": faults_index.FAULTS,
}
ALL = [(section, name) for section, faults in SECTIONS.items() for name in faults]


class Findings:
    """Each fault is tried once."""

    def __init__(self, on: Stage) -> None:
        self._on = on
        self._found: dict[tuple[str, str], Found] = {}

    def of(self, section: str, name: str) -> Found:
        if (section, name) not in self._found:
            try:
                self._found[section, name] = SECTIONS[section][name](self._on)
            finally:
                self._on.calm()
        return self._found[section, name]


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Findings]:
    with stage(tmp_path_factory.mktemp("faults")) as on:
        yield Findings(on)


@pytest.mark.parametrize(("section", "name"), ALL)
def test_a_fault_heals_and_nothing_is_lost(findings: Findings, section: str, name: str) -> None:
    found = findings.of(section, name)
    assert "Traceback" not in found.saw
    assert not found.saw.startswith("500")


def test_the_page_tells_what_this_run_found(findings: Findings) -> None:
    heads = ("fault", "what the client saw", "left on GitHub", "how it healed")
    parts = {}
    for section, faults in SECTIONS.items():
        rows = [(name, findings.of(section, name)) for name in faults]
        parts[section] = table(heads, [(name, found.saw, found.left, found.healed) for name, found in rows])
    compare_or_write(PAGE, parts, session="github")
