"""axe-core finds nothing on any page, however it is shown; and docs/accessibility.md says which pages these are."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from browser.axe import VERSION, audit
from browser.conftest import At
from browser.looks import LOOKS
from browser.shelf import Shelf
from browser.tour import STOPS, Stop
from docs.code_blocks import DOCS
from support.found_page import compare_or_write, table

pytestmark = pytest.mark.slow

_VISITORS = {None: "anybody", "reader": "who may read", "writer": "who may write"}


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop.name)
def test_axe_finds_nothing_on_the_page(stop: Stop, at: At, shelf: Shelf, figure: Callable[[str], None]) -> None:
    page = at(stop, shelf)
    found = {}
    for look in LOOKS:
        look.apply(page)
        found[look.name] = audit(page)
    passed = ", ".join(f"{audit.passed} {name}" for name, audit in found.items())
    figure(f"axe-core {VERSION}, {stop.name}: rules passed: {passed}")
    assert {name: [*audit.violations, *audit.unclear] for name, audit in found.items()} == dict.fromkeys(found, [])


def test_the_page_of_the_docs_names_every_page_that_is_checked() -> None:
    rows = [(stop.name, f"`{stop.path}`", _VISITORS[stop.role]) for stop in STOPS]
    pages = table(("page", "address", "seen by"), rows)
    parts = {"pages": f"With axe-core {VERSION}:\n\n{pages}"}
    compare_or_write(DOCS / "accessibility.md", parts, session="browser")
