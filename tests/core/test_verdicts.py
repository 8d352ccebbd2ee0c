"""What is remembered of secrets, for how long, and what holds on when nobody can be asked."""

from __future__ import annotations

import pytest

from pywharf_core.auth import Access, Verdict
from pywharf_core.errors import StorageUnavailable
from pywharf_core.secret import Secret
from pywharf_core.verdicts import Verdicts


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def verdicts(clock: Clock) -> Verdicts:
    return Verdicts(read_expires=3600, write_expires=300, clock=clock)


@pytest.fixture
def key(verdicts: Verdicts) -> bytes:
    return verdicts.key("acme", Secret("token"))


def test_a_verdict_is_believed_as_long_as_its_storage_says(verdicts: Verdicts, clock: Clock, key: bytes) -> None:
    verdicts.remember(key, Verdict(Access.WRITE, 60))
    clock.now += 59
    assert verdicts.recall(key, Access.READ) == verdicts.recall(key, Access.WRITE) == Verdict(Access.WRITE, 60)
    clock.now += 1
    assert verdicts.recall(key, Access.READ) is None


def test_the_server_believes_no_longer_than_it_likes(verdicts: Verdicts, clock: Clock, key: bytes) -> None:
    verdicts.remember(key, Verdict(Access.WRITE))
    clock.now += 300
    assert verdicts.recall(key, Access.WRITE) is None
    assert verdicts.recall(key, Access.READ) is not None
    clock.now += 3300
    assert verdicts.recall(key, Access.READ) is None


def test_a_right_to_read_holds_on_where_nobody_can_be_asked(verdicts: Verdicts, clock: Clock, key: bytes) -> None:
    verdicts.remember(key, Verdict(Access.WRITE, 60))
    clock.now += 3599
    assert verdicts.hold(key, Access.READ) == Verdict(Access.READ), "not to write"
    assert verdicts.hold(key, Access.WRITE) is None
    clock.now += 1
    assert verdicts.hold(key, Access.READ) is None


@pytest.mark.parametrize("access", [Access.UNKNOWN, Access.NONE])
def test_no_right_holds_on_that_was_taken_away(verdicts: Verdicts, key: bytes, access: Access) -> None:
    verdicts.remember(key, Verdict(Access.READ, 60))
    verdicts.remember(key, Verdict(access, 10))
    assert verdicts.hold(key, Access.READ) is None


def test_nothing_holds_on_that_the_storage_contradicted(verdicts: Verdicts, key: bytes) -> None:
    verdicts.remember(key, Verdict(Access.READ, 60))
    verdicts.forget(key)
    assert verdicts.recall(key, Access.READ) is None
    assert verdicts.hold(key, Access.READ) is None
    assert verdicts.is_guess(key)


def test_a_secret_that_was_never_seen_holds_nothing(verdicts: Verdicts, key: bytes) -> None:
    assert verdicts.hold(key, Access.READ) is None
    assert verdicts.is_guess(key)


def test_the_reason_of_a_refusal_is_remembered(verdicts: Verdicts, clock: Clock, key: bytes) -> None:
    verdicts.remember(key, Verdict(Access.NONE, 10, "single sign-on is missing"))
    told = verdicts.recall(key, Access.READ)
    assert told is not None
    assert told.reason == "single sign-on is missing"
    clock.now += 10
    assert verdicts.recall(key, Access.READ) is None


@pytest.mark.parametrize(("told", "life"), [(None, 2), (0, 1), (7, 7), (600, 10)])
def test_a_failure_is_remembered_for_some_seconds(
    verdicts: Verdicts, clock: Clock, key: bytes, told: int | None, life: float
) -> None:
    verdicts.remember_failure(key, StorageUnavailable("It is down.", retry_after=told))
    clock.now += life - 0.5
    failure = verdicts.failure(key)
    assert failure is not None
    assert (str(failure), failure.retry_after) == ("It is down.", 1)
    assert verdicts.failure(verdicts.key("acme", Secret("another"))) is None
    clock.now += 0.5
    assert verdicts.failure(key) is None


def test_an_answer_ends_a_failure(verdicts: Verdicts, key: bytes) -> None:
    verdicts.remember_failure(key, StorageUnavailable("It is down."))
    verdicts.remember(key, Verdict(Access.READ))
    assert verdicts.failure(key) is None


def test_a_secret_is_kept_as_a_keyed_hash_only(verdicts: Verdicts) -> None:
    key = verdicts.key("acme", Secret("token"))
    assert key == verdicts.key("acme", Secret("token"))
    assert key != Verdicts().key("acme", Secret("token")), "each process has a key of its own"
    assert len({verdicts.key("a", Secret("bc")), verdicts.key("ab", Secret("c")), verdicts.key("abc", Secret(""))}) == 3
