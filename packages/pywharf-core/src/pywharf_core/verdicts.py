"""Verdicts remembered for a while, by keyed hash: no secret is kept, and the storage is not asked for each request.

A wrong secret is remembered too, apart and bounded, so that repeating it reaches nobody. Where it cannot be found out now
what a secret may do, what it could read before it may read still.
"""

from __future__ import annotations

import hashlib
import math
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from pywharf_core.auth import Access, Verdict
from pywharf_core.errors import StorageUnavailable
from pywharf_core.guesses import Guesses
from pywharf_core.secret import Secret

_T = TypeVar("_T")

_REFUSALS = 10_000  # remembered at once
_REFUSAL_LIFE = 10.0  # seconds: a secret that is made valid elsewhere works after that
_KNOWN = 10_000  # remembered at once
_FAILURES = 10_000  # likewise
_FAILURE_LIFE, _LONGEST_FAILURE_LIFE = 2.0, 10.0  # seconds; the second where the storage said how long to wait


@dataclass(frozen=True, slots=True)
class _Known:
    """:ivar held_until: for reading, where it cannot be asked again."""

    verdict: Verdict
    read_until: float
    write_until: float
    held_until: float


@dataclass(frozen=True, slots=True)
class _Failure:
    sentence: str
    until: float


class Verdicts:
    """One repository's memory of who may do what. For many threads.

    :ivar guesses: of secrets of which nothing is remembered.
    :param read_expires: seconds for which a right to read is believed at most.
    :param write_expires: likewise, to write.
    :param cheap: see ``Auth.cheap``.
    """

    def __init__(
        self,
        *,
        read_expires: float = 3600,
        write_expires: float = 300,
        cheap: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read_expires = read_expires
        self._write_expires = write_expires
        self._clock = clock
        self._key = os.urandom(32)
        self._lock = threading.Lock()
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._refused: OrderedDict[bytes, float] = OrderedDict()
        self._failed: OrderedDict[bytes, _Failure] = OrderedDict()
        self.guesses = Guesses(clock, together=not cheap)

    def key(self, username: str, secret: Secret) -> bytes:
        """By what the secret is known here: a keyed hash that tells nothing of it."""
        # Length first, so that no username can borrow characters from a secret.
        message = f"{len(username)}:{username}{secret.reveal()}".encode("utf-8", "surrogateescape")
        return hashlib.blake2b(message, key=self._key, digest_size=32).digest()  # keyed: RFC 7693, section 2.9

    def recall(self, key: bytes, wanted: Access) -> Verdict | None:
        """What is remembered and still fresh enough for ``wanted``; None: ask."""
        now = self._clock()
        known = self._known.get(key)
        if known is not None:
            until = known.read_until if wanted <= Access.READ else known.write_until
            return known.verdict if now < until else None
        refused_until = self._refused.get(key)
        return Verdict(Access.UNKNOWN) if refused_until is not None and now < refused_until else None

    def hold(self, key: bytes, wanted: Access) -> Verdict | None:
        """What holds on where ``wanted`` is asked for and nobody can say now; None: nothing does.

        A right to read, up to ``read_expires`` after it was verified. A right to write does not: the write itself would
        have to be allowed by those who do not answer.
        """
        known = self._known.get(key)
        if known is None or wanted > Access.READ or known.verdict.access < Access.READ:
            return None
        return Verdict(Access.READ) if self._clock() < known.held_until else None

    def is_guess(self, key: bytes) -> bool:
        """Whether nothing is known of the secret: else it was good a while ago."""
        return key not in self._known

    def failure(self, key: bytes) -> StorageUnavailable | None:
        """Why the last question was not answered, as long as another makes no sense."""
        failed = self._failed.get(key)
        now = self._clock()
        if failed is None or now >= failed.until:
            return None
        return StorageUnavailable(failed.sentence, retry_after=math.ceil(failed.until - now))

    def remember(self, key: bytes, verdict: Verdict) -> None:
        now = self._clock()
        life = float("inf") if verdict.believed_for is None else verdict.believed_for
        with self._lock:
            self._failed.pop(key, None)
            if verdict.access is Access.UNKNOWN:
                self._known.pop(key, None)
                _put(self._refused, key, now + min(life, _REFUSAL_LIFE), _REFUSALS)
            else:
                self._refused.pop(key, None)
                read, write = min(life, self._read_expires), min(life, self._write_expires)
                known = _Known(verdict, now + read, now + write, now + self._read_expires)
                _put(self._known, key, known, _KNOWN)

    def remember_failure(self, key: bytes, error: StorageUnavailable) -> None:
        """It could not be found out: what is known stays, and for some seconds nobody needs to be asked again."""
        life = _FAILURE_LIFE if error.retry_after is None else min(max(1, error.retry_after), _LONGEST_FAILURE_LIFE)
        with self._lock:
            _put(self._failed, key, _Failure(str(error), self._clock() + life), _FAILURES)

    def forget(self, key: bytes) -> None:
        """The storage contradicted what is remembered: ask anew next time."""
        with self._lock:
            self._known.pop(key, None)


def _put(memory: OrderedDict[bytes, _T], key: bytes, value: _T, most: int) -> None:
    memory[key] = value
    memory.move_to_end(key)
    while len(memory) > most:
        memory.popitem(last=False)
