"""The page on HTTP and the application have the same routes."""

from __future__ import annotations

import re
from typing import cast

from starlette.routing import Route

from docs.code_blocks import DOCS
from pywharf.app import _routes
from pywharf.http_errors import STATUS
from pywharf.routes.initialize import Initialize
from pywharf.routes.metrics import Metrics
from pywharf.sessions import Sessions

PAGE = (DOCS / "http.md").read_text(encoding="utf-8")


def served() -> set[str]:
    """Paths of the application, as the page writes them; of two that differ by a slash at the end the one with it."""
    routes = _routes(cast(Initialize, object()), cast(Metrics, object()), cast(Sessions, object()))  # no request is made
    paths = {cast(Route, route).path.replace("{", "<").replace("}", ">") for route in routes}
    return {path for path in paths if f"{path}/" not in paths}


def told() -> set[str]:
    return set(re.findall(r"[A-Z` ](/[\w<>./+-]*)`", PAGE))


def test_every_route_of_the_application_is_told() -> None:
    assert "<upload URL>/+simple/<project>/" in PAGE
    assert {path for path in served() if "/+simple/" not in path} <= told()


def test_every_status_of_an_error_is_told() -> None:
    errors = PAGE.partition("\n## Errors\n")[2].partition("\n## ")[0]
    assert {str(status) for status in STATUS.values()} <= set(re.findall(r"^\| (\d+) \|", errors, re.MULTILINE))
