"""The releases of a project, a line each: they say what `releases` finds out by reading every file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings

from core.index.entries import publications, published, put
from pywharf_core.index.local import LocalIndex
from pywharf_core.model import DistributionFile
from pywharf_core.releases import by_release


@pytest.fixture
def index(tmp_path: Path) -> Iterator[LocalIndex]:
    opened = LocalIndex(tmp_path / "index.sqlite3", tmp_path / "index.lock")
    yield opened
    opened.close()


@settings(deadline=None, max_examples=60)
@given(publications)
def test_the_lines_say_what_the_files_say(
    tmp_path_factory: pytest.TempPathFactory, files: list[DistributionFile]
) -> None:
    folder = tmp_path_factory.mktemp("index")
    index = LocalIndex(folder / "index.sqlite3", folder / "index.lock")
    for file in files:
        put(index, file)
    with index.reading() as snapshot:
        expected = list(reversed(by_release(snapshot.files("grail"))))
        lines = snapshot.releases("grail")
        assert len(lines) == snapshot.count_releases("grail")
        assert lines[:2] == snapshot.releases("grail", limit=2)
        for line, release in zip(lines, expected, strict=True):
            ages = sorted(file.upload_time for file in release.files)
            if len(ages) == 1 or ages[0] < ages[1]:
                assert line.version == release.version
            assert line.files == len(release.files)
            assert line.uploaded == ages[0]
            assert line.yanked == (release.yanked is not None)
            assert line.prerelease == release.parsed.is_prerelease
            assert snapshot.release("grail", release.version) == release
    index.close()


@pytest.mark.parametrize("version", ["1.0", "1", "v1.0.0", "1.0.0.0"])
def test_a_release_is_found_by_every_equal_version(index: LocalIndex, version: str) -> None:
    with index.reading() as snapshot:
        assert snapshot.release("grail", version) is None
    put(index, published("grail", "1.0"), published("grail", "2.0"))
    with index.reading() as snapshot:
        release = snapshot.release("grail", version)
        assert release is not None
        assert [file.filename for file in release.files] == ["grail-1.0-py3-none-any.whl"]


@pytest.mark.parametrize("version", ["", "one", "3.0", "1.0-py3", "\udcff", "1" * 5000, "x" * 100_000])
def test_what_is_no_version_or_of_no_release_is_not_found(index: LocalIndex, version: str) -> None:
    put(index, published("grail", "1.0"))
    with index.reading() as snapshot:
        assert snapshot.release("grail", version) is None


def test_a_project_that_is_not_here_has_no_releases(index: LocalIndex) -> None:
    with index.reading() as snapshot:
        assert snapshot.releases("grail") == []
        assert snapshot.latest_version("grail") is None
        assert snapshot.count_releases("grail") == 0


def test_names_are_told_from_those_that_are_here(index: LocalIndex) -> None:
    put(index, published("grail", "1.0"), published("swallow"))
    with index.reading() as snapshot:
        assert snapshot.listed_among(["grail", "rabbit"]) == {"grail"}


def test_a_moment_keeps_its_microseconds(index: LocalIndex) -> None:
    moment = datetime(2026, 1, 1, 12, 30, 1, 123456, UTC)
    put(index, published("grail", upload_time=moment))
    with index.reading() as snapshot:
        assert snapshot.releases("grail")[0].uploaded == moment
