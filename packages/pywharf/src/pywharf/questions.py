"""What a secret may do: remembered, or asked once for all who wait for the same answer.

Who asks is slowed by client address, and given back what was counted when the secret turned out to be good: so many jobs
behind one address, each with a token of its own, are not taken for somebody who guesses.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from pywharf.shared_task import begin_shared
from pywharf.threads import StorageThreads
from pywharf_core.auth import Access, Auth, Verdict
from pywharf_core.errors import StorageUnavailable, TooManyAttempts
from pywharf_core.guesses import Guesses, network_of
from pywharf_core.repository import Repository
from pywharf_core.secret import Secret
from pywharf_core.verdicts import Verdicts

_ASKED_AT_ONCE = 16  # of one repository: apart from what reads its files, as an auth may stall
_HELD_UP = 2.0  # seconds for which somebody whose right is known waits for it to be verified again
_IN_LINE = 5.0  # seconds for which somebody waits until others of the same address have their answers
_LONGEST_LINE = 100  # of one address
# Of one client address, whichever repositories it names: far above what one of them allows, or who thinks of another
# name each time would never be slowed.
_GUESSES, _GUESSES_PER_SECOND = 100.0, 2.5
_UNKNOWN_NAMES = 1000  # asked for as repositories, and remembered at once

StayOpen = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True, eq=False, slots=True)
class _Flight:
    """A question that is being asked.

    :ivar network: of the client who began it.
    :ivar since: seconds by the event loop's clock.
    """

    task: asyncio.Task[Verdict]
    network: str
    since: float


class Questions:
    """About one name of a repository. Used on the event loop only.

    :param auth: None: no repository has the name, and every secret is wrong; nobody shall be able to tell.
    :param elsewhere: counts guesses at all names together.
    :param pretend: takes the time that a wrong secret takes where secrets are hashed.
    :param stay_open: what is asked is not closed within.
    """

    def __init__(
        self, auth: Auth | None, verdicts: Verdicts, elsewhere: Guesses, pretend: Pretend, stay_open: StayOpen
    ) -> None:
        self._auth = auth
        self._verdicts = verdicts
        self._elsewhere = elsewhere
        self._pretend = pretend
        self._stay_open = stay_open
        self._threads = StorageThreads(_ASKED_AT_ONCE)
        self._flights: dict[bytes, _Flight] = {}
        self._line: Counter[str] = Counter()

    async def verdict(self, username: str, secret: Secret, wanted: Access, client: str) -> Verdict:
        """What the bearer of ``secret`` may do, as far as it matters for ``wanted``.

        A known right to read holds on while nobody can say whether it is still there.

        :param client: the asker's address.
        :raises TooManyAttempts: too many unknown secrets came from there.
        :raises StorageUnavailable: it cannot be found out now.
        """
        key = self._verdicts.key(username, secret)
        in_line_until: float | None = None
        while (known := self._verdicts.recall(key, wanted)) is None:
            held = self._verdicts.hold(key, wanted)
            flight = self._flights.get(key)
            if flight is None and (failure := self._verdicts.failure(key)) is not None:
                if held is None:
                    raise failure
                return held
            try:
                flight = flight or self._begin(key, username, secret, client)
            except TooManyAttempts:
                in_line_until = in_line_until or _now() + _IN_LINE
                if not await self._waited_in_line(client, in_line_until - _now()):
                    raise
                continue
            return await _landed(flight, held)
        return known

    def _begin(self, key: bytes, username: str, secret: Secret, client: str) -> _Flight:
        """:raises TooManyAttempts: too many unknown secrets came from there."""
        is_guess = self._verdicts.is_guess(key)
        if is_guess:
            self._count(client)
        asking = self._ask(key, username, secret, client if is_guess else None)
        flight = self._flights[key] = _Flight(begin_shared(asking), network_of(client), _now())
        return flight

    async def _ask(self, key: bytes, username: str, secret: Secret, counted: str | None) -> Verdict:
        """Goes on when the request that began it is cancelled: others wait for it.

        :param counted: the address for which it was counted; None: it was not.
        """
        good = True  # if there is no answer, nobody guessed
        try:
            with self._stay_open():
                verdict = await self._asked(username, secret)
            self._verdicts.remember(key, verdict)
            good = verdict.access >= Access.READ
            return verdict
        except StorageUnavailable as error:
            self._verdicts.remember_failure(key, error)
            raise
        finally:
            del self._flights[key]
            if good and counted is not None:
                self._give_back(counted)

    async def _asked(self, username: str, secret: Secret) -> Verdict:
        verdict = Verdict(Access.UNKNOWN)
        if self._auth is not None:
            verdict = await self._threads.run(self._auth.access, username, secret)
        if verdict.access is Access.UNKNOWN and (self._auth is None or self._auth.cheap):
            await self._pretend(secret)
        return verdict

    def _count(self, client: str) -> None:
        self._verdicts.guesses.admit(client)
        try:
            self._elsewhere.admit(client)
        except TooManyAttempts:
            self._verdicts.guesses.give_back(client)
            raise

    def _give_back(self, client: str) -> None:
        self._verdicts.guesses.give_back(client)
        self._elsewhere.give_back(client)

    async def _waited_in_line(self, client: str, seconds: float) -> bool:
        """Whether a question of this address was answered meanwhile: a good one makes room for the next.

        So good secrets that come together from one address all get in, and those that come during a flood have a chance.
        """
        network = network_of(client)
        others = {flight.task for flight in self._flights.values() if flight.network == network}
        if not others or seconds <= 0 or self._line[network] >= _LONGEST_LINE:
            return False
        self._line[network] += 1
        try:
            done, _ = await asyncio.wait(others, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._line[network] -= 1
            if not self._line[network]:
                del self._line[network]
        return bool(done)


async def _landed(flight: _Flight, held: Verdict | None) -> Verdict:
    """The answer; or what holds on, where it does not come soon."""
    if held is None:
        await asyncio.wait({flight.task})
        return flight.task.result()
    await asyncio.wait({flight.task}, timeout=max(0.0, flight.since + _HELD_UP - _now()))
    try:
        return flight.task.result() if flight.task.done() else held
    except StorageUnavailable:
        return held


def _now() -> float:
    return asyncio.get_running_loop().time()


class Pretend:
    """Take as long as a wrong secret takes where secrets are hashed, so that the time tells no repository's name.

    Nor which of them has plain ones. What a storage takes that asks elsewhere is its own, and never twice the same.
    """

    def __init__(self, repositories: Mapping[str, Repository]) -> None:
        slow = (repository.auth for repository in repositories.values() if not repository.auth.cheap)
        self._auth = next((auth for auth in slow if type(auth).pretend is not Auth.pretend), None)
        self._threads = StorageThreads(1)  # strangers can ask for it, and nobody else waits for them

    async def __call__(self, secret: Secret) -> None:
        if self._auth is not None:
            await self._threads.run(self._auth.pretend, secret)


class AllQuestions:
    """About all names that somebody may think of: those of repositories, and others, which answer alike."""

    def __init__(self, repositories: Mapping[str, Repository], stay_open: StayOpen) -> None:
        self._elsewhere = Guesses(together=False, burst=_GUESSES, per_second=_GUESSES_PER_SECOND)
        self._pretend = Pretend(repositories)
        self._stay_open = stay_open
        self._questions = {
            name: Questions(repository.auth, repository.verdicts, self._elsewhere, self._pretend, stay_open)
            for name, repository in repositories.items()
        }
        self._of_unknown: OrderedDict[bytes, Questions] = OrderedDict()  # by a digest: a stranger may send long names

    def of(self, name: str) -> Questions:
        return self._questions.get(name) or self._of_unknown_name(name)

    def _of_unknown_name(self, name: str) -> Questions:
        key = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
        questions = self._of_unknown.pop(key, None)
        if questions is None:
            verdicts = Verdicts(cheap=True)
            questions = Questions(None, verdicts, self._elsewhere, self._pretend, self._stay_open)
        self._of_unknown[key] = questions
        if len(self._of_unknown) > _UNKNOWN_NAMES:
            self._of_unknown.popitem(last=False)
        return questions
