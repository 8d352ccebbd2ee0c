"""What strangers wrote, and times, as words of a page."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta, timezone

import pytest

from pywharf.pages.metadata import shown_metadata
from pywharf.pages.text import day, machine_moment, moment, shown, visible
from pywharf_core.model import CoreMetadata


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain – ünï\tcode\nlines", "plain – ünï\tcode\nlines"),
        ("a\u202eb\u2066c\0d\x1be\x85f", "a\ufffdb\ufffdc\ufffdd\ufffde\ufffdf"),
        ("שלום \u05e2\u200f", "שלום \u05e2\u200f"),
    ],
)
def test_what_turns_or_hides_is_seen_and_all_else_stays(text: str, seen: str) -> None:
    assert visible(text) == seen


def test_a_long_text_is_cut_and_says_so() -> None:
    assert shown("x" * 1000) == "x" * 1000
    assert shown("x" * 1001) == "x" * 1000 + "…"
    assert shown("abc", 2) == "ab…"


def test_times_are_told_in_utc() -> None:
    here = datetime(2026, 11, 22, 0, 30, 5, tzinfo=timezone(timedelta(hours=1)))
    assert (moment(here), day(here), machine_moment(here)) == (
        "2026-11-21 23:30 UTC",
        "2026-11-21",
        "2026-11-21T23:30:05Z",
    )
    assert moment(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) == "2026-01-01 00:00 UTC"


def nothing_here(names: Collection[str]) -> set[str]:
    return set()


def test_a_release_that_says_nothing_has_empty_fields() -> None:
    told = shown_metadata("grail", {}, listed_among=nothing_here)
    assert (told.name, told.summary, told.license, told.requires_python) == ("grail", "", "", "")
    assert [*told.authors, *told.urls.items, *told.dependencies, *told.keywords.items] == []


@pytest.mark.parametrize(
    ("fields", "short", "text"),
    [
        ({"license": "MIT"}, "MIT", ""),
        ({"license_expression": "MIT", "license": "The whole\ntext"}, "MIT", "The whole\ntext"),
        ({"license": "The whole\ntext"}, "", "The whole\ntext"),
        ({"license": "x" * 101}, "", "x" * 101),
    ],
)
def test_a_licence_is_a_word_or_a_text(fields: CoreMetadata, short: str, text: str) -> None:
    told = shown_metadata("grail", fields, listed_among=nothing_here)
    assert (told.license, told.license_text) == (short, text)


@pytest.mark.parametrize(
    ("requirement", "extra", "name", "rest"),
    [
        ("a", "", "a", ""),
        ("a[y,x] >=1,<2", "", "a", "[x,y] <2,>=1"),
        ("a ; extra == 'x'", "x", "a", ""),
        ('a>1 ; (os_name=="nt" or os_name=="x") and extra=="x"', "x", "a", ' >1 ; (os_name == "nt" or os_name == "x")'),
        ("a ; extra == 'x' and os_name == 'nt'", "x", "a", ' ; extra == "x" and os_name == "nt"'),
        ("a @ https://x.test/a.whl", "", "a", " @ https://x.test/a.whl"),
        ("", "", "", ""),
        ("a b c", "", "a b c", ""),
        ("<script>", "", "<script>", ""),
        ("a" * 5000, "", "a" * 2000, ""),
    ],
)
def test_a_dependency_is_told_by_its_name_what_is_wanted_and_its_extra(
    requirement: str, extra: str, name: str, rest: str
) -> None:
    told = shown_metadata("grail", {"requires_dist": (requirement,)}, listed_among=nothing_here)
    [group] = told.dependencies
    [dependency] = group.dependencies
    assert (group.extra, dependency.name, dependency.rest, dependency.project) == (extra, name, rest, "")


def test_only_projects_that_are_here_are_asked_for_once_and_linked() -> None:
    asked: list[Collection[str]] = []

    def here(names: Collection[str]) -> set[str]:
        asked.append(names)
        return {"swallow"}

    told = shown_metadata("grail", {"requires_dist": ("Swallow>1", "coconut", "no name!")}, listed_among=here)
    assert [each.project for each in told.dependencies[0].dependencies] == ["swallow", "", ""]
    assert asked == [{"swallow", "coconut"}]


@pytest.mark.parametrize(
    ("emails", "people"),
    [
        ("Arthur <a@b.test>", [("Arthur", "mailto:a@b.test")]),
        ("a@b.test", [("a@b.test", "mailto:a@b.test")]),
        ('"King, A." <a@b.test>, c@d.test', [("King, A.", "mailto:a@b.test"), ("c@d.test", "mailto:c@d.test")]),
        ("Arthur", [("Arthur", None)]),
        ("a@b.test?subject=x&body=y", [("a@b.test?subject=x&body=y", None)]),
    ],
)
def test_people_are_told_with_their_addresses(emails: str, people: list[tuple[str, str | None]]) -> None:
    told = shown_metadata("grail", {"author_email": emails}, listed_among=nothing_here)
    assert [(each.text, each.href) for each in told.authors] == people


def test_of_very_many_the_first_are_shown_and_the_others_counted() -> None:
    fields: CoreMetadata = {
        "classifiers": tuple(f"A :: {number}" for number in range(1000)),
        "requires_dist": tuple(f"a{number}" for number in range(1000)),
        "keywords": ",".join(f"k{number}" for number in range(1000)),
    }
    told = shown_metadata("grail", fields, listed_among=nothing_here)
    assert (len(told.classifiers.items), told.classifiers.more) == (200, 800)
    assert (len(told.dependencies[0].dependencies), told.more_dependencies) == (200, 800)
    assert (len(told.keywords.items), told.keywords.more) == (200, 800)
