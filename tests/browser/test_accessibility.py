"""axe-core finds nothing on any page, however it is shown."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from browser.axe import audit
from browser.conftest import Visit
from browser.looks import LOOKS
from browser.shelf import Shelf
from browser.tour import STOPS, Stop

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop.name)
def test_axe_finds_nothing_on_the_page(stop: Stop, visit: Visit, shelf: Shelf, figure: Callable[[str], None]) -> None:
    page = visit(storage_state=shelf.session(stop.role) if stop.role else None).new_page()
    stop.open(page, shelf)
    found = {}
    for look in LOOKS:
        look.apply(page)
        found[look.name] = audit(page)
    told = ", ".join(f"{name} {audit.passed}" for name, audit in found.items())
    figure(f"axe-core on {stop.name}: rules passed: {told}")
    problems = {
        name: [*audit.violations, *audit.unclear]
        for name, audit in found.items()
        if [*audit.violations, *audit.unclear]
    }
    assert not problems
