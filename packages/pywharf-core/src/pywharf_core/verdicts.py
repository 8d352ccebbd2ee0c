"""Verdicts remembered for a while, by keyed hash: no secret is kept, and the storage is not asked for each request.

A wrong secret is remembered too, apart and bounded, so that repeating it reaches nobody. Unknown secrets are slowed per
client address and by a budget per repository; a secret known to be good is never delayed.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from pywharf_core.auth import Access, Verdict
from pywharf_core.errors import TooManyAttempts
from pywharf_core.secret import Secret

_REFUSALS = 10_000  # remembered at once
_REFUSAL_LIFE = 10.0  # seconds: a secret that is made valid elsewhere works after that
_KNOWN = 10_000  # remembered at once
_CLIENTS = 10_000  # whose guesses are counted at once
_BURST, _PER_SECOND = 20, 0.5  # unknown secrets per client address
_REPOSITORY_BURST, _REPOSITORY_PER_SECOND = 200, 20.0  # unknown secrets per repository, whoever asks


@dataclass(frozen=True, slots=True)
class _Known:
    access: Access
    read_until: float
    write_until: float


class _Buckets:
    """Token buckets by key; forgets the ones that are full again."""

    def __init__(self, burst: float, per_second: float) -> None:
        self._burst = burst
        self._rate = per_second
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, now: float) -> float:
        """0.0 if a token was there, else the seconds until there is one."""
        level, since = self._levels.pop(key, (self._burst, now))
        level = min(self._burst, level + (now - since) * self._rate)
        allowed = level >= 1
        self._levels[key] = (level - 1 if allowed else level, now)
        while len(self._levels) > _CLIENTS:
            self._levels.popitem(last=False)
        return 0.0 if allowed else (1 - level) / self._rate


class Guesses:
    """Slows guessing: counts questions whose answer nobody remembers. For many threads.

    :param together: all clients share a budget, too.
    :param burst: questions that a client may ask at once.
    :param per_second: questions that it may ask then.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        together: bool = True,
        burst: float = _BURST,
        per_second: float = _PER_SECOND,
    ) -> None:
        self._together = together
        self._clock = clock
        self._lock = threading.Lock()
        self._clients = _Buckets(burst, per_second)
        self._everyone = _Buckets(_REPOSITORY_BURST, _REPOSITORY_PER_SECOND)

    def admit(self, client: str) -> None:
        """Count a question from this address.

        :raises TooManyAttempts: this client, or everybody together, asked too many.
        """
        with self._lock:
            now = self._clock()
            wait = self._clients.take(_network(client), now)
            if not wait and self._together:
                wait = self._everyone.take("", now)
        if wait:
            raise TooManyAttempts(
                "Too many unknown secrets were tried; check the username and password and try again in a moment.",
                retry_after=int(wait) + 1,
            )


def _network(client: str) -> str:
    """An IPv6 address' first 64 bits, which one customer has alone (RFC 6177); else the address itself."""
    if ":" not in client:
        return client
    try:
        address = ipaddress.IPv6Address(client)
    except ValueError:
        return client
    return str(address.ipv4_mapped or address.exploded[:19])


class Verdicts:
    """One repository's memory of who may do what.

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
        self._guesses = Guesses(clock, together=not cheap)

    def recall(self, username: str, secret: Secret, wanted: Access) -> Access | None:
        """What is remembered and still fresh enough for ``wanted``; None: ask."""
        key = self._digest(username, secret)
        now = self._clock()
        known = self._known.get(key)
        if known is not None:
            until = known.read_until if wanted <= Access.READ else known.write_until
            return known.access if now < until else None
        refused_until = self._refused.get(key)
        return Access.UNKNOWN if refused_until is not None and now < refused_until else None

    def admit_question(
        self, username: str, secret: Secret, client: str, *, elsewhere_too: Guesses | None = None
    ) -> None:
        """Count a question that has to be asked because nothing is remembered.

        :param elsewhere_too: counts those of other repositories likewise.
        :raises TooManyAttempts: this client, or everybody together, brought too many unknown secrets.
        """
        if self._digest(username, secret) not in self._known:  # else it was good a while ago, and is no guess
            self._guesses.admit(client)
            if elsewhere_too is not None:
                elsewhere_too.admit(client)

    def remember(self, username: str, secret: Secret, verdict: Verdict) -> None:
        key = self._digest(username, secret)
        now = self._clock()
        life = float("inf") if verdict.believed_for is None else verdict.believed_for
        with self._lock:
            if verdict.access is Access.UNKNOWN:
                self._known.pop(key, None)
                self._refused[key] = now + min(life, _REFUSAL_LIFE)
                self._refused.move_to_end(key)
                while len(self._refused) > _REFUSALS:
                    self._refused.popitem(last=False)
            else:
                self._refused.pop(key, None)
                self._known[key] = _Known(
                    verdict.access, now + min(life, self._read_expires), now + min(life, self._write_expires)
                )
                self._known.move_to_end(key)
                while len(self._known) > _KNOWN:
                    self._known.popitem(last=False)

    def forget(self, username: str, secret: Secret) -> None:
        """The storage contradicted what is remembered: ask anew next time."""
        with self._lock:
            self._known.pop(self._digest(username, secret), None)

    def _digest(self, username: str, secret: Secret) -> bytes:
        # Length first, so that no username can borrow characters from a secret.
        message = f"{len(username)}:{username}{secret.reveal()}".encode("utf-8", "surrogateescape")
        return hashlib.blake2b(message, key=self._key, digest_size=32).digest()  # keyed: RFC 7693, section 2.9
