from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywharf_core.secret import Secret


def test_a_secret_does_not_show_itself() -> None:
    secret = Secret("hunter2")
    for shown in (str(secret), repr(secret), f"{secret}", f"{secret!r}", repr({"secret": secret}), repr([secret])):
        assert "hunter2" not in shown
    assert secret.reveal() == "hunter2"


def test_secrets_are_equal_by_their_text() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert Secret("größe").matches(Secret("größe"))


def test_a_hash_matches_its_secret_and_no_other() -> None:
    hashed = Secret("hunter2").hashed()
    assert "hunter2" not in hashed
    known = Secret.from_hash(hashed)
    assert known.matches(Secret("hunter2"))
    assert not known.matches(Secret("hunter3"))
    assert not known.matches(Secret(""))


def test_two_hashes_of_one_secret_differ() -> None:
    assert Secret("a").hashed() != Secret("a").hashed()


def test_a_secret_of_which_only_the_hash_is_known_cannot_be_revealed() -> None:
    known = Secret.from_hash(Secret("a").hashed())
    with pytest.raises(ValueError, match="only the hash"):
        known.reveal()
    assert known != Secret("a")
    assert str(known) == "***"


# Of the secret "a", with a salt of zeros: the same in every process that collects the tests.
HASHED = "scrypt$n=16384,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA==$kOFYE0PRpKf84ZERLfVIq41izXxgWlur4omCdcxfb3k="


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hunter2",
        HASHED + "$",
        HASHED.replace("scrypt", "md5"),
        HASHED.replace("r=8", "r=x"),
        HASHED.replace(",p=1", ""),
        HASHED.replace("n=16384", "n=1073741824"),
        HASHED[:-8],
        HASHED.rsplit("$", 1)[0] + "$*",
    ],
)
def test_what_is_not_a_hash_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a hashed secret"):
        Secret.from_hash(text)


@given(st.text())
def test_no_text_but_a_hash_is_taken_for_one(text: str) -> None:
    with pytest.raises(ValueError, match="not a hashed secret"):
        Secret.from_hash(text)


def test_a_secret_is_neither_a_key_nor_pickled() -> None:
    with pytest.raises(TypeError):
        hash(Secret("a"))
    with pytest.raises(TypeError):
        pickle.dumps(Secret("a"))
    with pytest.raises(TypeError):
        copy.copy(Secret("a"))
