"""The pictures in the docs are of every page; whether they are up to date is seen by ``nox -s screenshots``."""

from __future__ import annotations

import pytest

from browser.looks import LOOKS
from browser.screenshots import OF_A_NEW_SERVER, PICTURED, filename
from docs.code_blocks import DOCS
from support.found_page import compare_or_write, table

pytestmark = pytest.mark.slow

_HEADS = {"light": "light", "dark": "dark mode", "phone": "phone"}
_STOPS = [*PICTURED, *OF_A_NEW_SERVER]


def test_every_page_has_its_pictures_and_no_picture_is_left_of_one_that_is_gone() -> None:
    there = {path.name for path in (DOCS / "screenshots").iterdir()}
    assert there == {filename(stop, look) for stop in _STOPS for look in LOOKS}


def test_the_page_of_the_docs_leads_to_all_pictures() -> None:
    rows = [
        (stop.name, *(f"[{_HEADS[look.name]}](screenshots/{filename(stop, look)})" for look in LOOKS))
        for stop in _STOPS
    ]
    heads = ("page", *(_HEADS[look.name] for look in LOOKS))
    compare_or_write(DOCS / "pages.md", {"pictures": table(heads, rows)}, session="browser")
