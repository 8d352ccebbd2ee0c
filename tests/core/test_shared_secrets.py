from __future__ import annotations

import pytest

from pywharf_core.auth import Access
from pywharf_core.secret import Secret
from pywharf_core.shared_secrets import SharedSecretOptions, SharedSecretsType

READER = Secret("read me")
WRITER = Secret("write me")


def access_of(secret: Secret, options: SharedSecretOptions) -> Access:
    return SharedSecretsType().open("local", options).access("__token__", secret).access


@pytest.mark.parametrize(
    ("options", "presented", "access"),
    [
        (SharedSecretOptions(read_secret=READER, write_secret=WRITER), "read me", Access.READ),
        (SharedSecretOptions(read_secret=READER, write_secret=WRITER), "write me", Access.WRITE),
        (SharedSecretOptions(read_secret=READER, write_secret=WRITER), "Read me", Access.UNKNOWN),
        (SharedSecretOptions(read_secret=READER, write_secret=WRITER), "", Access.UNKNOWN),
        (SharedSecretOptions(read_secret=READER, write_secret=WRITER), "read mé", Access.UNKNOWN),
        (SharedSecretOptions(read_secret=READER), "read me", Access.READ),
        (SharedSecretOptions(write_secret=WRITER), "read me", Access.UNKNOWN),
        (SharedSecretOptions(read_secret=WRITER, write_secret=WRITER), "write me", Access.WRITE),
        (SharedSecretOptions(read_secret=Secret.from_hash(READER.hashed())), "read me", Access.READ),
        (SharedSecretOptions(read_secret=Secret.from_hash(READER.hashed())), "write me", Access.UNKNOWN),
    ],
)
def test_a_shared_secret_has_the_right_it_was_configured_for(
    options: SharedSecretOptions, presented: str, access: Access
) -> None:
    assert access_of(Secret(presented), options) is access


class CountingSecret(Secret):
    """Counts how often it is compared."""

    __slots__ = ("comparisons",)

    def __init__(self, value: str) -> None:
        super().__init__(value)
        self.comparisons = 0

    def matches(self, other: Secret) -> bool:
        self.comparisons += 1
        return super().matches(other)


@pytest.mark.parametrize("presented", ["read me", "write me", "neither"])
def test_both_secrets_are_compared_whichever_is_presented(presented: str) -> None:
    reader, writer = CountingSecret("read me"), CountingSecret("write me")
    access_of(Secret(presented), SharedSecretOptions(read_secret=reader, write_secret=writer))
    assert (reader.comparisons, writer.comparisons) == (1, 1)


def test_without_any_secret_the_options_are_a_problem() -> None:
    assert SharedSecretOptions().problems() == [
        'read_secret, write_secret: at least one is needed with auth = "secrets"'
    ]
    assert SharedSecretOptions(read_secret=READER).problems() == []


def test_secrets_are_not_in_the_repr_of_their_options() -> None:
    assert "read me" not in repr(SharedSecretOptions(read_secret=READER))
