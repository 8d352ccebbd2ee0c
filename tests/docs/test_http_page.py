"""The page on HTTP and the application have the same routes."""

from __future__ import annotations

import re
from pathlib import Path

from docs.code_blocks import DOCS
from pywharf.http_errors import STATUS
from support.application_routes import application_routes

PAGE = (DOCS / "http.md").read_text(encoding="utf-8")


def served(root: Path) -> set[str]:
    """Paths of the application, as the page writes them; of two that differ by a slash at the end the one with it."""
    paths = {route.path.replace("{", "<").replace("}", ">") for route in application_routes(root)}
    return {path for path in paths if f"{path}/" not in paths}


def told() -> set[str]:
    return set(re.findall(r"[A-Z` ](/[\w<>./+-]*)`", PAGE))


def test_every_route_of_the_application_is_told(tmp_path: Path) -> None:
    assert "<upload URL>/+simple/<project>/" in PAGE
    assert {path for path in served(tmp_path) if "/+simple/" not in path} <= told()


def test_every_status_of_an_error_is_told() -> None:
    errors = PAGE.partition("\n## Errors\n")[2].partition("\n## ")[0]
    assert {str(status) for status in STATUS.values()} <= set(re.findall(r"^\| (\d+) \|", errors, re.MULTILINE))
