"""``/simple/`` and ``/simple/<project>/``."""

from __future__ import annotations

import hashlib
import json
import re
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin

import pytest

from pywharf_core.testing import make_wheel
from server.in_process import EXTRA, OTHER_READER, READER, WRITER, Application, application
from support.listing import ACCEPT_JSON, JSON
from support.running_server import wait_until

HTML_V1 = "application/vnd.pypi.simple.v1+html"
PIP = f"{JSON}, {HTML_V1}; q=0.1, text/html; q=0.01"
UV = f"{JSON}, {HTML_V1};q=0.2, text/html;q=0.01"
POETRY = f"{JSON}, */*;q=0.1"
VARIES_BY = {"Accept", "Accept-Encoding", "Authorization", "Cookie"}


class _Links(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.links: list[dict[str, str | None]] = []
        self.meta: dict[str, str | None] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "a":
            self.links.append(attributes)
        elif tag == "meta" and attributes.get("name"):
            self.meta[str(attributes["name"])] = attributes.get("content")


def _json(app: Application, path: str) -> dict[str, Any]:
    answer = app.get(path, headers=ACCEPT_JSON)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


def test_an_empty_repository_lists_no_projects(app: Application) -> None:
    assert _json(app, "/simple/") == {"meta": {"api-version": "1.4"}, "projects": []}


@pytest.mark.usefixtures("holygrail")
def test_the_list_names_projects_normalised_in_json_and_html(app: Application) -> None:
    assert app.projects() == ["holygrail"]
    links = _Links(app.get("/simple/").text)
    assert [link["href"] for link in links.links] == ["holygrail/"]
    assert links.meta["pypi:repository-version"] == "1.4"


def test_a_page_tells_all_that_is_known_of_a_file(app: Application, holygrail: Path) -> None:
    page = _json(app, "/simple/holygrail/")
    assert page["name"] == "holygrail"
    assert page["versions"] == ["1.0"]
    assert page["meta"] == {"api-version": "1.4"}
    wheel = next(file for file in page["files"] if file["filename"] == holygrail.name)
    content = holygrail.read_bytes()
    assert wheel["hashes"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert wheel["size"] == len(content)
    assert wheel["requires-python"] == ">=3.8"
    assert wheel["yanked"] is False
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", wheel["upload-time"])
    assert "dist-info-metadata" not in wheel
    assert "provenance" not in wheel


@pytest.mark.usefixtures("holygrail")
@pytest.mark.parametrize("base", ["/simple/holygrail/", "/r/local/simple/holygrail/"])
@pytest.mark.parametrize("accept", [JSON, "text/html"])
def test_every_link_of_a_page_leads_to_a_file_with_the_hash_and_metadata_that_the_page_says(
    app: Application, base: str, accept: str
) -> None:
    page = app.get(base, headers={"Accept": accept})
    found = []
    if accept == JSON:
        for file in page.json()["files"]:
            found.append((file["url"], file["hashes"]["sha256"], file["core-metadata"]["sha256"]))
            assert file["url"].rpartition("/")[2] == file["filename"]
    else:
        for link in _Links(page.text).links:
            url, _, fragment = str(link["href"]).partition("#sha256=")
            found.append((url, fragment, str(link["data-core-metadata"]).removeprefix("sha256=")))
            assert link["data-dist-info-metadata"] == link["data-core-metadata"]
            assert "data-yanked" not in link
    assert len(found) == 2
    for url, sha256, metadata_sha256 in found:
        address = urljoin(base, url)
        assert hashlib.sha256(app.get(address).content).hexdigest() == sha256
        metadata = app.get(f"{address}.metadata")
        assert hashlib.sha256(metadata.content).hexdigest() == metadata_sha256
        assert metadata.content.startswith(b"Metadata-Version: 2.2\nName: HolyGrail\n")


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, "text/html; charset=utf-8"),
        ("*/*", "text/html; charset=utf-8"),
        ("text/html", "text/html; charset=utf-8"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html; charset=utf-8"),
        (PIP, JSON),
        (UV, JSON),
        (POETRY, JSON),
        ("application/vnd.pypi.simple.latest+json", JSON),
        ("application/vnd.pypi.simple.latest+html", f"{HTML_V1}; charset=utf-8"),
        (f"{HTML_V1}, {JSON};q=0", f"{HTML_V1}; charset=utf-8"),
    ],
)
@pytest.mark.usefixtures("holygrail")
def test_each_client_gets_the_representation_that_it_asks_for(
    app: Application, accept: str | None, content_type: str
) -> None:
    for path in ("/simple/", "/simple/holygrail/"):
        answer = app.get(path, headers={} if accept is None else {"Accept": accept})
        assert answer.headers["content-type"] == content_type
        assert set(answer.headers["vary"].split(", ")) >= {"Accept", "Authorization"}


@pytest.mark.usefixtures("holygrail")
def test_a_format_in_the_url_beats_the_header_and_what_we_have_not_is_406(app: Application) -> None:
    for path in ("/simple/", "/simple/holygrail/"):
        answer = app.get(f"{path}?format={JSON}", headers={"Accept": "text/html"})
        assert answer.headers["content-type"] == JSON
        for wrong in (app.get(f"{path}?format=application/xml"), app.get(path, headers={"Accept": "image/png"})):
            assert wrong.status_code == 406
            assert "can be had as" in wrong.text
            assert set(wrong.headers["vary"].split(", ")) == VARIES_BY


@pytest.mark.usefixtures("holygrail")
@pytest.mark.parametrize("accept", [JSON, "text/html"])
@pytest.mark.parametrize("path", ["/simple/", "/simple/holygrail/"])
def test_a_page_that_the_client_has_is_304_and_another_one_is_not(app: Application, path: str, accept: str) -> None:
    first = app.get(path, headers={"Accept": accept})
    tag = first.headers["etag"]
    for sent in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = app.get(path, headers={"Accept": accept, "If-None-Match": sent})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
        assert again.headers["cache-control"] == first.headers["cache-control"] == "private, no-cache"
        assert set(again.headers["vary"].split(", ")) == VARIES_BY
    assert app.get(path, headers={"Accept": accept, "If-None-Match": '"other"'}).status_code == 200


@pytest.mark.usefixtures("holygrail")
def test_tags_differ_by_representation_encoding_and_repository_and_change_with_the_page(
    app: Application, tmp_path: Path
) -> None:
    assert app.upload(make_wheel(tmp_path, "both", "1.0"), WRITER).status_code == 200
    assert app.upload(make_wheel(tmp_path, "both", "1.0"), ("other", "writes-other")).status_code == 200
    path = "/simple/both/"
    tags = {app.get(path, headers={"Accept": accept}).headers["etag"] for accept in (JSON, HTML_V1, "text/html")}
    tags.add(app.get(path, OTHER_READER, headers={"Accept": JSON}).headers["etag"])
    assert len(tags) == 4
    assert app.upload(make_wheel(tmp_path, "both", "1.1"), WRITER).status_code == 200
    assert app.get(path, headers={"Accept": JSON}).headers["etag"] not in tags


def test_a_long_page_is_sent_compressed_to_whoever_takes_it(app: Application, tmp_path: Path) -> None:
    for number in range(8):
        assert app.upload(make_wheel(tmp_path, "long", f"1.{number}")).status_code == 200
    plain = app.get("/simple/long/", headers={**ACCEPT_JSON, "Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    for accepted in ("gzip", "gzip, deflate", "br;q=1.0, gzip;q=0.5", "*"):
        packed = app.get("/simple/long/", headers={**ACCEPT_JSON, "Accept-Encoding": accepted})
        assert packed.headers["content-encoding"] == "gzip", accepted
        assert packed.text == plain.text
        assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])
        assert packed.headers["etag"] != plain.headers["etag"]
        again = app.get(
            "/simple/long/",
            headers={**ACCEPT_JSON, "Accept-Encoding": accepted, "If-None-Match": packed.headers["etag"]},
        )
        assert again.status_code == 304
    for accepted in ("gzip;q=0", "deflate", "identity", "gzip;q=0, *;q=0"):
        whole = app.get("/simple/long/", headers={**ACCEPT_JSON, "Accept-Encoding": accepted})
        assert "content-encoding" not in whole.headers, accepted


@pytest.mark.usefixtures("holygrail")
@pytest.mark.parametrize(
    ("asked", "location"),
    [
        ("/simple", "/simple/"),
        ("/simple/holygrail", "/simple/holygrail/"),
        ("/simple/HolyGrail/", "/simple/holygrail/"),
        ("/simple/HOLYGRAIL", "/simple/holygrail/"),
        ("/r/local/simple/HolyGrail/", "/r/local/simple/holygrail/"),
        ("/r/local/simple", "/r/local/simple/"),
        ("/legacy/+simple/HolyGrail/", "/simple/holygrail/"),
    ],
)
def test_other_spellings_lead_to_the_one_address_with_the_query_kept(
    app: Application, asked: str, location: str
) -> None:
    answer = app.get(f"{asked}?format=text/html&x=1")
    assert answer.status_code in (301, 308)
    assert answer.headers["location"] == f"{location}?format=text/html&x=1"
    assert app.get(answer.headers["location"]).status_code == 200


def test_spellings_of_an_unknown_name_are_one_name(app: Application) -> None:
    answer = app.get("/simple/Zope.Interface__x/")
    assert answer.headers["location"] == "/simple/zope-interface-x/"


@pytest.mark.usefixtures("holygrail")
@pytest.mark.parametrize(
    "path", ["/simple//holygrail/", "//simple/holygrail/", "/r//local//simple/holygrail//", "/simple/holygrail//"]
)
def test_empty_segments_of_a_path_do_not_count(app: Application, path: str) -> None:
    # An absolute URL: in front of a path, two slashes begin a host's name.
    assert app.get(f"http://testserver{path}", headers=ACCEPT_JSON).json()["name"] == "holygrail"


@pytest.mark.usefixtures("holygrail")
@pytest.mark.parametrize("upload_path", ["", "/simple", "/legacy", "/r/local", "/r/local/simple", "/r/local/legacy"])
def test_hatch_finds_beside_every_upload_address_what_is_published(app: Application, upload_path: str) -> None:
    for plus in ("+", "%2B"):
        answer = app.get(f"{upload_path}/{plus}simple/holygrail/", headers={"Accept": "*/*"})
        assert answer.status_code == 200
        assert "holygrail-1.0.tar.gz</a>" in answer.text


def test_an_unknown_project_is_sent_to_the_extra_index_and_nobody_remembers_that(app: Application) -> None:
    answer = app.get("/simple/requests/?x=1")
    assert answer.status_code == 307
    assert answer.headers["location"] == f"{EXTRA}/requests/?x=1"
    assert answer.headers["cache-control"] == "no-store"
    assert app.get("/r/local/simple/requests/").headers["location"] == f"{EXTRA}/requests/"


def test_a_private_name_or_one_without_an_extra_index_is_404(app: Application) -> None:
    for path, credentials in (
        ("/simple/acme-tools/", READER),
        ("/simple/acme-x-y/", READER),
        ("/simple/requests/", OTHER_READER),
    ):
        answer = app.get(path, credentials)
        assert answer.status_code == 404
        assert "location" not in answer.headers
    assert app.get("/simple/acme/").status_code == 307  # `acme-*` does not cover `acme`


def test_the_servers_private_globs_hold_for_every_repository(tmp_path: Path) -> None:
    with application(tmp_path / "root", private=("Corp.*",)) as app:
        assert app.get("/simple/corp-tools/").status_code == 404
        assert app.get("/simple/corpus/").status_code == 307


@pytest.mark.usefixtures("holygrail")
@pytest.mark.parametrize(
    "path", ["/simple/holygrail/nothere-1.0-py3-none-any.whl", "/simple/holygrail/x/y", "/simple/unknown/x.whl"]
)
def test_an_unknown_path_under_a_project_is_404_and_never_sent_elsewhere(app: Application, path: str) -> None:
    answer = app.get(path)
    assert answer.status_code == 404
    assert "location" not in answer.headers


@pytest.mark.parametrize("name", ["-x", "x-", "a b", "h%C3%A9", "%2e%2e", "a%00b", "*"])
def test_what_cannot_be_a_projects_name_is_404(app: Application, name: str) -> None:
    answer = app.get(f"/simple/{name}/")
    assert answer.status_code == 404
    assert "location" not in answer.headers


def test_words_of_an_uploader_cannot_become_markup(app: Application, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "evil", "1.0", requires_python=">=3.8,<4")
    assert app.upload(wheel).status_code == 200
    page = app.get("/simple/evil/")
    assert 'data-requires-python="&gt;=3.8,&lt;4"' in page.text
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert json.loads(app.get("/simple/evil/", headers=ACCEPT_JSON).text)["files"][0]["requires-python"] == ">=3.8,<4"


def test_filenames_with_epoch_and_local_version_are_reached_raw_and_encoded(app: Application, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "odd", "1!2.0+local.1")
    assert app.upload(wheel).status_code == 200
    (file,) = _json(app, "/simple/odd/")["files"]
    assert file["filename"] == wheel.name
    assert unquote(file["url"]) == wheel.name
    for name in (wheel.name, file["url"], wheel.name.replace("+", "%2B").replace("!", "%21")):
        assert app.get(f"/simple/odd/{name}").content == wheel.read_bytes()


def test_one_file_of_a_project_changes_its_page_at_once_and_no_other_page(app: Application, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert app.upload(make_wheel(tmp_path, name, "1.0")).status_code == 200
    before = app.get("/simple/two/").headers["etag"]
    for version in ("1.1", "1.2"):
        wheel = make_wheel(tmp_path, "one", version)
        assert app.upload(wheel).status_code == 200
        assert wheel.name in app.listed("one")
    assert app.get("/simple/two/").headers["etag"] == before
    assert app.projects() == ["one", "two"]


def test_a_file_dropped_into_the_store_is_listed_by_the_next_synchronisation(tmp_path: Path) -> None:
    config = (
        '[local]\ntype = "file_system"\nread_secret = "reads"\nwrite_secret = "writes"\nsync_index_interval = 0.2\n'
    )
    with application(tmp_path / "root", config, None) as app:
        dropped = make_wheel(app.store() / "dropped", "dropped", "1.0", requires_python=">=3.9")
        wait_until(lambda: dropped.name in app.listed("dropped"), "listed")

        def has_metadata() -> bool:
            return bool(_json(app, "/simple/dropped/")["files"][0].get("core-metadata"))

        wait_until(has_metadata, "its metadata is announced")
        (file,) = _json(app, "/simple/dropped/")["files"]
        assert file["requires-python"] == ">=3.9"
        metadata = app.get(f"/simple/dropped/{dropped.name}.metadata").content
        assert hashlib.sha256(metadata).hexdigest() == file["core-metadata"]["sha256"]


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        ("/simple/holygrail/", "Accept-Encoding", "gzip" + " " * 60_000 + "x"),
        ("/simple/holygrail/holygrail-1.0-py3-none-any.whl", "Range", "bytes=" + " " * 60_000 + "x"),
        ("/simple/holygrail/holygrail-1.0-py3-none-any.whl", "Range", "bytes=1-" + " " * 60_000 + "x"),
    ],
)
@pytest.mark.usefixtures("holygrail")
def test_a_header_of_60_000_spaces_keeps_nobody_waiting(app: Application, path: str, name: str, value: str) -> None:
    before = time.process_time()
    assert app.get(path, headers={name: value}).status_code == 200
    assert time.process_time() - before < 2  # seconds; trying from each space took ten and more
