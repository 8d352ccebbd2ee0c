"""Namespaces (PEP 752): ``/simple/namespaces``, ``/simple/namespace/<namespace>``, and version 1.5 of pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pywharf_core.testing import make_wheel
from server.in_process import EXTRA, OTHER_READER, OTHER_WRITER, Application, application
from support.listing import ACCEPT_JSON, JSON

CONFIG = """
[local]
type = "file_system"
read_secret = "reads"
write_secret = "writes"
private = ["acme-*", "Acme.Tools_*", "secret", "*-internal"]
namespaces = true

[other]
type = "file_system"
read_secret = "reads-other"
write_secret = "writes-other"
private = ["acme-*"]
"""


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    """``local`` tells of namespaces, ``other`` does not."""
    with application(tmp_path / "root", CONFIG, None, private=("corp-*",)) as asked:
        yield asked


def _json(app: Application, path: str, **options: Any) -> Any:
    answer = app.get(path, headers=ACCEPT_JSON, **options)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == JSON
    return answer.json()


def _publish(app: Application, folder: Path, *projects: str, **options: Any) -> None:
    for project in projects:
        assert app.upload(make_wheel(folder, project, "1.0"), **options).status_code == 200


@pytest.mark.parametrize("base", ["/simple", "/r/local/simple"])
def test_the_prefixes_of_private_names_are_the_namespaces(app: Application, base: str) -> None:
    assert _json(app, f"{base}/namespaces") == [{"name": "acme"}, {"name": "acme-tools"}, {"name": "corp"}]
    assert _json(app, f"{base}/namespace/acme") == {"name": "acme", "parent": None, "children": ["acme-tools"]}
    assert _json(app, f"{base}/namespace/acme-tools") == {"name": "acme-tools", "parent": "acme", "children": []}


def test_a_page_names_the_namespaces_of_its_project_and_html_stays_as_it_is(app: Application, tmp_path: Path) -> None:
    _publish(app, tmp_path, "acme-x", "acme-tools-y", "acmefoo", "secret", "corp")
    for project, namespaces in {
        "acme-x": ["acme"],
        "acme-tools-y": ["acme", "acme-tools"],
        "corp": ["corp"],
        "acmefoo": None,
        "secret": None,
    }.items():
        page = _json(app, f"/simple/{project}/")
        assert page["meta"] == {"api-version": "1.5"}
        told = None if namespaces is None else [{"name": name, "owned": True} for name in namespaces]
        assert page["namespaces"] == told
        markup = app.get(f"/simple/{project}/", headers={"Accept": "text/html"}).text
        assert 'name="pypi:repository-version" content="1.4"' in markup
    assert _json(app, "/simple/")["meta"] == {"api-version": "1.5"}


def test_a_repository_that_does_not_tell_of_namespaces_has_no_trace_of_them(app: Application, tmp_path: Path) -> None:
    _publish(app, tmp_path, "acme-x", credentials=OTHER_WRITER)
    page = _json(app, "/simple/acme-x/", credentials=OTHER_READER)
    assert page["meta"] == {"api-version": "1.4"}
    assert "namespaces" not in page
    assert _json(app, "/simple/", credentials=OTHER_READER)["meta"] == {"api-version": "1.4"}
    listing = app.get("/simple/namespaces", OTHER_READER)
    assert (listing.status_code, listing.headers["location"]) == (301, "/simple/namespaces/")
    assert app.get("/simple/namespace/acme", OTHER_READER).status_code == 404


def test_projects_called_like_the_addresses_keep_their_pages_and_files(app: Application, tmp_path: Path) -> None:
    assert app.get("/simple/namespaces/").headers["location"] == f"{EXTRA}/namespaces/"
    _publish(app, tmp_path, "namespaces", "namespace")
    for project in ("namespaces", "namespace"):
        (file,) = _json(app, f"/simple/{project}/")["files"]
        content = (tmp_path / file["filename"]).read_bytes()
        assert app.get(f"/simple/{project}/{file['url']}").content == content
        assert app.get(f"/simple/{project}/{file['url']}.metadata").status_code == 200
    assert app.get("/simple/namespace").headers["location"] == "/simple/namespace/"
    assert app.get("/simple/Namespaces").headers["location"] == "/simple/namespaces/"
    assert isinstance(_json(app, "/simple/namespaces"), list)


@pytest.mark.parametrize(("asked", "location"), [("Acme", "acme"), ("acme_TOOLS", "acme-tools")])
def test_another_spelling_of_a_namespace_leads_to_its_address(app: Application, asked: str, location: str) -> None:
    answer = app.get(f"/r/local/simple/namespace/{asked}?x=1")
    assert (answer.status_code, answer.headers["location"]) == (301, f"/r/local/simple/namespace/{location}?x=1")


@pytest.mark.parametrize("asked", ["secret", "internal", "acme-x", "foo.bar", "-x", "a b", "*"])
def test_what_is_no_namespace_is_404(app: Application, asked: str) -> None:
    answer = app.get(f"/simple/namespace/{asked}")
    assert answer.status_code == 404
    assert "location" not in answer.headers


def test_whoever_may_read_may_ask_and_nobody_else(app: Application) -> None:
    for path in ("/simple/namespaces", "/simple/namespace/acme"):
        assert app.get(path, None).status_code == 401
        assert app.get(path, ("local", "wrong")).status_code == 401


def test_answers_are_json_whatever_is_accepted_and_are_validated_like_pages(app: Application) -> None:
    for path in ("/simple/namespaces", "/simple/namespace/acme"):
        answer = app.get(path, headers={"Accept": "text/html"})
        assert answer.headers["content-type"] == JSON
        assert answer.headers["cache-control"] == "private, no-cache"
        again = app.get(path, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert app.get(path, method="HEAD").headers["content-length"] == str(len(answer.content))


def test_the_project_that_is_called_like_a_namespace_belongs_to_it(app: Application) -> None:
    for project in ("acme", "acme-x", "corp"):
        assert app.get(f"/simple/{project}/").status_code == 404
    assert app.get("/simple/acme/", OTHER_READER).headers["location"] == f"{EXTRA}/acme/"
    assert app.get("/simple/acmefoo/").status_code == 307


def test_a_repository_may_tell_that_it_has_no_namespaces(tmp_path: Path) -> None:
    config = CONFIG.replace('private = ["acme-*", "Acme.Tools_*", "secret", "*-internal"]', "")
    with application(tmp_path / "root", config, None) as app:
        _publish(app, tmp_path, "acme-x")
        assert _json(app, "/simple/namespaces") == []
        assert _json(app, "/simple/acme-x/")["namespaces"] is None
