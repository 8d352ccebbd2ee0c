"""An application full of whatever uploaders may have written."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conformance.hostile import CONFIG, publish_all
from server.conftest import app, holygrail
from server.in_process import Application, application

__all__ = ["app", "holygrail", "hostile"]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """``local`` holds every odd name, version and text; nothing in it may be changed."""
    folder = tmp_path_factory.mktemp("hostile")
    with application(folder / "root", CONFIG, None, trusted_proxies=("192.0.2.1",)) as app:
        publish_all(app.client, folder / "dist")
        yield app
