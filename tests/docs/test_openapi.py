"""The OpenAPI document and the server are the same.

Beside the story below, every answer in the tests of the application in this process is held to the document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from httpx2 import Response
from openapi_spec_validator import validate

from pywharf_core.storage_answers import Change, ChangeKind
from pywharf_core.testing import make_sdist, make_wheel
from server.browser import NAVIGATION
from server.in_process import ADMINISTRATOR, OTHER_READER, READER, WRITER, Application, application
from server.indexed_store import new_store, send, served
from support.application_routes import application_routes
from support.listing import ACCEPT_JSON
from support.openapi import openapi
from support.uploads import basic

CONFIG = """
[local]
type = "file_system"
read_secret = "reads"
write_secret = "writes"
private = ["acme-*"]
namespaces = true

[other]
type = "file_system"
read_secret = "reads-other"
write_secret = "writes-other"
extra_index_url = ""
"""

HTML = {"Accept": "text/html"}

#: Successes that other tests make.
ELSEWHERE = {("getProvenance", 200): "tests/server/test_attestations.py"}


def test_the_document_is_a_right_one() -> None:
    validate(openapi().document)


def test_it_has_the_addresses_and_methods_of_the_application_and_no_others(tmp_path: Path) -> None:
    served: dict[str, set[str]] = {}
    for route in application_routes(tmp_path):
        served.setdefault(route.path.rstrip("/"), set()).update((route.methods or set()) - {"HEAD"})
    told: dict[str, set[str]] = {}
    for operation in openapi().operations:
        path = operation.path.removesuffix(".metadata").rstrip("/")
        told.setdefault(path, set()).add(operation.method)
    assert told == served


class Asked:
    """Holds each answer to the document, and remembers which operation gave which status.

    :ivar wrong: what was otherwise.
    """

    def __init__(self) -> None:
        self.seen: set[tuple[str, int]] = set()
        self.wrong: list[str] = []

    def hold(self, method: str, path: str, answer: Response, status: int) -> None:
        """:param status: to come."""
        if answer.status_code != status:
            self.wrong.append(f"{method} {path}: {answer.status_code} instead of {status}")
        headers = {name.lower(): value for name, value in answer.headers.items()}
        try:
            operation = openapi().check(method, path.partition("?")[0], answer.status_code, headers, answer.content)
        except AssertionError as error:
            self.wrong.append(str(error))
        else:
            self.seen.add((str(operation), answer.status_code))


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    with application(tmp_path / "root", CONFIG, client_address="127.0.0.1") as asked:
        files = make_wheel(tmp_path, "acme-tool", "1.0", summary="A tool"), make_sdist(tmp_path, "acme-tool", "1.0")
        for file in files:
            assert asked.upload(file).status_code == 200
        yield asked


PROJECT = "/simple/acme-tool/"
WHEEL = "acme_tool-1.0-py3-none-any.whl"

#: What is asked: method, path, credentials, headers, form, and the status to come.
STORY: list[tuple[str, str, tuple[str, str] | None, Mapping[str, str], Mapping[str, str] | None, int]] = [
    ("GET", "/simple/", READER, ACCEPT_JSON, None, 200),
    ("GET", "/simple/", READER, HTML, None, 200),
    ("HEAD", "/simple/", READER, ACCEPT_JSON, None, 200),
    ("GET", "/simple/?format=text/html", READER, {}, None, 200),
    ("GET", "/simple/", READER, {"Accept": "image/png"}, None, 406),
    ("GET", "/simple", READER, {}, None, 301),
    ("GET", "/simple/", None, ACCEPT_JSON, None, 401),
    ("GET", PROJECT, READER, ACCEPT_JSON, None, 200),
    ("GET", f"/r/local{PROJECT}", ("anybody", "reads"), HTML, None, 200),
    ("GET", "/simple/Acme.Tool/", READER, {}, None, 301),
    ("GET", "/simple/unknown/", READER, {}, None, 307),
    ("GET", "/simple/unknown/", OTHER_READER, {"Accept": "application/json, text/html; q=0.1"}, None, 404),
    ("GET", f"{PROJECT}{WHEEL}", READER, {}, None, 200),
    ("GET", f"{PROJECT}{WHEEL}", READER, {"Range": "bytes=0-9"}, None, 206),
    ("GET", f"{PROJECT}{WHEEL}", READER, {"Range": "bytes=99999999-"}, None, 416),
    ("GET", f"{PROJECT}no-1.0.tar.gz", READER, {}, None, 404),
    ("GET", f"{PROJECT}{WHEEL}.metadata", READER, {}, None, 200),
    ("GET", "/simple/+simple/acme-tool/", READER, ACCEPT_JSON, None, 200),
    ("GET", "/+simple/acme-tool/", READER, ACCEPT_JSON, None, 200),
    ("GET", "/legacy/+simple/acme-tool/", READER, ACCEPT_JSON, None, 200),
    ("GET", "/simple/namespaces", READER, {}, None, 200),
    ("GET", "/simple/namespaces", OTHER_READER, {}, None, 301),
    ("GET", "/simple/namespace/acme", READER, {}, None, 200),
    ("GET", "/simple/namespace/ACME", READER, {}, None, 301),
    ("GET", "/simple/namespace/nobody-s", READER, {}, None, 404),
    ("GET", f"/integrity/acme-tool/1.0/{WHEEL}/provenance", READER, {}, None, 404),
    ("GET", "/pypi/acme-tool/json", READER, {}, None, 200),
    ("GET", "/pypi/Acme_Tool/json", READER, {}, None, 301),
    ("GET", "/pypi/acme-tool/1.0/json", READER, {}, None, 200),
    ("GET", "/pypi/acme-tool/2.0/json", READER, {}, None, 404),
    ("GET", "/index_mtime/", READER, {}, None, 200),
    ("GET", "/healthz", None, {}, None, 200),
    ("GET", "/readyz", None, {}, None, 200),
    ("GET", "/metrics", None, {}, None, 200),
    ("GET", "/metrics", ADMINISTRATOR, {"Accept": "application/openmetrics-text"}, None, 200),
    ("GET", "/metrics", READER, {}, None, 401),
    ("GET", "/", None, {}, None, 307),
    ("GET", "/", None, NAVIGATION, None, 200),
    ("GET", "/r/local/", READER, NAVIGATION, None, 200),
    ("GET", "/project/acme-tool/", READER, NAVIGATION, None, 200),
    ("GET", "/project/acme-tool/", None, NAVIGATION, None, 303),
    ("GET", "/project/acme-tool/1.0/", READER, NAVIGATION, None, 200),
    ("GET", "/search/?q=tool", READER, NAVIGATION, None, 200),
    ("GET", "/upload/", READER, NAVIGATION, None, 200),
    ("GET", "/login/", None, NAVIGATION, None, 200),
    ("POST", "/login/", None, {}, {"repository": "local", "secret": "wrong"}, 401),
    ("POST", "/login/", None, {}, {"repository": "local", "secret": "reads"}, 303),
    ("POST", "/login/", None, {}, {"repository": "local", "secret": "reads", "next": PROJECT}, 200),
    ("GET", "/logout/", None, NAVIGATION, None, 200),
    ("POST", "/logout/", None, {}, {}, 303),
    ("GET", "/static/none/pywharf.css", None, {}, None, 200),
    ("GET", "/static/none/nothing.css", None, {}, None, 404),
    ("GET", "/manage/acme-tool/1.0/yank", WRITER, NAVIGATION, None, 200),
    ("GET", "/manage/acme-tool/1.0/delete", WRITER, NAVIGATION, None, 200),
    ("GET", "/manage/acme-tool/1.0/unyank", WRITER, NAVIGATION, None, 200),
    ("GET", "/manage/acme-tool/status", WRITER, NAVIGATION, None, 200),
    ("POST", "/manage/acme-tool/1.0/yank", READER, {}, {"reason": "Loses data"}, 403),
    ("POST", "/manage/acme-tool/1.0/yank", WRITER, {}, {"reason": "Loses data"}, 200),
    ("POST", "/manage/acme-tool/1.0/yank", WRITER, {}, {"nosuch": "x"}, 400),
    ("GET", PROJECT, READER, ACCEPT_JSON, None, 200),
    ("GET", "/pypi/acme-tool/json", READER, {}, None, 200),
    ("POST", "/manage/acme-tool/1.0/unyank", WRITER, {}, {}, 200),
    ("POST", "/manage/acme-tool/status", WRITER, {}, {"status": "deprecated", "reason": "See other"}, 200),
    ("POST", "/manage/acme-tool/status", WRITER, {}, {"status": "excellent"}, 400),
    ("POST", "/manage/acme-tool/1.0/delete", WRITER, {}, {"filename": "acme_tool-1.0.tar.gz"}, 200),
    ("POST", "/webhook/local/", None, {}, {}, 404),
    ("POST", "/initialize/", None, {}, {"config": "x"}, 401),
    ("POST", "/initialize/", ADMINISTRATOR, {"Accept": "application/json"}, {"config": "[local]"}, 400),
    ("POST", "/initialize/", ADMINISTRATOR, {}, {"config": CONFIG}, 200),
]


def test_answers_are_as_the_document_says_and_every_success_of_it_is_among_them(
    app: Application, tmp_path: Path
) -> None:
    asked = Asked()
    for method, path, credentials, headers, form, status in STORY:
        app.client.cookies.clear()
        answer = app.client.request(
            method, path, headers={**(basic(*credentials) if credentials else {}), **headers}, data=form
        )
        asked.hold(method, path, answer, status)
    with application(tmp_path / "uploads", CONFIG) as uploads:
        _upload_everywhere(uploads, asked, tmp_path)
    with new_store() as store, served(store, tmp_path / "notices", ['index_updates = "service"']) as notified:
        asked.hold("POST", "/webhook/local/", send(notified, Change(ChangeKind.UNKNOWN)), 202)
        asked.hold("POST", "/webhook/local/", send(notified), 204)
    assert not asked.wrong, "\n".join(asked.wrong)
    successes = {
        (str(operation), int(status))
        for operation in openapi().operations
        for status in operation.definition["responses"]
        if status < "300" and (operation.definition.get("operationId"), int(status)) not in ELSEWHERE
    }
    assert successes <= asked.seen, successes - asked.seen


def _upload_everywhere(app: Application, asked: Asked, folder: Path) -> None:
    for number, path in enumerate(("/simple/", "/", "/legacy/")):
        wheel = make_wheel(folder / str(number), "acme-other", f"{number}.0")
        other = make_wheel(folder / f"other-{number}", "acme-other", f"{number}.0", padding=10)
        asked.hold("POST", path, app.upload(wheel, to=path), 200)
        asked.hold("POST", path, app.upload(wheel, to=path), 200)
        asked.hold("POST", path, app.upload(other, to=path), 409)
        asked.hold("POST", path, app.upload(wheel, to=path, version="9"), 400)
        asked.hold("POST", path, app.upload(wheel, READER, to=path), 403)
