"""Slows whoever guesses secrets, by client address and by a budget that all clients share."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from pywharf_core.errors import TooManyAttempts

_CLIENTS = 10_000  # whose guesses are counted at once
_BURST, _PER_SECOND = 20, 0.5  # unknown secrets per client address
_TOGETHER_BURST, _TOGETHER_PER_SECOND = 100, 5.0  # whoever asks; what turned out to be good is given back


class _Buckets:
    """Token buckets by key; forgets the ones that are full again."""

    def __init__(self, burst: float, per_second: float) -> None:
        self._burst = burst
        self._rate = per_second
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, now: float) -> float:
        """0.0 if a token was there, else the seconds until there is one."""
        level = self._level(key, now)
        allowed = level >= 1
        self._put(key, level - 1 if allowed else level, now)
        return 0.0 if allowed else (1 - level) / self._rate

    def give_back(self, key: str, now: float) -> None:
        self._put(key, min(self._burst, self._level(key, now) + 1), now)

    def _level(self, key: str, now: float) -> float:
        level, since = self._levels.pop(key, (self._burst, now))
        return min(self._burst, level + (now - since) * self._rate)

    def _put(self, key: str, level: float, now: float) -> None:
        self._levels[key] = (level, now)
        while len(self._levels) > _CLIENTS:
            self._levels.popitem(last=False)


class Guesses:
    """Counts questions whose answer nobody remembers. For many threads.

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
        self._everyone = _Buckets(_TOGETHER_BURST, _TOGETHER_PER_SECOND)

    def admit(self, client: str) -> None:
        """Count a question from this address.

        :raises TooManyAttempts: this client, or everybody together, asked too many; nothing is counted.
        """
        network = network_of(client)
        with self._lock:
            now = self._clock()
            wait = self._clients.take(network, now)
            if not wait and self._together:
                wait = self._everyone.take("", now)
                if wait:
                    self._clients.give_back(network, now)
        if wait:
            raise TooManyAttempts(
                "Too many unknown secrets were tried; check the username and password and try again in a moment.",
                retry_after=int(wait) + 1,
            )

    def give_back(self, client: str) -> None:
        """A question that was counted was no guess: the secret turned out to be good, or nobody answered."""
        with self._lock:
            now = self._clock()
            self._clients.give_back(network_of(client), now)
            if self._together:
                self._everyone.give_back("", now)


def network_of(client: str) -> str:
    """An IPv6 address' first 64 bits, which one customer has alone (RFC 6177); else the address itself."""
    if ":" not in client:
        return client
    try:
        address = ipaddress.IPv6Address(client)
    except ValueError:
        return client
    return str(address.ipv4_mapped or address.exploded[:19])
