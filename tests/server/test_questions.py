"""Of all who wait for what a secret may do one asks; what holds on when nobody answers; and who waits in line."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import nullcontext

import pytest

import pywharf.questions
from pywharf.questions import Pretend, Questions
from pywharf_core.auth import Access, Auth, Verdict
from pywharf_core.errors import StorageUnavailable, TooManyAttempts
from pywharf_core.guesses import Guesses
from pywharf_core.secret import Secret
from pywharf_core.verdicts import Verdicts

CLIENT, NEIGHBOUR = "192.0.2.1", "192.0.2.2"


class Asked(Auth):
    """Knows secrets that begin with ``good``; answers when it may.

    :ivar down: nobody can be asked.
    """

    def __init__(self) -> None:
        self.secrets: list[str] = []
        self.answers = threading.Event()
        self.answers.set()
        self.down = False

    def access(self, username: str, secret: Secret) -> Verdict:
        self.secrets.append(secret.reveal())
        assert self.answers.wait(20)
        if self.down:
            raise StorageUnavailable("It is down.", retry_after=30)
        return Verdict(Access.READ if secret.reveal().startswith("good") else Access.UNKNOWN, 60)


class Given:
    """:ivar now: seconds, by the clock of what is remembered."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.auth = Asked()
        self.verdicts = Verdicts(clock=lambda: self.now)
        self.guesses = Guesses(clock=lambda: self.now, together=False, burst=100)
        self.questions = Questions(self.auth, self.verdicts, self.guesses, Pretend({}), nullcontext)

    def ask(self, secret: str, *, client: str = CLIENT, wanted: Access = Access.READ) -> Awaitable[Verdict]:
        return self.questions.verdict("acme", Secret(secret), wanted, client)

    async def outcome(self, secret: str, *, client: str = CLIENT) -> object:
        """The access, or the kind of the error."""
        try:
            return (await self.ask(secret, client=client)).access
        except (TooManyAttempts, StorageUnavailable) as error:
            return type(error)

    async def outcomes(self, secrets: Sequence[str]) -> Counter[object]:
        return Counter(await asyncio.gather(*map(self.outcome, secrets)))


@pytest.fixture
def given() -> Iterator[Given]:
    made = Given()
    yield made
    made.auth.answers.set()


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        await asyncio.wait_for(test(), 30)

    asyncio.run(limited())


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - threads and clocks tell no event
        await asyncio.sleep(0.01)


def test_of_many_who_wait_for_one_secret_one_asks(given: Given) -> None:
    async def test() -> None:
        assert await given.outcomes(["good"] * 50) == {Access.READ: 50}
        assert given.auth.secrets == ["good"]
        assert await given.outcomes(["bad"] * 50) == {Access.UNKNOWN: 50}
        assert given.auth.secrets == ["good", "bad"]

    run(test)


def test_all_who_wait_share_a_failure_and_nobody_asks_again_at_once(given: Given) -> None:
    given.auth.down = True

    async def test() -> None:
        assert await given.outcomes(["good"] * 50) == {StorageUnavailable: 50}
        assert await given.outcome("good") is StorageUnavailable
        assert given.auth.secrets == ["good"]
        given.auth.down = False
        given.now += 10
        assert await given.outcome("good") is Access.READ

    run(test)


def test_who_goes_away_takes_nobody_s_answer_along(given: Given) -> None:
    given.auth.answers.clear()

    async def test() -> None:
        first, second = (asyncio.ensure_future(given.ask("good")) for _ in range(2))
        await until(lambda: bool(given.auth.secrets))
        first.cancel()
        await asyncio.sleep(0)
        given.auth.answers.set()
        assert (await second).access is Access.READ
        assert given.auth.secrets == ["good"]

    run(test)


def test_good_secrets_of_one_address_are_not_taken_for_guesses_one_by_one_or_together(given: Given) -> None:
    async def test() -> None:
        for number in range(200):
            assert await given.outcome(f"good {number}") is Access.READ
        assert await given.outcomes([f"good together {number}" for number in range(90)]) == {Access.READ: 90}

    run(test)


def test_bad_secrets_are_slowed_and_known_ones_go_on(given: Given) -> None:
    async def test() -> None:
        assert await given.outcome("good") is Access.READ
        found = await given.outcomes([f"bad {number}" for number in range(60)])
        assert found[Access.UNKNOWN] == 20
        assert found[TooManyAttempts] == 40
        assert await given.outcome("good new one") is TooManyAttempts
        given.now += 1  # half a guess is allowed anew
        assert await given.outcome("good") is Access.READ
        assert await given.outcome("good from elsewhere", client=NEIGHBOUR) is Access.READ

    run(test)


def test_a_known_secret_is_verified_again_during_a_flood(given: Given) -> None:
    async def test() -> None:
        assert await given.outcome("good") is Access.READ
        given.now += 60
        await given.outcomes([f"bad {number}" for number in range(60)])
        assert await given.outcome("good") is Access.READ
        assert given.auth.secrets.count("good") == 2

    run(test)


def test_who_comes_during_a_flood_waits_for_room(given: Given) -> None:
    given.auth.answers.clear()

    async def test() -> None:
        flood = [asyncio.ensure_future(given.outcome(f"good {number}")) for number in range(20)]
        late = asyncio.ensure_future(given.outcome("good late"))
        await until(lambda: len(given.auth.secrets) >= 16)  # more are not asked at once
        assert not late.done()
        given.auth.answers.set()
        assert await late is Access.READ
        assert set(await asyncio.gather(*flood)) == {Access.READ}

    run(test)


def test_a_right_to_read_holds_on_while_nobody_can_be_asked(given: Given) -> None:
    async def test() -> None:
        await given.ask("good")
        given.auth.down = True
        for _ in range(59):
            given.now += 60
            assert await given.outcome("good") is Access.READ
        with pytest.raises(StorageUnavailable):
            await given.ask("good", wanted=Access.WRITE)
        assert await given.outcome("good new one") is StorageUnavailable
        given.now += 60
        assert await given.outcome("good") is StorageUnavailable, "an hour after it was verified"

    run(test)


def test_whose_right_is_known_waits_little_for_an_answer_that_does_not_come(
    given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pywharf.questions, "_HELD_UP", 0.2)

    async def test() -> None:
        await given.ask("good")
        given.now += 60
        given.auth.answers.clear()
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert await given.outcomes(["good"] * 20) == {Access.READ: 20}
        assert 0.1 < loop.time() - began < 15
        another = asyncio.ensure_future(given.outcome("good"))
        for _ in range(20):  # turns of the loop, which no slow machine makes more
            await asyncio.sleep(0)
        assert another.done(), "somebody has waited already"
        assert await another is Access.READ
        given.auth.answers.set()
        await until(lambda: given.verdicts.recall(given.verdicts.key("acme", Secret("good")), Access.READ) is not None)
        assert given.auth.secrets == ["good", "good"]

    run(test)


def test_an_accident_is_everybody_s_and_forgotten(given: Given, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(username: str, secret: Secret) -> Verdict:
        raise ZeroDivisionError

    async def test() -> None:
        monkeypatch.setattr(given.auth, "access", fail)
        found = await asyncio.gather(*(given.ask("good") for _ in range(5)), return_exceptions=True)
        assert {type(it) for it in found} == {ZeroDivisionError}
        monkeypatch.undo()
        assert await given.outcome("good") is Access.READ

    run(test)
