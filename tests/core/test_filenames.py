from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import InvalidVersion, Version

from pywharf_core.errors import InvalidUpload
from pywharf_core.filenames import (
    MAX_FILENAME_BYTES,
    canonical_filename,
    is_project_name,
    normalise,
    parse_filename,
    parse_version,
)


@pytest.mark.parametrize(
    ("filename", "project", "version", "packagetype"),
    [
        ("HolyGrail-1.0.tar.gz", "holygrail", "1.0", "sdist"),
        ("holy_grail-1.0-py3-none-any.whl", "holy-grail", "1.0", "bdist_wheel"),
        ("Holy.Grail-1.0-py3-none-any.whl", "holy-grail", "1.0", "bdist_wheel"),
        ("foo-1!2.0-py3-none-any.whl", "foo", "1!2.0", "bdist_wheel"),
        ("foo-1.0+local.1-py3-none-any.whl", "foo", "1.0+local.1", "bdist_wheel"),
        ("foo-1.0-2abc-py3-none-any.whl", "foo", "1.0", "bdist_wheel"),
        ("foo-1.0-py2.py3-none-manylinux1_x86_64.manylinux2014_x86_64.whl", "foo", "1.0", "bdist_wheel"),
        ("foo-bar-1.0.tar.gz", "foo-bar", "1.0", "sdist"),
        ("foo-1.0.zip", "foo", "1.0", "sdist"),
        ("foo-1.0RC1.tar.gz", "foo", "1.0rc1", "sdist"),
    ],
)
def test_a_filename_names_its_project_version_and_kind(
    filename: str, project: str, version: str, packagetype: str
) -> None:
    parsed = parse_filename(filename)
    assert (parsed.project, str(parsed.version), parsed.packagetype) == (project, version, packagetype)
    assert parsed.filename == filename


@pytest.mark.parametrize(
    ("filename", "expected", "project", "version"),
    [
        ("foo-1.0-1.tar.gz", "foo", "foo", "1.0.post1"),
        ("foo-2-1.0.tar.gz", "foo-2", "foo-2", "1.0"),
        ("Foo.Bar-1.0.zip", "foo_bar", "foo-bar", "1.0"),
        ("foo-1.0.tar.gz", "bar", "foo", "1.0"),
    ],
)
def test_an_sdist_is_read_with_the_expected_project_in_hand(
    filename: str, expected: str, project: str, version: str
) -> None:
    parsed = parse_filename(filename, expected)
    assert (parsed.project, str(parsed.version)) == (project, version)


@pytest.mark.parametrize(
    "filename",
    [
        "",
        "foo",
        "foo-1.0",
        "foo-1.0.egg",
        "foo-1.0.tar.bz2",
        "foo-1.0.TAR.GZ",
        "foo-1.0-py3-none-any.WHL",
        "foo-1.0-py3-none.whl",
        "foo-1.0-abc-py3-none-any.whl",
        "foo__bar-1.0-py3-none-any.whl",
        "foo-one-py3-none-any.whl",
        "foo-one.tar.gz",
        "-1.0.tar.gz",
        ".foo-1.0.tar.gz",
        "../foo-1.0.tar.gz",
        "a/foo-1.0.tar.gz",
        "a\\foo-1.0.tar.gz",
        "foo-1.0.tar.gz\n",
        "foo-1.0\x00.tar.gz",
        "foo-\u0661.0.tar.gz",
        "foo\u202e-1.0.tar.gz",
        "foo-1..0.tar.gz",
        "f" * MAX_FILENAME_BYTES + "-1.0.tar.gz",
    ],
)
def test_what_is_not_the_name_of_a_wheel_or_sdist_is_refused(filename: str) -> None:
    with pytest.raises(InvalidUpload) as caught:
        parse_filename(filename)
    assert str(caught.value).isprintable()
    assert str(caught.value).endswith(".")


@given(st.text(max_size=300) | st.from_regex(r"[a-z0-9._+!-]*(\.whl|\.tar\.gz|\.zip)", fullmatch=True), st.text())
def test_any_text_is_parsed_or_refused(filename: str, project: str) -> None:
    for expected in (None, project):
        try:
            parsed = parse_filename(filename, expected)
        except InvalidUpload:
            continue
        assert parsed.project == normalise(parsed.project)
        assert is_project_name(parsed.project)


PROJECTS = st.from_regex(r"[a-z0-9]+(_[a-z0-9]+){0,2}", fullmatch=True).filter(lambda name: len(name) < 60)
VERSIONS = st.builds(
    lambda epoch, release, pre, post, dev, local: Version(
        f"{epoch}!{'.'.join(map(str, release))}{pre}{post}{dev}{local}"
    ),
    st.integers(0, 3),
    st.lists(st.integers(0, 3000), min_size=1, max_size=4),
    st.sampled_from(["", "a1", "b2", "rc3"]),
    st.sampled_from(["", ".post4"]),
    st.sampled_from(["", ".dev5"]),
    st.sampled_from(["", "+ubuntu.1", "+abc"]),
)


@given(PROJECTS, VERSIONS, st.sampled_from(["", "-1", "-2abc"]))
def test_a_filename_made_by_the_rules_is_read_back(project: str, version: Version, build: str) -> None:
    for filename in (f"{project}-{version}{build}-py3-none-any.whl", f"{project}-{version}.tar.gz"):
        for expected in (None, project):
            parsed = parse_filename(filename, expected)
            assert (parsed.project, parsed.version) == (normalise(project), version)


@given(st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", fullmatch=True))
def test_normalisation_is_that_of_the_specification_and_final(name: str) -> None:
    assert is_project_name(name)
    assert normalise(name) == re.sub(r"[-_.]+", "-", name).lower()
    assert normalise(normalise(name)) == normalise(name)
    assert is_project_name(normalise(name))


@pytest.mark.parametrize("name", ["", "-", "foo-", "_foo", "foo bar", "foo\n", "\u0130", "foo\u017f", "a/b"])
def test_what_the_specification_does_not_allow_is_no_project_name(name: str) -> None:
    assert not is_project_name(name)


def test_a_name_too_long_for_any_file_is_no_project_name() -> None:
    assert is_project_name("a" * MAX_FILENAME_BYTES)
    assert not is_project_name("a" * (MAX_FILENAME_BYTES + 1))


def test_a_number_of_more_digits_than_python_reads_is_no_version() -> None:
    with pytest.raises(InvalidVersion):
        parse_version("1" * 5000)


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("foo_bar-1.0-py3-none-any.whl", "Foo.Bar-1.0-py3-none-any.whl", True),
        ("foo-1.0-py3-none-any.whl", "foo-1.0.0-py3-none-any.whl", False),
        ("foo-1.0-py2.py3-none-any.whl", "foo-1.0-py3.py2-none-any.whl", True),
        ("foo-1.0-1-py3-none-any.whl", "foo-1.0-py3-none-any.whl", False),
        ("foo-1.0-py3-none-any.whl", "foo-1.0-py2-none-any.whl", False),
        ("foo_bar-1.0.tar.gz", "foo-bar-1.0.tar.gz", True),
        ("foo-1.0.tar.gz", "foo-1.0.zip", False),
        ("foo-1.0-1a-py3-none-any.whl", "foo-1.0-01a-py3-none-any.whl", True),
        ("foo-1.0-0-py3-none-any.whl", "foo-1.0-py3-none-any.whl", False),
        ("foo-1.0-py3-none-any.whl", "foo-1.00-PY3-none-any.whl", True),
        ("foo-1.0.tar.gz", "foo-1.0-py3-none-any.whl", False),
    ],
)
def test_two_spellings_of_a_filename_mean_one_distribution(one: str, other: str, equal: bool) -> None:
    assert (_canonical(one) == _canonical(other)) is equal
    for filename in (one, other):
        assert _canonical(_canonical(filename)) == _canonical(filename)


def _canonical(filename: str) -> str:
    parsed = parse_filename(filename)
    return canonical_filename(filename, parsed.project, str(parsed.version))
