"""Files by release, the latest of them, and what describes one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from pywharf_core.model import DistributionFile
from pywharf_core.releases import by_release, latest, release_of

MORNING = datetime(2026, 11, 22, 8, 30, 1, tzinfo=UTC)


def file(version: str, *, after: int = 0, tag: str = "py3", **fields: Any) -> DistributionFile:
    """:param after: minutes, of the upload after the morning."""
    values = {
        "filename": f"foo-{version}-{tag}-none-any.whl",
        "project": canonicalize_name("foo"),
        "version": version,
        "packagetype": "bdist_wheel",
        "size": 1,
        "hashes": {"sha256": "a" * 64},
        "upload_time": MORNING + timedelta(minutes=after),
        **fields,
    }
    return DistributionFile(**values)


def test_releases_ascend_by_pep_440_and_their_files_by_name() -> None:
    releases = by_release([file("1.10"), file("1.9", tag="py3"), file("1.9", tag="py2"), file("2.0a1")])
    assert [release.version for release in releases] == ["1.9", "1.10", "2.0a1"]
    assert [found.filename for found in releases[0].files] == ["foo-1.9-py2-none-any.whl", "foo-1.9-py3-none-any.whl"]


def test_equal_spellings_are_one_release_called_as_the_first_upload_called_it() -> None:
    (release,) = by_release([file("1.0.0", after=2), file("1.0", after=1), file("1", after=3)])
    assert release.version == "1.0"
    assert len(release.files) == 3


@pytest.mark.parametrize(
    ("versions", "yanked", "newest"),
    [
        (["1.0", "1.10", "1.9"], [], "1.10"),
        (["1.0", "2.0a1", "2.0.dev1"], [], "1.0"),
        (["1.0a1", "1.0a2"], [], "1.0a2"),
        (["1.0", "2.0"], ["2.0"], "1.0"),
        (["1.0", "2.0a1"], ["1.0"], "2.0a1"),
        (["1.0", "2.0"], ["1.0", "2.0"], "2.0"),
        (["1.0", "1.0.post1", "1.0+local"], [], "1.0.post1"),
        (["2024.1", "1!1.0"], [], "1!1.0"),
    ],
)
def test_the_latest_is_not_yanked_then_final_then_highest(versions: list[str], yanked: list[str], newest: str) -> None:
    files = [file(version, yanked="" if version in yanked else None) for version in versions]
    assert latest(by_release(files)).version == newest


def test_a_release_is_yanked_when_all_its_files_are_and_tells_a_reason_if_one_has_any() -> None:
    one, other = file("1.0", tag="py2", yanked=""), file("1.0", tag="py3")
    assert by_release([one, other])[0].yanked is None
    assert by_release([one])[0].yanked == ""
    assert by_release([one, file("1.0", tag="py3", yanked="Loses data")])[0].yanked == "Loses data"


@pytest.mark.parametrize("asked", ["1.0", "1", "1.0.0", "v1.0", " 1.0 ", "01.0"])
def test_a_release_is_found_by_every_equal_spelling(asked: str) -> None:
    found = release_of(by_release([file("1.0"), file("1.1")]), asked)
    assert found is not None
    assert found.version == "1.0"


@pytest.mark.parametrize("asked", ["2.0", "1.0a1", "1.0+local", "1!1.0", "", "latest", "json"])
def test_another_version_or_none_at_all_finds_nothing(asked: str) -> None:
    assert release_of(by_release([file("1.0")]), asked) is None


def test_the_first_upload_with_readable_metadata_describes_the_release() -> None:
    unread = file("1.0", after=0, tag="py1")
    unreadable = file("1.0", after=1, tag="py2", core_metadata={})
    first = file("1.0", after=2, tag="py4", core_metadata={"summary": "first"})
    second = file("1.0", after=3, tag="py3", core_metadata={"summary": "second"})
    (release,) = by_release([second, first, unreadable, unread])
    assert release.described_by == first
    assert by_release([unread, unreadable])[0].described_by is None


def test_a_version_of_more_digits_than_python_reads_finds_nothing() -> None:
    assert release_of(by_release([file("1.0")]), "1" * 5000) is None
