from __future__ import annotations

import json as standard_json
from datetime import UTC, datetime, timedelta, timezone
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name

from pywharf_core.filenames import normalise
from pywharf_core.model import DistributionFile, ProjectPage, ProjectStatus
from pywharf_core.simple import html, json

MORNING = datetime(2026, 11, 22, 8, 30, 1, 120000, tzinfo=UTC)


def file(filename: str = "foo-1.0-py3-none-any.whl", version: str = "1.0", **fields: Any) -> DistributionFile:
    values = {
        "filename": filename,
        "project": canonicalize_name("foo"),
        "version": version,
        "packagetype": "bdist_wheel",
        "size": 12345,
        "hashes": {"sha256": "a" * 64},
        "upload_time": MORNING,
        **fields,
    }
    return DistributionFile(**values)


def page(*files: DistributionFile, **fields: Any) -> ProjectPage:
    return ProjectPage(project=canonicalize_name("foo"), files=files, **fields)


def as_json(*files: DistributionFile, **fields: Any) -> dict[str, Any]:
    document: dict[str, Any] = standard_json.loads(json.project_page(page(*files, **fields)))
    return document


class Reader(HTMLParser):
    """What a client reads: anchors with their text, metas by name."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: list[tuple[dict[str, str | None], str]] = []
        self.metas: dict[str | None, str | None] = {}
        self.tags: list[str] = []
        self._attributes: dict[str, str | None] | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        attributes = dict(attrs)
        assert len(attributes) == len(attrs)
        if tag == "a":
            self._attributes = attributes
            self.anchors.append((attributes, ""))
        if tag == "meta" and "name" in attributes:
            self.metas[attributes["name"]] = attributes["content"]

    def handle_data(self, data: str) -> None:
        if self._attributes is not None:
            self.anchors[-1] = (self._attributes, self.anchors[-1][1] + data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._attributes = None


def anchor(*files: DistributionFile, **options: Any) -> dict[str, str | None]:
    return Reader(html.project_page(page(*files), **options)).anchors[0][0]


# --- the list -----------------------------------------------------------------------------------------------


def test_the_list_of_projects_is_sorted_and_links_to_normalised_names() -> None:
    text = html.project_list(["zoo", "Foo.Bar", "abc"])
    assert [(attributes["href"], shown) for attributes, shown in Reader(text).anchors] == [
        ("abc/", "abc"),
        ("foo-bar/", "Foo.Bar"),
        ("zoo/", "zoo"),
    ]
    assert Reader(text).metas == {"pypi:repository-version": "1.4"}
    assert standard_json.loads(json.project_list(["zoo", "Foo.Bar", "abc"])) == {
        "meta": {"api-version": "1.4"},
        "projects": [{"name": "abc"}, {"name": "Foo.Bar"}, {"name": "zoo"}],
    }


def test_an_empty_list_is_a_page_too() -> None:
    assert standard_json.loads(json.project_list([])) == {"meta": {"api-version": "1.4"}, "projects": []}
    assert Reader(html.project_list([])).anchors == []


# --- the page, both ways ------------------------------------------------------------------------------------


def test_the_smallest_file_in_json() -> None:
    assert as_json(file()) == {
        "meta": {"api-version": "1.4"},
        "name": "foo",
        "project-status": {"status": "active"},
        "versions": ["1.0"],
        "files": [
            {
                "filename": "foo-1.0-py3-none-any.whl",
                "url": "foo-1.0-py3-none-any.whl",
                "hashes": {"sha256": "a" * 64},
                "size": 12345,
                "upload-time": "2026-11-22T08:30:01.120000Z",
                "yanked": False,
            }
        ],
    }


def test_the_smallest_file_in_html() -> None:
    reader = Reader(html.project_page(page(file())))
    assert reader.anchors == [
        ({"href": f"foo-1.0-py3-none-any.whl#sha256={'a' * 64}"}, "foo-1.0-py3-none-any.whl"),
    ]
    assert reader.metas == {"pypi:repository-version": "1.4", "pypi:project-status": "active"}


def test_the_page_as_html_is_written_so() -> None:
    assert html.project_page(page(file(requires_python=">=3.8"))) == (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="pypi:repository-version" content="1.4">\n<meta name="pypi:project-status" content="active">\n'
        "<title>Links for foo</title>\n</head>\n<body>\n<h1>Links for foo</h1>\n"
        f'<a href="foo-1.0-py3-none-any.whl#sha256={"a" * 64}" data-requires-python="&gt;=3.8">'
        "foo-1.0-py3-none-any.whl</a><br>\n</body>\n</html>\n"
    )


def test_requires_python_is_escaped_in_html_only() -> None:
    only = file(requires_python=">=3.8,<4")
    assert 'data-requires-python="&gt;=3.8,&lt;4"' in html.project_page(page(only))
    assert as_json(only)["files"][0]["requires-python"] == ">=3.8,<4"


@pytest.mark.parametrize(
    ("yanked", "in_json", "in_html"),
    [
        (None, False, None),
        ("", True, ""),
        ("bad <b>", "bad <b>", "bad <b>"),
        ('"', '"', '"'),
        ("a\x1b[31m\nb", "a [31m b", "a [31m b"),
    ],
)
def test_a_yanked_file_says_so_and_why(yanked: str | None, in_json: bool | str, in_html: str | None) -> None:
    only = file(yanked=yanked)
    assert as_json(only)["files"][0]["yanked"] == in_json
    assert anchor(only).get("data-yanked") == in_html
    assert ("data-yanked" in anchor(only)) == (yanked is not None)


def test_core_metadata_goes_by_both_names_in_html_and_by_one_in_json() -> None:
    only = file(core_metadata_sha256="c" * 64)
    attributes = anchor(only)
    assert attributes["data-core-metadata"] == attributes["data-dist-info-metadata"] == "sha256=" + "c" * 64
    entry = as_json(only)["files"][0]
    assert entry["core-metadata"] == {"sha256": "c" * 64}
    assert not {"dist-info-metadata", "data-dist-info-metadata"} & entry.keys()


def test_sha256_comes_first_and_nothing_that_hashlib_does_not_name() -> None:
    hashes = {"md5": "b" * 32, "blake2b_256": "c" * 64, "sha256": "a" * 64}
    assert list(as_json(file(hashes=hashes))["files"][0]["hashes"].items()) == [
        ("sha256", "a" * 64),
        ("md5", "b" * 32),
    ]


@pytest.mark.parametrize(
    ("time", "written"),
    [
        (MORNING, "2026-11-22T08:30:01.120000Z"),
        (MORNING.replace(microsecond=0), "2026-11-22T08:30:01Z"),
        (MORNING.astimezone(timezone(timedelta(hours=5))), "2026-11-22T08:30:01.120000Z"),
    ],
)
def test_the_upload_time_is_utc_with_a_z(time: datetime, written: str) -> None:
    assert as_json(file(upload_time=time))["files"][0]["upload-time"] == written


def test_files_are_sorted_by_version_then_name_and_versions_have_no_duplicates() -> None:
    files = [
        file("foo-1.10-py3-none-any.whl", "1.10"),
        file("foo-1.9.tar.gz", "1.9"),
        file("foo-1.10.tar.gz", "1.10"),
        file("foo-1.9-py3-none-any.whl", "1.9"),
        file("foo-1!0.1.tar.gz", "1!0.1"),
        file("foo-1.10rc1.tar.gz", "1.10rc1"),
    ]
    expected = [
        "foo-1.9-py3-none-any.whl",
        "foo-1.9.tar.gz",
        "foo-1.10rc1.tar.gz",
        "foo-1.10-py3-none-any.whl",
        "foo-1.10.tar.gz",
        "foo-1!0.1.tar.gz",
    ]
    assert [entry["filename"] for entry in as_json(*files)["files"]] == expected
    assert [text for _, text in Reader(html.project_page(page(*files))).anchors] == expected
    assert as_json(*files)["versions"] == ["1.9", "1.10rc1", "1.10", "1!0.1"]


def test_equal_versions_are_one_and_spelled_as_the_first_upload_was() -> None:
    late = file("foo-1.0.tar.gz", "1.0", upload_time=MORNING + timedelta(days=1))
    early = file("foo-1.0.0.tar.gz", "1.0.0")
    assert as_json(late, early)["versions"] == as_json(early, late)["versions"] == ["1.0.0"]


def test_what_means_something_in_a_url_is_encoded() -> None:
    only = file("foo-1!2.0+local.1-py3-none-any.whl", "1!2.0+local.1")
    url = "foo-1%212.0%2Blocal.1-py3-none-any.whl"
    assert as_json(only)["files"][0]["url"] == url
    assert anchor(only)["href"] == f"{url}#sha256={'a' * 64}"


def test_file_addresses_can_be_given() -> None:
    def elsewhere(only: DistributionFile) -> str:
        return f"https://files.example/?a=1&b={only.filename}"

    assert anchor(file(), file_url=elsewhere)["href"] == (
        f"https://files.example/?a=1&b=foo-1.0-py3-none-any.whl#sha256={'a' * 64}"
    )


@pytest.mark.parametrize(
    ("url", "announced"),
    [("https://a.example/p", True), ("http://a.example/p", False), ("/integrity/p", False), (None, False)],
)
def test_provenance_is_announced_at_a_secure_address_only(url: str | None, announced: bool) -> None:
    only = file(provenance_sha256="d" * 64)
    assert anchor(only, provenance_url=lambda _: url).get("data-provenance") == (url if announced else None)
    document = standard_json.loads(json.project_page(page(only), provenance_url=lambda _: url))
    assert document["files"][0].get("provenance") == (url if announced else None)


def test_a_file_without_provenance_announces_none() -> None:
    assert "data-provenance" not in anchor(file(), provenance_url=lambda _: "https://a.example/p")


@pytest.mark.parametrize("status", [ProjectStatus.ACTIVE, ProjectStatus.ARCHIVED, ProjectStatus.DEPRECATED])
def test_the_status_stands_at_the_top_beside_the_files(status: ProjectStatus) -> None:
    document = as_json(file(), status=status, status_reason="moved to <bar>")
    assert document["project-status"] == {"status": status.value, "reason": "moved to <bar>"}
    assert len(document["files"]) == 1
    reader = Reader(html.project_page(page(file(), status=status, status_reason="moved to <bar>")))
    assert reader.metas["pypi:project-status"] == status.value
    assert reader.metas["pypi:project-status-reason"] == "moved to <bar>"
    assert len(reader.anchors) == 1


def test_a_quarantined_project_offers_nothing() -> None:
    document = as_json(file(), status=ProjectStatus.QUARANTINED)
    assert document["files"] == document["versions"] == []
    assert document["project-status"] == {"status": "quarantined"}
    reader = Reader(html.project_page(page(file(), status=ProjectStatus.QUARANTINED)))
    assert reader.anchors == []
    assert reader.metas["pypi:project-status"] == "quarantined"


HOSTILE = st.text() | st.sampled_from(
    ['"><script>alert(1)</script>', "'><base href=//evil>", "</a><a href='https://evil'>", "&quot;", "<!--", "\ud800"]
)


@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
def test_whatever_an_uploader_writes_is_inert_in_html(filename: str, requires: str, yanked: str, reason: str) -> None:
    hostile = page(file(filename, requires_python=requires, yanked=yanked), status_reason=reason)
    text = html.project_page(hostile, file_url=lambda only: only.filename)
    text.encode("utf-8")
    reader = Reader(text)
    assert reader.tags == ["html", "head", "meta", "meta", "meta", "meta", "title", "body", "h1", "a", "br"]
    attributes, _ = reader.anchors[0]
    assert list(attributes) == ["href", "data-requires-python", "data-yanked"]
    assert html.project_list([filename]).count("<a ") == 1


@given(HOSTILE, HOSTILE)
def test_whatever_an_uploader_writes_is_sound_json(yanked: str, reason: str) -> None:
    text = json.project_page(page(file(yanked=yanked), status_reason=reason))
    assert text.isascii()
    standard_json.loads(text)["project-status"]["reason"].encode("utf-8")


@given(st.lists(st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", fullmatch=True)))
def test_every_project_of_the_list_is_linked_by_its_normalised_name(projects: list[str]) -> None:
    anchors = Reader(html.project_list(projects)).anchors
    assert sorted(str(attributes["href"]) for attributes, _ in anchors) == sorted(f"{normalise(p)}/" for p in projects)
