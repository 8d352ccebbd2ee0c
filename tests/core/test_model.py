from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name

from pywharf_core import toml_text
from pywharf_core.model import PACKAGE_TYPES, DistributionFile, from_record, to_record

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
HEX = st.text("0123456789abcdef", min_size=64, max_size=64)
FILES = st.builds(
    DistributionFile,
    filename=st.just("foo-1.0.tar.gz"),
    project=st.just(canonicalize_name("foo")),
    version=st.just("1.0"),
    packagetype=st.sampled_from(PACKAGE_TYPES),
    size=st.integers(0, 2**40),
    hashes=st.fixed_dictionaries({"sha256": HEX}, optional={"blake2b_256": HEX}),
    upload_time=st.datetimes(min_value=datetime(1990, 1, 1), timezones=st.just(UTC)),
    requires_python=st.none() | TEXTS.filter(bool),
    yanked=st.none() | TEXTS,
    core_metadata=st.none() | st.dictionaries(TEXTS, TEXTS | st.lists(TEXTS).map(tuple)),
    core_metadata_sha256=st.none() | HEX,
    provenance_sha256=st.none() | HEX,
    comment=st.none() | TEXTS.filter(bool),
    storage_id=TEXTS,
    counter=st.integers(0, 2**40),
)


@given(FILES)
def test_a_file_is_read_back_from_its_record_through_json_and_toml(file: DistributionFile) -> None:
    record = to_record(file)
    assert from_record(record) == file
    assert from_record(json.loads(json.dumps(record))) == file
    assert from_record(toml_text.loads(toml_text.dumps(record))) == file


def a_file(**fields: Any) -> DistributionFile:
    values = {
        "filename": "foo-1.0.tar.gz",
        "project": canonicalize_name("foo"),
        "version": "1.0",
        "packagetype": "sdist",
        "size": 1,
        "hashes": {"sha256": "a" * 64},
        "upload_time": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        **fields,
    }
    return DistributionFile(**values)


def test_a_record_holds_what_is_known_and_nothing_else() -> None:
    assert to_record(a_file(fingerprint="of this place")) == {
        "filename": "foo-1.0.tar.gz",
        "project": "foo",
        "version": "1.0",
        "packagetype": "sdist",
        "size": 1,
        "hashes": {"sha256": "a" * 64},
        "upload_time": "2026-01-02T03:04:05Z",
        "counter": 0,
    }


def test_a_fingerprint_is_told_by_the_place() -> None:
    assert from_record(to_record(a_file()), fingerprint="here").fingerprint == "here"


def test_a_yank_without_reason_is_not_no_yank() -> None:
    assert to_record(a_file(yanked=""))["yanked"] == ""
    assert "yanked" not in to_record(a_file())


def test_an_upload_time_of_another_zone_is_written_in_utc() -> None:
    east = timezone(timedelta(hours=2))
    file = a_file(upload_time=datetime(2026, 1, 2, 3, 4, 5, tzinfo=east))
    assert to_record(file)["upload_time"] == "2026-01-02T01:04:05Z"


@pytest.mark.parametrize("missing", ["filename", "project", "version", "packagetype", "size", "hashes", "upload_time"])
def test_a_record_that_lacks_something_is_refused(missing: str) -> None:
    record = to_record(a_file())
    del record[missing]
    with pytest.raises(ValueError, match="not the record of a distribution file"):
        from_record(record)


@pytest.mark.parametrize(
    "change",
    [
        {"size": "big"},
        {"size": None},
        {"size": -1},
        {"size": True},
        {"counter": 1.0},
        {"hashes": []},
        {"hashes": {"md5": "a" * 32}},
        {"hashes": {"sha256": 1}},
        {"upload_time": "yesterday"},
        {"upload_time": "2026-01-02T03:04:05"},
        {"upload_time": "0001-01-01T00:00:00+23:59"},
        {"core_metadata": 1},
        {"core_metadata": {"classifiers": [1, 2]}},
        {"core_metadata": {"summary": None}},
        {"packagetype": "bdist_egg"},
        {"filename": 1},
        {"project": None},
        {"version": 1.0},
        {"yanked": True},
        {"comment": ["a"]},
        {"storage_id": 7},
    ],
    ids=str,
)
def test_a_record_that_was_not_written_by_us_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="."):
        from_record({**to_record(a_file()), **change})


def test_a_file_does_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        a_file().size = 2  # type: ignore[misc]
