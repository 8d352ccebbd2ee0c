"""Namespaces (PEP 752)."""

from __future__ import annotations

import json as standard_json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name

from pywharf_core.model import DistributionFile, ProjectPage
from pywharf_core.names import PrivateNames
from pywharf_core.simple import html, json
from pywharf_core.simple.namespaces import declared_namespaces, namespace_detail, namespace_list, namespaces_of


def names(*texts: str) -> list[Any]:
    return [canonicalize_name(text) for text in texts]


@pytest.mark.parametrize(
    ("glob", "declared"),
    [
        ("acme-*", ["acme"]),
        ("ACME.*", ["acme"]),
        ("acme_tools__*", ["acme-tools"]),
        ("acme*", ["acme"]),
        ("acme", []),
        ("*", []),
        ("-*", []),
        ("*-acme", []),
        ("*acme*", []),
        ("acme-*-x*", []),
        ("acme-?*", []),
        ("acme-[ab]-*", []),
        ("acme-**", []),
        ("", []),
    ],
)
def test_a_prefix_declares_a_namespace_and_nothing_else_does(glob: str, declared: list[str]) -> None:
    assert declared_namespaces([glob]) == declared


def test_declarations_are_sorted_and_each_counts_once() -> None:
    assert declared_namespaces(["zoo-*", "acme-*", "Acme.*", "acme-tools-*"]) == ["acme", "acme-tools", "zoo"]


@given(st.text("ab-._*?[]", max_size=6), st.text("ab-", min_size=1, max_size=8))
def test_a_declared_namespace_holds_no_name_that_the_glob_leaves_to_others(glob: str, name: str) -> None:
    project = canonicalize_name(name)
    for namespace in namespaces_of(project, declared_namespaces([glob])):
        assert project == namespace or PrivateNames([glob]).match(project) is not None


@pytest.mark.parametrize(
    ("project", "found"),
    [
        ("acme", ["acme"]),
        ("acme-x", ["acme"]),
        ("acme-tools", ["acme", "acme-tools"]),
        ("acme-tools-x", ["acme", "acme-tools"]),
        ("acmefoo", []),
        ("acm", []),
        ("my-acme", []),
    ],
)
def test_a_project_is_in_the_namespace_of_its_name_or_of_what_stands_before_a_hyphen(
    project: str, found: list[str]
) -> None:
    assert namespaces_of(canonicalize_name(project), names("acme", "acme-tools", "zoo")) == found


def test_the_list_is_an_array_of_names() -> None:
    assert standard_json.loads(namespace_list(names("acme", "zoo"))) == [{"name": "acme"}, {"name": "zoo"}]
    assert standard_json.loads(namespace_list([])) == []


@pytest.mark.parametrize(
    ("namespace", "parent", "children"),
    [
        ("foo", None, ["foo-bar"]),
        ("foo-bar", "foo", ["foo-bar-baz"]),
        ("foo-bar-baz", "foo-bar", []),
        ("deep-down-there", None, []),
        ("deep", None, []),
    ],
)
def test_parent_and_children_are_one_component_away(namespace: str, parent: str | None, children: list[str]) -> None:
    granted = names("deep", "deep-down-there", "foo", "foo-bar", "foo-bar-baz")
    found = standard_json.loads(namespace_detail(canonicalize_name(namespace), granted))
    assert found == {"name": namespace, "parent": parent, "children": children}


def page(**fields: Any) -> ProjectPage:
    file = DistributionFile(
        filename="foo-1.0.tar.gz",
        project=canonicalize_name("foo"),
        version="1.0",
        packagetype="sdist",
        size=1,
        hashes={"sha256": "a" * 64},
        upload_time=datetime(2026, 11, 22, tzinfo=UTC),
    )
    return ProjectPage(project=canonicalize_name("foo"), files=[file], **fields)


def test_pages_of_a_repository_that_tells_of_namespaces_are_of_version_1_5() -> None:
    inside = standard_json.loads(json.project_page(page(), namespaces=names("foo")))
    assert inside["meta"] == {"api-version": "1.5"}
    assert inside["namespaces"] == [{"name": "foo", "owned": True}]
    outside = standard_json.loads(json.project_page(page(), namespaces=[]))
    assert outside["meta"] == {"api-version": "1.5"}
    assert outside["namespaces"] is None
    listing = standard_json.loads(json.project_list(["foo"], with_namespaces=True))
    assert listing == {"meta": {"api-version": "1.5"}, "projects": [{"name": "foo"}]}


def test_pages_of_other_repositories_have_no_trace_of_them() -> None:
    document = standard_json.loads(json.project_page(page()))
    assert document["meta"] == {"api-version": "1.4"}
    assert "namespaces" not in document


def test_html_knows_nothing_of_namespaces() -> None:
    assert 'name="pypi:repository-version" content="1.4"' in html.project_page(page())
