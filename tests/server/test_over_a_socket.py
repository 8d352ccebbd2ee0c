"""What only a real connection shows: bodies of HEAD, answers before the body's end, bodies that break off."""

from __future__ import annotations

import hashlib
import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from pywharf_core.testing import make_sdist, make_wheel
from support.access_log import access_log
from support.initialised import Initialised, initialise
from support.listing import ACCEPT_JSON, listed
from support.running_server import PATIENCE, RunningServer, running_server, wait_until
from support.uploads import basic, encode, form_headers, form_of

pytestmark = pytest.mark.slow

MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Initialised:
    made = initialise(tmp_path_factory.mktemp("socket") / "root")
    config = made.root / "config.toml"
    config.write_text(f"{config.read_text()}\nmax_file_bytes = {20 * MEBIBYTE}\n")
    return made


@pytest.fixture(scope="module")
def server(secrets: Initialised) -> Iterator[RunningServer]:
    with running_server(secrets.root, "--extra_index_url", "") as running:
        yield running


def _upload(server: RunningServer, secrets: Initialised, path: Path, **changed: str | None) -> int:
    body = encode(form_of(path, **changed))
    return server.ask("/simple/", method="POST", body=body, headers=form_headers(secrets.writer)).status


def _staged(secrets: Initialised) -> list[Path]:
    return list(secrets.root.rglob("*.upload"))


def test_head_equals_get_without_its_body_everywhere(
    server: RunningServer, secrets: Initialised, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, "headed", "1.0")
    assert _upload(server, secrets, wheel) == 200
    paths = ["/simple/", "/simple/headed/", f"/simple/headed/{wheel.name}", f"/simple/headed/{wheel.name}.metadata"]
    paths += ["/simple", "/simple/Headed/", "/simple/unknown/", "/nowhere", "/healthz", "/index_mtime/"]
    varying = {"date", "x-request-id"}
    for credentials in (secrets.reader, None):
        for path in paths:
            connection = server.connect()  # one for both: a body after HEAD would be read as the next answer
            head = server.ask(path, credentials, method="HEAD", connection=connection)
            get = server.ask(path, credentials, connection=connection)
            connection.close()
            assert (head.status, head.body) == (get.status, b"")
            assert {k: v for k, v in head.headers.items() if k not in varying} == {
                k: v for k, v in get.headers.items() if k not in varying
            }


@pytest.mark.parametrize("credentials", ["none", "wrong", "read"])
def test_an_upload_that_may_not_be_is_answered_though_nobody_reads_its_body(
    server: RunningServer, secrets: Initialised, tmp_path: Path, credentials: str
) -> None:
    wheel = make_wheel(tmp_path, "refused", "1.0", padding=15 * MEBIBYTE)
    given = {"none": None, "wrong": ("local", "wrong"), "read": secrets.reader}[credentials]
    answer = server.ask("/simple/", method="POST", body=encode(form_of(wheel)), headers=form_headers(given))
    assert answer.status == (403 if credentials == "read" else 401)
    assert answer.reason.startswith(answer.text[:20])  # twine shows nothing else
    assert _staged(secrets) == []
    assert server.ask("/simple/refused/", secrets.reader).status == 404


def test_a_file_that_is_too_large_is_refused_by_its_length_and_by_its_bytes(
    server: RunningServer, secrets: Initialised, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, "large", "1.0", padding=40 * MEBIBYTE)
    body = encode(form_of(wheel))
    by_length = server.ask("/simple/", method="POST", body=body, headers=form_headers(secrets.writer))
    assert by_length.status == 413

    connection = server.connect()
    pieces = (body[at : at + MEBIBYTE] for at in range(0, len(body), MEBIBYTE))
    connection.request("POST", "/simple/", pieces, dict(form_headers(secrets.writer)), encode_chunked=True)
    by_bytes = connection.getresponse()
    assert by_bytes.status == 413
    assert str(20 * MEBIBYTE) in by_bytes.read().decode()
    connection.close()
    wait_until(lambda: _staged(secrets) == [], "nothing is staged")
    assert server.ask("/simple/large/", secrets.reader).status == 404


@pytest.mark.parametrize("cut", ["in the fields", "in the file", "before the end"])
def test_an_upload_that_breaks_off_leaves_nothing(
    server: RunningServer, secrets: Initialised, tmp_path: Path, cut: str
) -> None:
    wheel = make_wheel(tmp_path, "broken", "1.0", padding=3 * MEBIBYTE)
    body = encode(form_of(wheel))
    sent = {"in the fields": 200, "in the file": len(body) // 2, "before the end": len(body) - 5}[cut]
    with socket.create_connection((server.host, server.port), timeout=PATIENCE) as connection:
        lines = ["POST /simple/ HTTP/1.1", "Host: test", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in form_headers(secrets.writer).items()]
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body[:sent])
        if cut != "in the fields":
            wait_until(lambda: len(_staged(secrets)) == 1, "staged")
    wait_until(lambda: _staged(secrets) == [], "nothing is staged")
    assert server.ask("/simple/broken/", secrets.reader).status == 404
    assert _upload(server, secrets, wheel) == 200  # the same one again, whole
    server.ask("/simple/broken/", secrets.reader)
    (secrets.root / "cache" / "local" / "storage" / "broken" / wheel.name).unlink()
    assert server.ask(f"/simple/broken/{wheel.name}", secrets.reader).status == 404


def test_a_large_file_comes_back_as_it_was_sent_in_one_piece_and_in_ranges(
    server: RunningServer, secrets: Initialised, tmp_path: Path
) -> None:
    sdist = make_sdist(tmp_path, "big", "1.0", padding=10 * MEBIBYTE)
    assert _upload(server, secrets, sdist) == 200
    whole = server.ask(f"/simple/big/{sdist.name}", secrets.reader)
    assert hashlib.sha256(whole.body).hexdigest() == hashlib.sha256(sdist.read_bytes()).hexdigest()
    page = server.ask("/simple/big/", secrets.reader, headers=ACCEPT_JSON)
    assert listed(page.body) == {sdist.name: hashlib.sha256(whole.body).hexdigest()}
    joined, connection = b"", server.connect()
    while len(joined) < len(whole.body):
        asked = {"Range": f"bytes={len(joined)}-{len(joined) + 3 * MEBIBYTE}", "If-Range": whole.headers["etag"]}
        part = server.ask(f"/simple/big/{sdist.name}", secrets.reader, headers=asked, connection=connection)
        assert part.status == 206
        joined += part.body
    connection.close()
    assert joined == whole.body


def test_a_reader_that_leaves_in_the_middle_of_a_file_disturbs_nobody(
    server: RunningServer, secrets: Initialised, tmp_path: Path
) -> None:
    sdist = make_sdist(tmp_path, "left", "1.0", padding=10 * MEBIBYTE)
    assert _upload(server, secrets, sdist) == 200
    for _ in range(20):
        connection = server.connect()
        connection.request("GET", f"/simple/left/{sdist.name}", headers=dict(_authorization(secrets)))
        connection.getresponse().read(1000)
        connection.close()
    assert server.ask(f"/simple/left/{sdist.name}", secrets.reader).status == 200
    errors = secrets.root / "log" / "error.jsonl"
    told = [json.loads(line) for line in errors.read_text().splitlines()] if errors.exists() else []
    assert [line for line in told if line["level"] in ("ERROR", "CRITICAL")] == []


def _authorization(secrets: Initialised) -> dict[str, str]:
    return {"Authorization": form_headers(secrets.reader)["Authorization"]}


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"GET /simple/ HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /simple/ HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused_and_the_server_goes_on(server: RunningServer, request_bytes: bytes) -> None:
    with socket.create_connection((server.host, server.port), timeout=PATIENCE) as connection:
        try:
            connection.sendall(request_bytes)
            with http.client.HTTPResponse(connection) as answer:
                answer.begin()
                assert 400 <= answer.status < 500
        except (ConnectionError, http.client.BadStatusLine):
            pass  # cut off, which is as good
    assert server.ask("/healthz").status == 200


def test_requests_follow_one_another_on_one_connection(server: RunningServer, secrets: Initialised) -> None:
    connection = server.connect()
    for path, status in (("/simple/", 200), ("/simple/none/", 404), ("/nowhere", 404), ("/simple/", 200)):
        assert server.ask(path, secrets.reader, connection=connection).status == status
    assert server.ask("/simple/", connection=connection).status == 401
    body = encode([("x", "y")])
    answer = server.ask(
        "/simple/", method="POST", body=body, headers=form_headers(secrets.writer), connection=connection
    )
    assert answer.status == 400
    connection.close()


def test_a_websocket_is_declined_without_a_word_in_the_error_log(server: RunningServer, secrets: Initialised) -> None:
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    assert server.ask("/simple/", headers=headers).status == 403
    assert "websocket" not in (secrets.root / "log" / "error.jsonl").read_text()


def test_a_download_that_is_broken_off_is_not_read_to_its_end(
    server: RunningServer, secrets: Initialised, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, "abandoned", "1.0", padding=19 * MEBIBYTE)
    assert _upload(server, secrets, wheel) == 200
    connection = server.connect()
    connection.request("GET", f"/simple/abandoned/{wheel.name}", headers=basic(*secrets.reader))
    answer = connection.getresponse()
    answer.read(10)
    connection.close()
    answer.close()
    found: list[dict[str, object]] = []

    def is_logged() -> bool:
        found[:] = [line for line in access_log(secrets.root) if line["path"] == f"/simple/abandoned/{wheel.name}"]
        return bool(found)

    wait_until(is_logged, "logged")
    assert found[0]["status"] == 499
    assert int(str(found[0]["bytes"])) < 19 * MEBIBYTE
