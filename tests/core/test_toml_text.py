from __future__ import annotations

import datetime
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywharf_core import toml_text

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = (
    TEXTS
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.datetimes(timezones=st.sampled_from([datetime.UTC]))
    | st.dates()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=20
)


@given(st.dictionaries(TEXTS, VALUES, max_size=5))
def test_what_was_written_is_read_back(document: dict[str, Any]) -> None:
    assert toml_text.loads(toml_text.dumps(document)) == document


@pytest.mark.parametrize("text", ['"""', "'''", "\x7f", "\\", "a\\x7f", "\r\n", "\x00", "{}", "[x]", "# no", ""])
def test_an_awkward_text_survives_as_value_and_as_key(text: str) -> None:
    document = {text: text, "table": {text: {text: text}}, "tables": [{text: [text]}]}
    assert toml_text.loads(toml_text.dumps(document)) == document


def test_an_absent_value_is_left_out() -> None:
    assert toml_text.dumps({"a": None, "b": 1}) == "b = 1\n"


def test_a_tuple_becomes_an_array() -> None:
    assert toml_text.loads(toml_text.dumps({"a": ("x", "y")})) == {"a": ["x", "y"]}


def test_a_member_of_a_text_enumeration_is_written_as_its_text() -> None:
    class Colour(StrEnum):
        RED = "red"

    assert toml_text.dumps({"colour": Colour.RED}) == 'colour = "red"\n'


def test_a_lone_surrogate_becomes_the_replacement_character() -> None:
    assert toml_text.loads(toml_text.dumps({"a": "x\ud800y"})) == {"a": "x\ufffdy"}


def test_one_table_may_stand_in_two_places() -> None:
    shared: dict[str, str] = {}
    document = {"a": shared, "b": {"c": shared}}
    assert toml_text.loads(toml_text.dumps(document)) == document


def test_a_hole_in_an_array_is_refused() -> None:
    with pytest.raises(ValueError, match="None inside an array"):
        toml_text.dumps({"a": [None]})


def test_tables_in_an_array_read_as_people_write_them() -> None:
    assert toml_text.dumps({"mtime": 1, "pkgs": [{"type": "whl", "meta": {"name": "x"}}]}) == (
        'mtime = 1\n\n[[pkgs]]\ntype = "whl"\n\n[pkgs.meta]\nname = "x"\n'
    )
