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

REUSED_FOR = 240.0  # seconds of the 300 for which GitHub signs
_MARGIN = 60.0  # seconds that are left to whoever gets an address
_MAX_REMEMBERED = 10_000


@dataclass
class _Entry:
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""
    until: float = 0.0


class SignedUrls:
    """By asset id, for all callers who may read: that they may was found out before they get here.

    Of callers who wait for the same address, one asks GitHub.

    :param clock: seconds that only rise.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: OrderedDict[int, _Entry] = OrderedDict()

    def get(self, asset_id: int, ask: Callable[[], str | None]) -> str | None:
        """The address; ``ask`` gives a new one, or None if the server has no addresses."""
        with self._lock:
            entry = self._entries.setdefault(asset_id, _Entry())
            self._entries.move_to_end(asset_id)
            if len(self._entries) > _MAX_REMEMBERED:
                self._entries.popitem(last=False)
        with entry.lock:
            now = self._clock()
            if now >= entry.until:
                url = ask()
                if url is None:
                    return None
                entry.url, entry.until = url, now + reusable_for(url)
            return entry.url

    def forget(self, asset_id: int) -> None:
        with self._lock:
            self._entries.pop(asset_id, None)


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
