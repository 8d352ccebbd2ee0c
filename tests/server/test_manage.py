"""``POST /manage/…``, small forms, and pages of other sites that would have a visitor's browser send them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from httpx2 import Response

from pywharf_core import Storage, StorageType, hookimpl, shared_secrets
from pywharf_core.plugins import Plugins
from pywharf_core.testing import MemoryOptions, MemoryStorage, MemoryStore, make_sdist, make_wheel
from server.in_process import CONFIG, OTHER_WRITER, READER, WRITER, Application, application
from support.listing import ACCEPT_JSON
from support.uploads import FilePart, basic, encode, form_headers

WHEEL = "holygrail-1.0-py3-none-any.whl"
SDIST = "holygrail-1.0.tar.gz"
ACTIONS = ("/manage/holygrail/1.0/yank", "/manage/holygrail/1.0/unyank", "/manage/holygrail/1.0/delete",
           "/manage/holygrail/status")  # fmt: skip
Fields = Mapping[str, str]


def post(
    app: Application, path: str, fields: Fields | None = None, credentials: tuple[str, str] | None = WRITER
) -> Response:
    return app.client.post(path, data=fields, headers=basic(*credentials) if credentials else {})


def page(app: Application, project: str = "holygrail") -> dict[str, Any]:
    document: dict[str, Any] = json.loads(app.get(f"/simple/{project}/", headers=ACCEPT_JSON).text)
    return document


def marks(app: Application) -> dict[str, bool | str]:
    return {file["filename"]: file.get("yanked", False) for file in page(app)["files"]}


def text_of(answer: Response) -> str:
    """The sentence, without the line that tells the request's id."""
    return answer.text.splitlines()[0]


# --- rights --------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("holygrail")
@pytest.mark.parametrize("path", ACTIONS)
def test_only_who_may_write_changes_anything(app: Application, path: str) -> None:
    fields = {"status": "archived"} if path.endswith("status") else None
    before = page(app)
    answer = post(app, path, fields, None)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic ")
    for credentials, status in ((("local", "wrong"), 401), (("nowhere", "writes"), 401), (READER, 403)):
        assert post(app, path, fields, credentials).status_code == status
    assert post(app, path, fields, OTHER_WRITER).status_code == (404 if "1.0" in path else 200), (
        "another repository's writer changes that one"
    )
    assert page(app) == before
    for selected, status in (("local", 200), ("other", 401)):
        answer = post(app, f"/r/{selected}{path}", fields, ("__token__", "writes"))
        assert answer.status_code == status


@pytest.mark.usefixtures("holygrail")
@pytest.mark.parametrize("path", ACTIONS)
def test_looking_changes_nothing(app: Application, path: str) -> None:
    answer = app.get(path, WRITER)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert marks(app) == {WHEEL: False, SDIST: False}


# --- yank and unyank -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("holygrail")
def test_a_release_is_yanked_with_a_reason_or_without_and_unyanked(app: Application) -> None:
    answer = post(app, "/manage/HolyGrail/1.0/yank", {"reason": "Loses <data> & more – “all”"})
    assert answer.status_code == 200
    assert sorted(answer.json()["files"]) == [WHEEL, SDIST]
    assert answer.headers["cache-control"] == "no-store"
    assert marks(app) == dict.fromkeys((WHEEL, SDIST), "Loses <data> & more – “all”")
    html = app.get("/simple/holygrail/").text
    assert html.count('data-yanked="Loses &lt;data&gt; &amp; more') == 2
    assert app.get(f"/simple/holygrail/{WHEEL}").status_code == 200, "it can be had all the same"
    assert post(app, "/manage/holygrail/1/yank").json()["files"], "another reason, none"
    assert marks(app) == dict.fromkeys((WHEEL, SDIST), True)
    assert post(app, "/manage/holygrail/1.0/yank").json() == {"files": []}
    assert len(post(app, "/manage/holygrail/1.0.0/unyank").json()["files"]) == 2
    assert marks(app) == dict.fromkeys((WHEEL, SDIST), False)


# --- delete --------------------------------------------------------------------------------------------------


def test_one_file_of_a_release_is_deleted(app: Application, holygrail: Path) -> None:
    answer = post(app, "/manage/holygrail/1.0/delete", {"filename": WHEEL})
    assert (answer.status_code, answer.json()) == (200, {"files": [WHEEL]})
    assert list(app.listed("holygrail")) == [SDIST]
    assert app.get(f"/simple/holygrail/{WHEEL}").status_code == 404
    assert app.get(f"/simple/holygrail/{WHEEL}.metadata").status_code == 404
    other = make_wheel(holygrail.parent / "other", "HolyGrail", "1.0", summary="another one")
    answer = app.upload(other)
    assert answer.status_code == 409
    assert "already exists" in answer.text
    assert app.upload(holygrail).text.startswith(f"{WHEEL} was published")
    assert marks(app) == {WHEEL: False, SDIST: False}


@pytest.mark.usefixtures("holygrail")
def test_a_deleted_release_leaves_the_name_ours(app: Application) -> None:
    assert len(post(app, "/manage/holygrail/1.0/delete").json()["files"]) == 2
    assert app.get("/simple/holygrail/").status_code == 404
    assert app.projects() == []
    assert post(app, "/manage/holygrail/1.0/delete").status_code == 404
    assert app.get("/simple/publicthing/").status_code == 307, "of other names the extra index is asked as before"


@pytest.mark.usefixtures("holygrail")
@pytest.mark.parametrize("filename", ["holygrail-2.0.tar.gz", "", "../config.toml", "swallow-1.0.tar.gz"])
def test_a_file_that_is_not_of_the_release_deletes_nothing(app: Application, tmp_path: Path, filename: str) -> None:
    assert app.upload(make_sdist(tmp_path, "holygrail", "2.0")).status_code == 200
    assert app.upload(make_sdist(tmp_path, "swallow", "1.0")).status_code == 200
    assert post(app, "/manage/holygrail/1.0/delete", {"filename": filename}).status_code == 404
    assert set(app.listed("holygrail")) == {WHEEL, SDIST, "holygrail-2.0.tar.gz"}
    assert set(app.listed("swallow")) == {"swallow-1.0.tar.gz"}


# --- status --------------------------------------------------------------------------------------------------


def test_an_archived_project_refuses_uploads_and_still_offers_its_files(app: Application, holygrail: Path) -> None:
    answer = post(app, "/manage/holygrail/status", {"status": "archived", "reason": "See grail"})
    assert answer.json() == {"project": "holygrail", "status": "archived", "reason": "See grail"}
    assert page(app)["project-status"] == {"status": "archived", "reason": "See grail"}
    html = app.get("/simple/holygrail/").text
    assert '<meta name="pypi:project-status" content="archived">' in html
    answer = app.upload(make_sdist(holygrail.parent, "holygrail", "2.0"))
    assert answer.status_code == 403
    assert text_of(answer) == "The project holygrail is archived and takes no uploads."
    assert app.get(f"/simple/holygrail/{WHEEL}").status_code == 200
    assert app.projects() == ["holygrail"]
    assert post(app, "/manage/holygrail/status", {"status": "active"}).status_code == 200
    assert app.upload(make_sdist(holygrail.parent, "holygrail", "2.0")).status_code == 200, "the right was not lost"


def test_a_quarantined_project_has_a_page_without_files(app: Application, holygrail: Path) -> None:
    assert post(app, "/manage/holygrail/status", {"status": "quarantined"}).status_code == 200
    shown = page(app)
    assert (shown["project-status"], shown["files"], shown["versions"]) == ({"status": "quarantined"}, [], [])
    assert ".whl" not in app.get("/simple/holygrail/").text
    assert app.projects() == []
    for path in (WHEEL, SDIST, f"{WHEEL}.metadata"):
        assert app.get(f"/simple/holygrail/{path}").status_code == 404
    assert app.upload(make_sdist(holygrail.parent, "holygrail", "2.0")).status_code == 403
    assert post(app, "/manage/holygrail/1.0/yank").status_code == 200, "what is wrong with it can be mended"
    assert post(app, "/manage/holygrail/status", {"status": "active"}).status_code == 200
    assert marks(app) == dict.fromkeys((WHEEL, SDIST), True)


def test_a_deprecated_project_works_as_before(app: Application, holygrail: Path) -> None:
    assert post(app, "/manage/holygrail/status", {"status": "deprecated"}).json()["reason"] is None
    assert app.upload(make_sdist(holygrail.parent, "holygrail", "2.0")).status_code == 200
    assert app.projects() == ["holygrail"]
    assert page(app)["project-status"] == {"status": "deprecated"}


# --- what is not there, and what cannot be done --------------------------------------------------------------


@pytest.mark.usefixtures("holygrail")
@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/manage/holygrail/3.0/yank", "There is no release holygrail 3.0 in this repository."),
        ("/manage/holygrail/3.0/unyank", "There is no release holygrail 3.0 in this repository."),
        ("/manage/nothing/1.0/delete", "There is no release nothing 1.0 in this repository."),
        ("/manage/holygrail/one/yank", "'one' is no version as in PEP 440, so holygrail has no such release."),
        ("/manage/holygrail/%3Cb%3E/delete", "'<b>' is no version as in PEP 440, so holygrail has no such release."),
        ("/manage/-/1.0/delete", "'-' is not a valid project name"),
        ("/manage/nothing/status", "There is no project nothing in this repository."),
    ],
)
def test_what_is_not_there_is_404_with_a_sentence(app: Application, path: str, sentence: str) -> None:
    answer = post(app, path, {"status": "archived"} if path.endswith("status") else None)
    assert answer.status_code == 404
    assert text_of(answer).startswith(sentence)
    assert marks(app) == {WHEEL: False, SDIST: False}


class ReadAndAddStorage(MemoryStorage):
    can_update: ClassVar[bool] = False
    can_delete: ClassVar[bool] = False
    update_file = Storage.update_file
    update_project = Storage.update_project
    delete_file = Storage.delete_file


class ReadAndAddType(StorageType):
    name: ClassVar[str] = "read_and_add"
    options: ClassVar[type] = MemoryOptions
    auth: ClassVar[str] = "secrets"

    def open(self, repository: str, options: MemoryOptions, work: Path) -> Storage:
        return ReadAndAddStorage(MemoryStore())


class ReadAndAddPlugin:
    @staticmethod
    @hookimpl
    def pywharf_storage_types() -> Sequence[type[Any]]:
        return [ReadAndAddType]


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Application]:
    """``local`` has ``holygrail`` 1.0, on a storage that can neither change nor delete."""
    config = CONFIG.partition("[other]")[0].replace("file_system", "read_and_add")
    plugins = Plugins.of(ReadAndAddPlugin(), shared_secrets)
    with application(tmp_path / "limited", config, None, plugins=plugins) as app:
        assert app.upload(make_wheel(tmp_path, "holygrail", "1.0")).status_code == 200
        yield app


def test_what_the_storage_cannot_do_is_501_with_its_sentence(limited: Application) -> None:
    for path, fields, sentence in (
        (ACTIONS[0], None, "This storage cannot change what it published."),
        (ACTIONS[2], None, "This storage cannot delete files."),
        (ACTIONS[3], {"status": "archived"}, "This storage cannot keep a project's status."),
    ):
        answer = post(limited, path, fields)
        assert (answer.status_code, text_of(answer)) == (501, sentence)
    assert marks(limited) == {WHEEL: False}
    assert page(limited)["project-status"] == {"status": "active"}


@pytest.mark.usefixtures("holygrail")
def test_a_store_that_is_away_is_503_and_nothing_changes(app: Application) -> None:
    away = app.store().rename(app.store().with_name("away"))
    for path in ACTIONS:
        answer = post(app, path, {"status": "archived"} if path.endswith("status") else None)
        assert answer.status_code == 503, answer.text
        assert 1 <= int(answer.headers["retry-after"]) <= 5
    away.rename(app.store())
    assert marks(app) == {WHEEL: False, SDIST: False}
    assert page(app)["project-status"] == {"status": "active"}


# --- small forms ---------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("holygrail")
@pytest.mark.parametrize(
    ("path", "content", "content_type", "sentence"),
    [
        (ACTIONS[0], b"reasons=x", "urlencoded", "The form has the unknown field 'reasons'; allowed are reason."),
        (ACTIONS[1], b"reason=x", "urlencoded", "The form has the unknown field 'reason'; none is allowed."),
        (ACTIONS[0], b"reason=x&reason=y", "urlencoded", "The form has the field reason twice."),
        (ACTIONS[0], b"a=1&b=2&c=3&d=4&e=5", "urlencoded", "The form cannot be read: Too many fields."),
        (ACTIONS[3], b"", "urlencoded", "The form's status '' is none; allowed are active, archived, quarantined, deprecated."),
        (ACTIONS[0], b"reason=" + b"x" * 1001, "urlencoded", "The reason has 1001 characters; at most 1000 are kept."),
        (ACTIONS[3], b"status=archived&reason=" + b"x" * 1001, "urlencoded", "The reason has 1001 characters"),
        (ACTIONS[3], b"status=Archived", "urlencoded", "The form's status 'Archived' is none"),
        (ACTIONS[2], b'{"filename": "x"}', "urlencoded", "The form has the unknown field"),
        (ACTIONS[2], b'{"filename": "x"}', "application/json", "The body is no form; send it as application/x-www"),
        (ACTIONS[2], b"filename=x", "text/plain", "The body is no form"),
        (ACTIONS[2], b"filename=x", None, "The body is no form"),
        (ACTIONS[2], b"filename=x", "multipart/form-data", "The form cannot be read: Missing boundary"),
        (ACTIONS[2], b"filename=x", "multipart/form-data; boundary=b", "The form"),
    ],
)  # fmt: skip
def test_a_form_that_is_none_of_ours_is_refused_and_changes_nothing(
    app: Application, path: str, content: bytes, content_type: str | None, sentence: str
) -> None:
    headers = basic(*WRITER)
    if content_type is not None:
        headers["Content-Type"] = content_type.replace("urlencoded", "application/x-www-form-urlencoded")
    answer = app.client.post(path, content=content, headers=headers)
    assert answer.status_code == 400, answer.text
    assert text_of(answer).startswith(sentence)
    assert marks(app) == {WHEEL: False, SDIST: False}


@pytest.mark.usefixtures("holygrail")
def test_a_form_may_be_multipart_with_a_field_as_text_or_as_file(app: Application) -> None:
    for value in ("as – text", FilePart("reason.txt", "as – file".encode())):
        content = encode([("reason", value)])
        assert app.client.post(ACTIONS[0], content=content, headers=form_headers(WRITER)).status_code == 200
        assert set(marks(app).values()) == {"as – text" if isinstance(value, str) else "as – file"}
    content = encode([("reason", FilePart("reason.txt", b"\xff"))])
    answer = app.client.post(ACTIONS[0], content=content, headers=form_headers(WRITER))
    assert (answer.status_code, text_of(answer)) == (400, "The form's fields are text in UTF-8; this is not.")


@pytest.mark.usefixtures("holygrail")
@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "application/json"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_form_that_is_too_large_is_refused(app: Application, content_type: str, chunked: bool) -> None:
    body = b"reason=" + b"x" * 1024 * 1024
    pieces = (body[start : start + 65536] for start in range(0, len(body), 65536))
    answer = app.client.post(
        ACTIONS[0], content=pieces if chunked else body, headers={**basic(*WRITER), "Content-Type": content_type}
    )
    assert answer.status_code == 400
    assert text_of(answer) == "The form is too large; at most 1048576 bytes are taken."
    assert marks(app) == {WHEEL: False, SDIST: False}


# --- pages of other sites ------------------------------------------------------------------------------------

FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"},
    {"Origin": "https://elsewhere.test"},
    {"Origin": "http://testserver.elsewhere.test"},
    {"Origin": "http://testserver:81"},
    {"Origin": "null"},
    {"Origin": "http://["},
    {"Origin": ""},
]
OWN = [
    {},
    {"Sec-Fetch-Site": "same-origin", "Origin": "http://testserver"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "http://testserver"},
]


@pytest.mark.usefixtures("holygrail")
@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize(
    "path", [*ACTIONS, "/r/local/manage/holygrail/1.0/yank", "/simple/", "/", "/legacy/", "/initialize/"]
)
def test_what_another_sites_page_sends_is_refused(app: Application, path: str, headers: Mapping[str, str]) -> None:
    answer = app.client.post(path, data={"status": "archived"}, headers={**basic(*WRITER), **headers})
    assert answer.status_code == 403
    assert text_of(answer).startswith("This request comes from a page of another site")
    assert marks(app) == {WHEEL: False, SDIST: False}


@pytest.mark.usefixtures("holygrail")
@pytest.mark.parametrize("headers", OWN)
def test_what_our_own_pages_and_tools_send_is_taken(app: Application, headers: Mapping[str, str]) -> None:
    answer = app.client.post(ACTIONS[0], headers={**basic(*WRITER), **headers})
    assert answer.status_code == 200


@pytest.mark.usefixtures("holygrail")
def test_reading_is_nobodys_business(app: Application) -> None:
    assert app.get("/simple/holygrail/", headers={"Sec-Fetch-Site": "cross-site", "Origin": "null"}).status_code == 200
