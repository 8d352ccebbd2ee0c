"""What a plugin has against an upload, its uploader reads; what is wrong with the plugin, only the log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from pywharf_core import hookimpl, shared_secrets
from pywharf_core.plugins import Plugins
from pywharf_core.testing import make_wheel
from pywharf_filesystem import plugin as file_system
from server.in_process import application


def refusing(answer: Callable[[], object]) -> Plugins:
    return Plugins.of(file_system, shared_secrets, SimpleNamespace(pywharf_refuse_upload=hookimpl(answer)))


def fails() -> None:
    raise RuntimeError("the database of rules is not there")


def test_the_uploader_reads_a_plugin_s_sentence_and_keeps_the_right_to_write(tmp_path: Path) -> None:
    answers = [None, "Grails are not published here; publish a cup instead."]
    wheel = make_wheel(tmp_path, "holygrail", "1.0")
    with application(tmp_path / "root", plugins=refusing(lambda: answers.pop())) as app:
        refused = app.upload(wheel)
        assert refused.status_code == 400
        assert refused.text.splitlines()[0] == "Grails are not published here; publish a cup instead."
        assert app.listed("holygrail") == {}
        assert list(app.store().glob("holygrail/*.whl")) == []
        assert app.upload(wheel).status_code == 200


def test_a_plugin_that_fails_keeps_the_upload_out_and_is_named_in_the_log_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with application(tmp_path / "root", plugins=refusing(fails)) as app:
        answer = app.upload(make_wheel(tmp_path, "holygrail", "1.0"))
        assert answer.status_code == 500
        assert answer.text.splitlines()[0] == (
            "Nothing was published: a plugin of this server could not judge holygrail-1.0-py3-none-any.whl; the log "
            "names it."
        )
        assert app.listed("holygrail") == {}
    (line,) = [record for record in caplog.records if record.message == "the plugin SimpleNamespace failed"]
    assert vars(line)["plugin"] == "SimpleNamespace"
    assert line.exc_info is not None
    assert "the database of rules is not there" in str(line.exc_info[1])
