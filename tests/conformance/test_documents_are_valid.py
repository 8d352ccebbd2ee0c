"""Pages are HTML5 without a single parse error, JSON as the specification's tables say, and both say the same."""

from __future__ import annotations

import json as standard_json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import html5lib
import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.hostile import SCRIPT, VERSIONS
from core.simple.test_pages import file, page
from pywharf_core.filenames import normalise
from pywharf_core.simple import html, json
from server.in_process import Application, application
from support.listing import ACCEPT_JSON, JSON

PROJECTS = sorted({normalise(name) for name in VERSIONS} | {"hostile", "quarantined"})
PAGES = ["/simple/", *(f"/simple/{project}/" for project in PROJECTS)]

_SCHEMAS = standard_json.loads((Path(__file__).parent / "simple-api.schema.json").read_text(encoding="utf-8"))
_XHTML = "{http://www.w3.org/1999/xhtml}"


def parsed(text: str) -> Any:
    """The root element; raises at the first parse error that the HTML standard names."""
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=True).parse(text)


def anchors(text: str) -> list[Any]:
    return list(parsed(text).iter(f"{_XHTML}a"))


def metas(text: str) -> dict[str, str]:
    return {meta.get("name"): meta.get("content") for meta in parsed(text).iter(f"{_XHTML}meta") if meta.get("name")}


def check(document: Any, kind: str) -> None:
    """:param kind: a definition of the schema file."""
    jsonschema_rs.Draft202012Validator({**_SCHEMAS, "$ref": f"#/$defs/{kind}"}).validate(document)


@pytest.mark.parametrize("path", [*PAGES, "/simple/nowhere/", "/simple/hostile/%3Cscript%3E"])
def test_every_page_and_every_error_is_html5_without_a_parse_error(hostile: Application, path: str) -> None:
    for prefix in ("", "/r/local"):
        answer = hostile.get(prefix + path, headers={"Accept": "text/html"})
        assert answer.headers["content-type"].startswith("text/html")
        elements = list(parsed(answer.text).iter())
        if answer.status_code == 200:
            allowed = ("html", "head", "meta", "title", "body", "h1", "a", "br", "p")
            assert {element.tag for element in elements} <= {f"{_XHTML}{tag}" for tag in allowed}
        else:  # a page for people
            scripts = [element for element in elements if element.tag == f"{_XHTML}script"]
            assert [script.get("src", "").partition("/static/")[0] for script in scripts] == [""]
            assert not [script.text for script in scripts if script.text]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_in_json_is_as_the_specification_says(hostile: Application, path: str) -> None:
    check(hostile.get(path, headers=ACCEPT_JSON).json(), "list" if path == "/simple/" else "detail")


def test_pages_with_namespaces_are_of_version_1_5_and_the_marker_of_html_stays(tmp_path: Path) -> None:
    config = '[local]\ntype = "file_system"\nread_secret = "reads"\nwrite_secret = "writes"\nnamespaces = true\n'
    with application(tmp_path / "root", config, None) as app:
        check(app.get("/simple/", headers=ACCEPT_JSON).json(), "list_1_5")
        assert metas(app.get("/simple/").text)["pypi:repository-version"] == "1.4"


@pytest.mark.parametrize("project", PROJECTS)
def test_html_and_json_say_the_same(hostile: Application, project: str) -> None:
    base = f"http://testserver/simple/{project}/"
    document = hostile.get(base, headers={"Accept": JSON}).json()
    text = hostile.get(base, headers={"Accept": "text/html"}).text
    links = anchors(text)
    assert [link.text for link in links] == [entry["filename"] for entry in document["files"]]
    for link, entry in zip(links, document["files"], strict=True):
        assert urljoin(base, link.get("href")) == f"{urljoin(base, entry['url'])}#sha256={entry['hashes']['sha256']}"
        assert ("data-requires-python" in link.attrib) == ("requires-python" in entry)
        assert _shown(link.get("data-requires-python", "")) == _shown(entry.get("requires-python", ""))
        reason = entry["yanked"] if isinstance(entry["yanked"], str) else ""
        assert ("data-yanked" in link.attrib) == bool(entry["yanked"])
        assert _shown(link.get("data-yanked", "")) == _shown(reason)
        assert link.get("data-core-metadata") == f"sha256={entry['core-metadata']['sha256']}"
    status = document["project-status"]
    assert metas(text)["pypi:project-status"] == status["status"]
    assert _shown(metas(text).get("pypi:project-status-reason", "")) == _shown(status.get("reason", ""))
    assert metas(text)["pypi:repository-version"] == document["meta"]["api-version"] == "1.4"


def _shown(text: str) -> str:
    """Without what HTML cannot carry: control characters, and those that Unicode assigns to nobody."""
    return re.sub(r"[\x00-\x20\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]+", " ", text)


def test_a_quarantined_project_is_200_with_its_status_and_no_file(hostile: Application) -> None:
    document = hostile.get("/simple/quarantined/", headers=ACCEPT_JSON).json()
    assert document["project-status"] == {"status": "quarantined", "reason": f'"{SCRIPT}'}
    assert document["files"] == []
    assert anchors(hostile.get("/simple/quarantined/").text) == []
    assert "quarantined" not in hostile.projects()


TEXTS = st.text() | st.text("\0\t\r\n\x0b\x7f\x80\ufdd0\ufffe\uffff\U0001fffe\U0010ffff\ud800&#x0;<>\"'a")


@given(TEXTS, TEXTS, st.none() | TEXTS, TEXTS)
def test_whatever_an_uploader_writes_there_is_no_parse_error(
    filename: str, requires: str, yanked: str | None, reason: str
) -> None:
    shown = page(file(filename, requires_python=requires, yanked=yanked), status_reason=reason)
    text = html.project_page(shown)
    assert [dict(link.items()).keys() >= {"href", "data-requires-python"} for link in anchors(text)] == [True]
    parsed(html.project_list([filename]))
    check(standard_json.loads(json.project_page(shown)), "detail_of_any_name")
