"""Versions as bytes: their order is the versions' own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from pywharf_core.index.version_key import is_final, version_key

ASCENDING = [
    "0", "0.0.1.dev3", "0.0.1", "0.9", "0.10", "1.dev0", "1.dev10", "1a1.dev1", "1a1.dev2", "1a1", "1a2.post1.dev1",
    "1a2.post1", "1a10", "1b1", "1rc1", "1", "1+abc", "1+abc.1", "1+abd", "1+1", "1+1.a", "1+1.2", "1+10", "1.post1.dev1",
    "1.post1", "1.post10", "1.0.1", "1.1", "2.0.0.0.1", "2.0.1", "9", "10", "100", "20261122", "1!0", "1!1", "2!0",
]  # fmt: skip

numbers = st.integers(0, 12) | st.integers(0, 10**30)
versions = st.builds(
    lambda epoch, release, pre, post, dev, local: (
        f"{epoch}!{'.'.join(map(str, release))}{pre}{post}{dev}" + (f"+{'.'.join(local)}" if local else "")
    ),
    st.integers(0, 2),
    st.lists(numbers, min_size=1, max_size=4),
    st.just("") | st.builds("{}{}".format, st.sampled_from(["a", "b", "rc"]), numbers),
    st.just("") | st.builds(".post{}".format, numbers),
    st.just("") | st.builds(".dev{}".format, numbers),
    st.lists(st.from_regex(r"[a-z0-9]{1,3}", fullmatch=True), max_size=3),
)


def test_well_known_versions_are_in_order() -> None:
    assert sorted(ASCENDING, key=version_key) == sorted(ASCENDING, key=Version) == ASCENDING


@given(versions, versions)
def test_any_two_versions_compare_as_their_keys_do(one: str, other: str) -> None:
    first, second = Version(one), Version(other)
    assert (version_key(one) < version_key(other)) == (first < second)
    assert (version_key(one) == version_key(other)) == (first == second)


@pytest.mark.parametrize(
    ("one", "other"), [("1", "1.0.0"), ("1.0RC1", "1rc1"), ("v1.0-1", "1.0.post1"), ("1+A", "1+a")]
)
def test_equal_versions_have_one_key(one: str, other: str) -> None:
    assert version_key(one) == version_key(other)


@pytest.mark.parametrize("text", ["", "one", "1.0-final-2", "\udcff", "1" * 5000])
def test_what_is_no_version_comes_before_all_versions(text: str) -> None:
    assert version_key(text) < version_key("0.dev0")
    assert not is_final(text)


@pytest.mark.parametrize(
    ("text", "final"), [("1.0", True), ("1.0.post1", True), ("1.0rc1", False), ("1.0.dev1", False)]
)
def test_a_final_release_is_neither_pre_nor_dev(text: str, final: bool) -> None:
    assert is_final(text) is final
