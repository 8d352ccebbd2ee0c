from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywharf_core.errors import InvalidUpload
from pywharf_core.upload.form import parse_form

REQUIRED = [(":action", "file_upload"), ("name", "foo"), ("version", "1.0")]


def without(field: str) -> list[tuple[str, str]]:
    return [(key, value) for key, value in REQUIRED if key != field]


def test_a_full_form_is_read() -> None:
    form = parse_form(
        [
            ("name", "Foo.Bar"),
            ("version", "v1.0"),
            ("filetype", "bdist_wheel"),
            ("pyversion", "py3"),
            ("protocol_version", "1"),
            ("metadata_version", "2.4"),
            ("md5_digest", "A" * 32),
            ("sha256_digest", "b" * 64),
            ("blake2_256_digest", "C" * 64),
            ("comment", "a note"),
            ("classifiers", "Acme :: One"),
            ("requires_python", ">=3.8"),
            ("classifiers", "Acme :: Two"),
            ("unknown", "ignored"),
            (":action", "file_upload"),
            ("attestations", "[]"),
        ]
    )
    assert (form.name, form.version, form.filetype, form.pyversion) == ("Foo.Bar", "v1.0", "bdist_wheel", "py3")
    assert form.digests == {"md5": "a" * 32, "sha256": "b" * 64, "blake2b_256": "c" * 64}
    assert (form.comment, form.attestations) == ("a note", "[]")
    assert form.metadata == {
        "metadata_version": "2.4",
        "requires_python": ">=3.8",
        "classifiers": ("Acme :: One", "Acme :: Two"),
    }


def test_the_smallest_form_is_enough() -> None:
    form = parse_form(REQUIRED)
    assert (form.filetype, form.pyversion, form.digests, form.comment, form.metadata, form.attestations) == (
        None,
        None,
        {},
        None,
        {},
        None,
    )


@pytest.mark.parametrize(
    ("field", "key"),
    [
        ("platform", "platforms"),
        ("platforms", "platforms"),
        ("supported_platform", "supported_platforms"),
        ("license_file", "license_files"),
        ("license_files", "license_files"),
        ("import_name", "import_names"),
        ("import_names", "import_names"),
        ("import_namespaces", "import_namespaces"),
        ("classifier", "classifiers"),
        ("project_urls", "project_urls"),
        ("provides_extra", "provides_extra"),
        ("dynamic", "dynamic"),
    ],
)
def test_singular_and_plural_names_mean_the_same(field: str, key: str) -> None:
    assert parse_form([*REQUIRED, (field, "one"), (field, "two")]).metadata == {key: ("one", "two")}


@pytest.mark.parametrize("value", ["", "UNKNOWN", "  ", " UNKNOWN "])
@pytest.mark.parametrize("field", ["summary", "requires_python", "classifiers", "filetype", "sha256_digest", "comment"])
def test_a_value_that_says_nothing_is_absent(field: str, value: str) -> None:
    assert parse_form([*REQUIRED, (field, value)]) == parse_form(REQUIRED)


def test_the_description_is_not_kept_as_a_field() -> None:
    assert parse_form([*REQUIRED, ("description", "long"), ("description", "longer")]).metadata == {}


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ([], "The form has no field :action; an upload should say :action = file_upload."),
        (without(":action"), "The form has no field :action; an upload should say :action = file_upload."),
        ([(":action", "submit")], "The form's :action 'submit' is not supported; it should be 'file_upload'."),
        ([*REQUIRED, ("protocol_version", "2")], "protocol_version '2' is not supported; it should be '1'."),
        (without("name"), "The form has no field name; an upload should say the name of its project."),
        (without("version"), "The form has no field version; an upload should say the version of its project."),
        ([*without("name"), ("name", "UNKNOWN")], "The form has no field name"),
        ([*without("name"), ("name", "../foo")], "The form's name '../foo' is not a valid project name"),
        ([*without("name"), ("name", "foo\u0130")], "is not a valid project name"),
        ([*REQUIRED, ("filetype", "bdist_egg")], "filetype 'bdist_egg' is not supported; it should be 'bdist_wheel'"),
        ([*REQUIRED, ("md5_digest", "abc")], "md5_digest 'abc' is malformed; it should be 32 hex digits."),
        ([*REQUIRED, ("md5_digest", "g" * 32)], "is malformed; it should be 32 hex digits."),
        ([*REQUIRED, ("sha256_digest", "a" * 63)], "is malformed; it should be 64 hex digits."),
        ([*REQUIRED, ("blake2_256_digest", "\u0661" * 64)], "is malformed; it should be 64 hex digits."),
        ([*REQUIRED, ("name", "bar")], "The form gives name twice with different values; it should be given once."),
        ([*REQUIRED, ("summary", "a"), ("summary", "b")], "The form gives summary twice with different values"),
        ([*REQUIRED, ("content", "x")], "The form's part content has no filename; it should be the wheel or sdist"),
    ],
)
def test_a_bad_form_is_refused_in_one_sentence(fields: list[tuple[str, str]], sentence: str) -> None:
    with pytest.raises(InvalidUpload) as caught:
        parse_form(fields)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


NAMES = st.sampled_from(
    [":action", "name", "version", "filetype", "md5_digest", "sha256_digest", "classifiers", "platform", "summary"]
)


@given(st.lists(st.tuples(NAMES | st.text(), st.text() | st.sampled_from(["foo", "1.0", "file_upload"]))))
def test_any_form_is_read_or_refused_in_one_line(fields: list[tuple[str, str]]) -> None:
    try:
        sentence = parse_form(fields).name
    except InvalidUpload as error:
        sentence = str(error)
    assert sentence.isprintable()


@given(st.permutations([*REQUIRED, ("classifiers", "a"), ("sha256_digest", "a" * 64), ("filetype", "sdist")]))
def test_the_order_of_fields_means_nothing(fields: list[tuple[str, str]]) -> None:
    assert parse_form(fields) == parse_form(sorted(fields))


@given(st.lists(st.text(min_size=1).filter(lambda text: text.strip() not in ("", "UNKNOWN") and "\0" not in text)))
def test_every_value_is_kept_in_its_order(values: list[str]) -> None:
    form = parse_form([*REQUIRED, *(("classifiers", value) for value in values)])
    assert form.metadata.get("classifiers", ()) == tuple(values)
