"""Requests of strangers that are made to keep the server busy, or to fill its memory, or to make it fail."""

from __future__ import annotations

import encodings
import time
from collections.abc import Iterator
from contextlib import contextmanager

import anyio
import pytest
from httpx2 import Response
from starlette.types import Message

from pywharf.small_form import read_small_form
from pywharf_core.errors import InvalidRequest
from server.browser import NAVIGATION
from server.in_process import READER, Application

FORM = b'--b\r\nContent-Disposition: form-data; name="repository"\r\n\r\n%s\r\n--b--\r\n'
NAME_IN_PUNYCODE = b"a" * 30_000 + b"-" + b"a" * 30_000
PATIENCE = 1.0  # seconds of processor time; what these tests are about took many


@contextmanager
def soon() -> Iterator[None]:
    before = time.process_time()
    yield
    assert time.process_time() - before < PATIENCE


def log_in(app: Application, body: bytes, content_type: str) -> Response:
    return app.client.post("/login/", content=body, headers={"Content-Type": content_type})


# --- forms ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("charset", ["punycode", "idna", "undefined", "utf-7", "zip", "utf-16", "nonsense", '"\\"'])
def test_a_form_is_in_utf_8_and_no_codec_is_looked_for(app: Application, charset: str) -> None:
    known = len(encodings._cache)  # it grows by each name that is asked for
    with soon():
        answer = log_in(app, FORM % NAME_IN_PUNYCODE, f"multipart/form-data; boundary=b; charset={charset}")
    assert answer.status_code == 400
    assert "send it in UTF-8." in answer.text
    assert len(encodings._cache) == known


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf8"'])
def test_a_form_may_say_that_it_is_in_utf_8(app: Application, charset: str) -> None:
    content_type = f"multipart/form-data; boundary=b; charset={charset}"
    answer = log_in(app, FORM % "grüße".encode(), content_type)
    assert (answer.status_code, "grüße" in answer.text) == (400, True), "the form once more: it has no secret"


@pytest.mark.parametrize("body", [b"&" * 1_000_000, b"repository=" + b"%41" * 300_000])
def test_the_form_of_a_login_is_small(app: Application, body: bytes) -> None:
    with soon():
        answer = log_in(app, body, "application/x-www-form-urlencoded")
    assert answer.status_code == 400
    assert answer.text.startswith("The form is too large; at most 65536 bytes are taken.")


@pytest.mark.parametrize("parameters", ["; a=b" * 12_000, ";" * 60_000])
def test_a_content_type_of_60_000_characters_is_not_taken_apart(app: Application, parameters: str) -> None:
    answer = log_in(app, FORM % b"local", f"multipart/form-data; boundary=b{parameters}")
    assert (answer.status_code, answer.text.partition(" has ")[0]) == (400, "The Content-Type")


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "x/y"]
)
@pytest.mark.parametrize("drips", [False, True])
def test_a_form_that_never_ends_is_not_waited_for(content_type: str, drips: bool) -> None:
    async def receive() -> Message:
        await anyio.sleep(0.01 if drips else 60)
        return {"type": "http.request", "body": b"", "more_body": True}

    async def main() -> None:
        scope = {"type": "http", "method": "POST", "headers": [(b"content-type", content_type.encode())]}
        with anyio.fail_after(20):
            await read_small_form(scope, receive, (), within=0.2)

    with pytest.raises(InvalidRequest, match=r"did not come whole within 0\.2 seconds"):
        anyio.run(main)


# --- headers and queries -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("holygrail")
@pytest.mark.parametrize("path", ["/simple/", "/simple/holygrail/", "/project/holygrail/", "/", "/nowhere", "/login/"])
def test_of_an_endless_accept_only_the_beginning_is_read(app: Application, path: str) -> None:
    for accept in (f"text/html,{'a/b;q=0.5,' * 6000}", f"{'a/b,' * 15_000}text/html"):
        began = time.process_time()
        for _ in range(20):
            app.get(path, READER, headers={**NAVIGATION, "Accept": accept})
        assert time.process_time() - began < PATIENCE
    wanted = app.get("/simple/", READER, headers={"Accept": f"text/html,{'a/b;q=0.5,' * 6000}"})
    assert (wanted.status_code, wanted.headers["content-type"]) == (200, "text/html; charset=utf-8")


@pytest.mark.usefixtures("holygrail")
@pytest.mark.parametrize("path", ["/login/", "/simple/", "/simple/holygrail/", "/search/", "/r/local/"])
def test_a_query_of_12_000_fields_is_none(app: Application, path: str) -> None:
    began = time.process_time()
    for _ in range(10):
        assert app.get(f"{path}?{'&a=b' * 12_000}", READER, headers=NAVIGATION).status_code == 200
    assert time.process_time() - began < PATIENCE
