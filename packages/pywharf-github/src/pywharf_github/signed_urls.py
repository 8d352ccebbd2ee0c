"""Addresses of files on GitHub's storage hosts: each carries its own right for some minutes, and is asked for once."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from pywharf_github.answers import AnswerLost

REUSED_FOR = 240.0  # seconds of the 300 for which GitHub signs
_MARGIN = 60.0  # seconds that are left to whoever gets an address
_MAX_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class _Signed:
    url: str
    until: float


@dataclass(eq=False, slots=True)
class _Question:
    """One that is being asked.

    :ivar failure: what all are told who wait for it, unless it is about the asker's own secret.
    """

    answered: threading.Event = field(default_factory=threading.Event)
    url: str | None = None
    failure: AnswerLost | None = None
    is_there: bool = True


class SignedUrls:
    """By asset id, for all callers who may read: that they may was found out before they get here.

    Of callers who wait for the same address, one asks GitHub, and all have its answer, or learn that there is none.

    :param clock: seconds that only rise.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._signed: OrderedDict[int, _Signed] = OrderedDict()
        self._asked: dict[int, _Question] = {}

    def known(self, asset_id: int) -> str | None:
        """The address, if it was asked for before; waits for nobody."""
        with self._lock:
            return self._known(asset_id)

    def get(self, asset_id: int, ask: Callable[[], str | None]) -> str | None:
        """The address; ``ask`` gives a new one, or None if the server has no addresses.

        :raises AnswerLost: GitHub did not answer whoever asked. What else ``ask`` raises is its caller's alone.
        """
        while True:
            with self._lock:
                if (url := self._known(asset_id)) is not None:
                    return url
                question = self._asked.get(asset_id)
                mine = question is None
                if question is None:
                    question = self._asked[asset_id] = _Question()
            if mine:
                return self._ask(asset_id, question, ask)
            question.answered.wait()
            if question.failure is not None:
                raise AnswerLost(str(question.failure), retry_after=question.failure.retry_after) from question.failure
            if question.url is not None:
                return question.url
            if not question.is_there:
                return ask()

    def forget(self, asset_id: int) -> None:
        with self._lock:
            self._signed.pop(asset_id, None)

    def _ask(self, asset_id: int, question: _Question, ask: Callable[[], str | None]) -> str | None:
        began = self._clock()  # it is signed after that
        try:
            question.url = url = ask()
            question.is_there = url is not None
        except AnswerLost as error:
            question.failure = error
            raise
        finally:
            with self._lock:
                del self._asked[asset_id]
                if question.url is not None:
                    self._signed[asset_id] = _Signed(question.url, began + reusable_for(question.url))
                    if len(self._signed) > _MAX_REMEMBERED:
                        self._signed.popitem(last=False)
            question.answered.set()
        return url

    def _known(self, asset_id: int) -> str | None:
        signed = self._signed.get(asset_id)
        if signed is None or self._clock() >= signed.until:
            return None
        self._signed.move_to_end(asset_id)
        return signed.url


def reusable_for(url: str) -> float:
    """Seconds for which an address that was signed just now may be given to others."""
    life = _life(url)
    return REUSED_FOR if life is None else max(0.0, min(REUSED_FOR, life - _MARGIN))


def _life(url: str) -> float | None:
    """Seconds from signing to expiry, compared with no clock of ours; None: the address does not tell."""
    query = {name.lower(): values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    try:
        if "x-amz-expires" in query:
            return float(query["x-amz-expires"])
        if "jwt" in query:
            payload = query["jwt"].split(".")[1]
            claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            return float(claims["exp"]) - float(claims["nbf"])
    except (ValueError, KeyError, IndexError, TypeError):
        return None
    return None
