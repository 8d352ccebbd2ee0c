"""How far long work is, on a terminal and elsewhere."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from pywharf_core.cli.progress import progress

_SHOWN = """
from pywharf_core.cli.progress import progress
with progress(4, "Importing") as shown:
    shown.advance()
    shown.say("waiting 3 s: too fast")
    shown.say("")
    shown.line("a sentence that stays")
    shown.advance(3)
"""


def test_elsewhere_it_is_plain_lines_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(400, "Importing") as shown:
        for _ in range(400):
            shown.advance()
        shown.say("waiting 3 s: too fast")
        shown.say("")
        shown.line("a sentence that stays")
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "waiting 3 s: too fast\na sentence that stays\nImporting: 400 of 400 files\n"


def test_lines_come_now_and_then(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("pywharf_core.cli.progress.time.monotonic", lambda: now)
    with progress(None, "Reading", unit="projects") as shown:
        for _ in range(25):
            now += 1
            shown.advance()
    assert capsys.readouterr().err == "Reading: 10 projects\nReading: 20 projects\nReading: 25 projects\n"


def test_with_json_nothing_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(4, "Importing", quiet=True) as shown:
        shown.advance(4)
        shown.say("waiting")
        shown.line("a sentence")
    assert capsys.readouterr() == ("", "")


def test_on_a_terminal_it_is_a_bar_that_says_what_is_waited_for() -> None:
    terminal, its_end = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", _SHOWN], stderr=its_end, stdout=subprocess.DEVNULL)
    os.close(its_end)
    shown = b""
    try:
        while piece := os.read(terminal, 4096):
            shown += piece
    except OSError:  # how a terminal ends on Linux
        pass
    finally:
        os.close(terminal)
    assert process.wait(30) == 0
    text = shown.decode()
    assert "1/4  waiting 3 s: too fast" in text
    assert "a sentence that stays\r\n" in text
    assert "Importing  [####################################]  4/4" in text
