"""Our sentence in HTTP/1.1's reason phrase, where Hypercorn lets us."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypercorn.protocol.h11 import H11Protocol

from pywharf import reason_phrase
from pywharf.reason_phrase import LONGEST, phrase
from pywharf_core.testing.distributions import make_wheel
from server.running_toy import read_response, running_toy

SENTENCE = "no such secret: give the repository's name and its secret"


@pytest.mark.parametrize(
    ("sentence", "sent"),
    [
        ("File already exists.", b"File already exists."),
        ("one\r\nSet-Cookie: evil\ttwo\0", b"one Set-Cookie: evil two"),
        ("Zoë – 日本", "Zoë ? ??".encode("latin-1")),
        ("x" * 300, b"x" * (LONGEST - 3) + b"..."),
    ],
)
def test_a_phrase_is_one_short_line_of_latin_1(sentence: str, sent: bytes) -> None:
    assert phrase(sentence) == sent


def test_an_unknown_hypercorn_is_left_alone(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.delattr(H11Protocol, "_sends_reason", raising=False)

    async def otherwise(self: H11Protocol, event: object, more: object) -> None: ...

    monkeypatch.setattr(H11Protocol, "_send_h11_event", otherwise)
    assert not reason_phrase.install()
    assert vars(H11Protocol)["_send_h11_event"] is otherwise
    assert len(caplog.records) == 1


@pytest.mark.slow
def test_the_sentence_is_the_reason_phrase(tmp_path: Path) -> None:
    with running_toy(tmp_path) as toy, toy.connect() as connection:
        connection.sendall(b"POST /early HTTP/1.1\r\nHost: toy\r\nContent-Length: 0\r\n\r\n")
        assert read_response(connection)[:2] == (401, SENTENCE)
        connection.sendall(b"GET / HTTP/1.1\r\nHost: toy\r\n\r\n")
        assert read_response(connection)[:2] == (200, "")


@pytest.mark.slow
def test_twine_shows_the_sentence_without_verbose(tmp_path: Path) -> None:
    pytest.importorskip("twine")
    wheel = make_wheel(tmp_path, "holygrail", "1.0")
    with running_toy(tmp_path / "root") as toy:
        twine = [sys.executable, "-m", "twine", "upload", "--non-interactive", "--disable-progress-bar"]
        where = ["--repository-url", f"{toy.url}/early", "-u", "local", "-p", "wrong", str(wheel)]
        done = subprocess.run([*twine, *where], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert SENTENCE in " ".join((done.stdout + done.stderr).split())
