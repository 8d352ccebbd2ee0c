"""The routes of the application, without a request."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from starlette.routing import Route

from pywharf.app import create_app
from pywharf.settings import ServerSettings


def application_routes(root: Path) -> Sequence[Route]:
    """:param root: of the application, which is made and not started."""
    front: Any = create_app(ServerSettings(root=str(root)))  # around the router
    return cast("Sequence[Route]", front._application.routes)
