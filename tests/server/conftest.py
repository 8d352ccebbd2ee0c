"""The application in this process, for the tests of its routes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import pywharf.questions
import pywharf_core.guesses
from pywharf_core.guesses import Guesses
from pywharf_core.testing import make_sdist, make_wheel
from server.in_process import OTHER_WRITER, Application, application


@pytest.fixture
def no_new_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has guessed too often is allowed nothing anew, however slow the machine; to be asked for before ``app``."""
    never = 1e-9  # per second
    defaults = Guesses.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "per_second", never)
    monkeypatch.setattr(pywharf_core.guesses, "_TOGETHER_PER_SECOND", never)
    monkeypatch.setattr(pywharf.questions, "_GUESSES_PER_SECOND", never)


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
