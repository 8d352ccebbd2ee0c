"""The catalogue: what people are shown of each project, and what they find it by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from core.index.entries import publications, published, put
from pywharf_core.errors import PluginError
from pywharf_core.filenames import normalise
from pywharf_core.index import database
from pywharf_core.index.catalogue import CatalogueEntry, Order
from pywharf_core.index.local import LocalIndex
from pywharf_core.index.words import question
from pywharf_core.model import DistributionFile, ProjectState, ProjectStatus
from pywharf_core.releases import by_release, latest
from pywharf_core.storage_answers import Deleted


@pytest.fixture
def index(tmp_path: Path) -> Iterator[LocalIndex]:
    opened = LocalIndex(tmp_path / "index.sqlite3", tmp_path / "index.lock")
    yield opened
    opened.close()


def entries(index: LocalIndex, order: Order = Order.NAME) -> Sequence[CatalogueEntry]:
    with index.reading() as snapshot:
        return snapshot.catalogue(order=order).entries


def only(index: LocalIndex) -> CatalogueEntry:
    (found,) = entries(index)
    return found


def found(index: LocalIndex, text: str) -> list[str]:
    with index.reading() as snapshot:
        page = snapshot.search(text)
    assert page.total == len(page.entries)
    return [each.project for each in page.entries]


# --- one line of a project -----------------------------------------------------------------------------------


def test_a_project_is_described_by_its_latest_release(index: LocalIndex) -> None:
    put(
        index,
        published("HolyGrail", "1.9", "Old", day=5),
        published("holygrail", "1.10", "A cup"),
        published("holygrail", "2.0rc1", "To come", day=3),
    )
    assert only(index) == CatalogueEntry(
        project="holygrail",
        name="holygrail",
        summary="A cup",
        version="1.10",
        releases=3,
        uploaded=datetime(2026, 1, 5, 12, tzinfo=UTC),
        yanked=False,
        status=ProjectStatus.ACTIVE,
    )


def test_the_first_file_of_a_release_that_has_metadata_speaks_for_it(index: LocalIndex) -> None:
    sdist = replace(published("Grail", "1.0.0", "Second", day=2), filename="grail-1.0.0.tar.gz", packagetype="sdist")
    unread = replace(published("grail", "1", day=1, core_metadata=None), filename="grail-1-py2-none-any.whl")
    put(index, sdist, published("GRAIL", "1.0", "Third", day=3), unread)
    shown = only(index)
    assert (shown.name, shown.summary, shown.version, shown.releases) == ("Grail", "Second", "1", 1)


def test_a_project_whose_metadata_nobody_has_read_is_called_by_its_normalised_name(index: LocalIndex) -> None:
    for metadata in (None, {}, {"name": ("a", "list"), "summary": ("too",)}):
        put(index, published("holy-grail", core_metadata=metadata))
        assert (only(index).name, only(index).summary) == ("holy-grail", "")


def test_yanked_releases_are_meant_last(index: LocalIndex) -> None:
    put(index, published("grail", "1.0", "One"), published("grail", "2.0", "Two", yanked=""))
    assert (only(index).version, only(index).yanked) == ("1.0", False)
    put(index, published("grail", "1.0", "One", yanked="bad"))
    assert (only(index).version, only(index).yanked) == ("2.0", True)
    put(index, published("grail", "3.0.dev1", "Three"))
    assert (only(index).version, only(index).yanked) == ("3.0.dev1", False)


def test_a_summary_is_one_line_of_bounded_length(index: LocalIndex) -> None:
    put(index, published("a" * 200, summary="x\n  y\t z\0" + "w" * 5000))
    assert only(index).summary.startswith("x y z\0www")
    assert len(only(index).summary) == 1000


def test_what_is_deleted_is_no_longer_described_nor_found(index: LocalIndex) -> None:
    put(index, published("grail", "1.0", "One"), published("grail", "2.0", "Two"))
    with index.changing() as change:
        change.remove_file("grail-2.0-py3-none-any.whl")
    assert (only(index).version, only(index).summary, only(index).releases) == ("1.0", "One", 1)
    assert found(index, "two") == []
    assert found(index, "one") == ["grail"]
    with index.changing() as change:
        change.put_tombstone(Deleted("grail-1.0-py3-none-any.whl", "0" * 64), "grail")
    assert entries(index) == []
    assert found(index, "grail") == []
    put(index, published("grail", "1.0", "One"))
    assert found(index, "grail") == ["grail"]


def test_a_project_without_files_is_not_listed_whatever_its_status(index: LocalIndex) -> None:
    with index.changing() as change:
        change.put_project(ProjectState(name=normalise("grail"), status=ProjectStatus.ARCHIVED, reserved=True))
    assert entries(index) == []


def test_a_status_is_told(index: LocalIndex) -> None:
    put(index, published("grail"))
    with index.changing() as change:
        change.put_project(ProjectState(name=normalise("grail"), status=ProjectStatus.QUARANTINED, reason="Bad"))
    assert only(index).status is ProjectStatus.QUARANTINED


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(publications, st.sets(st.integers(0, 7)))
def test_the_catalogue_says_what_the_files_say(
    tmp_path_factory: pytest.TempPathFactory, files: list[DistributionFile], removed: set[int]
) -> None:
    folder = tmp_path_factory.mktemp("index")
    index = LocalIndex(folder / "index.sqlite3", folder / "index.lock")
    for file in files:
        put(index, file)
    with index.changing() as change:
        for number in removed:
            if number < len(files):
                change.remove_file(files[number].filename)
    with index.reading() as snapshot:
        left = snapshot.files("grail")
    if left:
        expected = latest(by_release(left))
        shown = only(index)
        assert (shown.version, shown.releases) == (expected.version, len(by_release(left)))
        assert shown.uploaded == max(file.upload_time for file in left)
        assert shown.yanked == (expected.yanked is not None)
        assert expected.described_by is not None
        assert expected.described_by.core_metadata is not None
        assert shown.summary == expected.described_by.core_metadata["summary"]
    else:
        assert entries(index) == []
    index.close()


# --- lists ---------------------------------------------------------------------------------------------------


def test_projects_are_listed_by_name_or_the_last_upload_first(index: LocalIndex) -> None:
    put(index, published("b", day=3), published("C", day=1), published("a", day=2), published("a", "0.1", day=9))
    assert [each.project for each in entries(index)] == ["a", "b", "c"]
    assert [each.project for each in entries(index, Order.UPLOADED)] == ["a", "b", "c"]
    put(index, published("c", "2.0", day=10))
    assert [each.project for each in entries(index, Order.UPLOADED)] == ["c", "a", "b"]


def test_a_long_list_comes_in_pages(index: LocalIndex) -> None:
    put(index, *(published(f"p{number:03}", summary="One of many") for number in range(25)))
    with index.reading() as snapshot:
        for ask in (snapshot.catalogue, partial(snapshot.search, "many"), partial(snapshot.search, "p")):
            pages = [ask(offset=offset, limit=10) for offset in (0, 10, 20, 30)]
            assert [page.total for page in pages] == [25] * 4
            shown = [each.project for page in pages for each in page.entries]
            assert shown == [f"p{number:03}" for number in range(25)]


# --- search --------------------------------------------------------------------------------------------------


@pytest.fixture
def searched(index: LocalIndex) -> LocalIndex:
    put(
        index,
        published("HolyGrail", summary="A cup, much sought"),
        published("holy-hand-grenade", summary="Count to three; useful against rabbits"),
        published("swallow", summary="Carries coconuts. Like a grail it is sought"),
        published("PyYAML", summary="YAML for Python"),
        published("pytest", summary="Simple testing"),
        published("zope.interface", summary="Schnittstellen für Zöpfe"),
        published("base64ct", summary="Ohne Zeichen"),
    )
    return index


@pytest.mark.parametrize(
    ("text", "projects"),
    [
        ("holygrail", ["holygrail"]),
        ("HolyGrail", ["holygrail"]),
        ("holygr", ["holygrail"]),
        ("Holy_Grail", ["holygrail"]),
        ("holy grail", ["holygrail"]),
        ("holy-grail", ["holygrail"]),
        ("grail holy", ["holygrail"]),
        ("holy-hand-grenade", ["holy-hand-grenade"]),
        ("Holy.Hand", ["holy-hand-grenade"]),
        ("holyhandgr", ["holy-hand-grenade"]),
        ("grail", ["holygrail", "swallow"]),
        ("sought", ["holygrail", "swallow"]),
        ("sought cup", ["holygrail"]),
        ("rabb", ["holy-hand-grenade"]),
        ("yaml", ["pyyaml"]),
        ("test", ["pytest"]),
        ("zope_interface", ["zope-interface"]),
        ("zopf", ["zope-interface"]),
        ("zöpfen", []),
        ("ZÖPFE", ["zope-interface"]),
        ("zopfe", ["zope-interface"]),
        ("fu\u0308r", ["zope-interface"]),
        ("64", ["base64ct"]),
        ("se64c", ["base64ct"]),
        ("grail nothing", []),
        ("g gra GRAIL sou", ["holygrail", "swallow"]),
    ],
)
def test_projects_are_found_by_words_and_beginnings_of_words(
    searched: LocalIndex, text: str, projects: list[str]
) -> None:
    assert sorted(found(searched, text)) == sorted(projects)


def test_what_is_asked_for_by_its_name_comes_first_and_names_count_more_than_summaries(index: LocalIndex) -> None:
    put(
        index,
        published("requests-toolbelt", summary="requests, requests, requests"),
        published("requests"),
        published("zz-client", summary="Uses requests"),
        published("aa-prerequests"),
    )
    assert found(index, "Requests") == ["requests", "requests-toolbelt", "zz-client", "aa-prerequests"]


def test_a_word_that_another_one_begins_with_is_not_looked_for() -> None:
    asked = question("a " * 10 + "Al ALP alpha İ b")
    assert asked is not None
    assert asked.match.partition(" OR ")[0] == '("alpha" * AND "b" * AND "İ" *)'


HOSTILE = [
    "", " ", '"', '""', "'", "*", "-", "(", "a AND", "NOT", "OR OR", "NEAR(a b, 2)", "name:grail", "^grail", "a* -b",
    '"grail', "grail\0", "\0", "a\0b", "\udcff", "\ud800grail", "%", "_", "грааль", "聖杯", "🏺", "e\u0301", "\u0e01\u0e34",
    "ﬁ", "İ", "ß", "x" * 100_000, "a " * 50_000, "( " * 1000, "{name} : a", "a + b", "; drop table card; --", "²", "١٢",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_no_question_is_an_error(searched: LocalIndex, text: str) -> None:
    assert set(found(searched, text)) <= {each.project for each in entries(searched)}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
@given(st.text(max_size=60) | st.text(st.sampled_from('"*^-+():{}, ANDORTNEAR\0'), max_size=40))
@example('"" ""')
def test_whatever_is_typed_is_answered(searched: LocalIndex, text: str) -> None:
    found(searched, text)


@pytest.mark.parametrize("text", ["grail AND nothing", "NOT grail", "name:swallow", "swallow OR holygrail"])
def test_operators_are_words_like_others(searched: LocalIndex, text: str) -> None:
    assert found(searched, text) == []


def test_hostile_names_and_summaries_are_found_like_others(index: LocalIndex) -> None:
    put(index, published("evil", summary='"; <script>alert(1)</script> \0 NOT \uffff AND "'))
    assert found(index, "script alert") == ["evil"]
    assert found(index, "NOT") == ["evil"]


def test_a_python_without_full_text_search_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_SCHEMA", database._SCHEMA.replace("using fts5", "using fts5_of_nowhere"))
    with pytest.raises(PluginError, match=r"no full-text search \(FTS5\)"):
        LocalIndex(tmp_path / "index.sqlite3", tmp_path / "index.lock")
