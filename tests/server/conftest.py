"""The application in this process, for the tests of its routes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pywharf_core.testing import make_sdist, make_wheel
from server.in_process import OTHER_WRITER, Application, application


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    """Two repositories, ``local`` and ``other``, both empty."""
    with application(tmp_path / "root") as asked:
        yield asked


@pytest.fixture
def holygrail(app: Application, tmp_path: Path) -> Path:
    """The wheel of ``holygrail`` 1.0, published in ``local`` beside an sdist; ``other`` has another one."""
    wheel = make_wheel(
        tmp_path / "dist", "HolyGrail", "1.0", requires_python=">=3.8", summary="A <b>grail</b>", padding=5000
    )
    sdist = make_sdist(tmp_path / "dist", "HolyGrail", "1.0")
    for file in (wheel, sdist):
        assert app.upload(file).status_code == 200
    assert app.upload(make_wheel(tmp_path / "dist", "holygrail", "9.0"), OTHER_WRITER).status_code == 200
    return wheel
