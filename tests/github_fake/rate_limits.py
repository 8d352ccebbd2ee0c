"""How many requests a caller may still make."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from github_fake.clock import Clock
from github_fake.contract import contract
from github_fake.exchange import Refusal
from github_fake.tokens import Token, TokenKind

_HOUR = 3600


@dataclass
class Allowance:
    """Of one caller, in the hour that ends at ``reset`` (Unix seconds)."""

    limit: int
    reset: int
    used: int = 0

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used)

    def document(self) -> dict[str, int]:
        return {"limit": self.limit, "used": self.used, "remaining": self.remaining, "reset": self.reset}


@dataclass
class RateLimits:
    """:ivar content_per_minute: content-creating requests of one caller; None: unlimited, as most tests want it.
    :ivar content_per_hour: likewise.
    :ivar refusing_status: GitHub answers 403 or 429.
    """

    clock: Clock
    content_per_minute: int | None = None
    content_per_hour: int | None = None
    refusing_status: int = 403
    _allowances: dict[str, Allowance] = field(default_factory=dict)
    _content: dict[str, deque[float]] = field(default_factory=dict)

    def of(self, token: Token | None) -> Allowance:
        """What ``token`` has; a test may change it."""
        key, limit = ("anonymous", 60) if token is None else (token.limit_key, 5000)
        if token is not None and token.kind is TokenKind.ACTIONS:
            limit = 1000
        allowance = self._allowances.get(key)
        now = self.clock.now()
        if allowance is None:
            allowance = self._allowances[key] = Allowance(limit, int(now) + _HOUR)
        elif allowance.reset <= now:
            allowance.used, allowance.reset = 0, int(now) + _HOUR
        return allowance

    def exhaust(self, token: Token | None, *, for_seconds: float = 600) -> None:
        """Nothing is left until ``for_seconds`` from now."""
        allowance = self.of(token)
        allowance.used, allowance.reset = allowance.limit, int(self.clock.now() + for_seconds)

    def use(self, token: Token | None) -> None:
        """:raises Refusal: when nothing is left."""
        allowance = self.of(token)
        if not allowance.remaining:
            who = f"user ID {token.login}" if token is not None else "127.0.0.1"
            raise Refusal(self.refusing_status, f"API rate limit exceeded for {who}.")
        allowance.used += 1

    def give_back(self, token: Token | None) -> None:
        """A 304 costs nothing."""
        self.of(token).used -= 1

    def create_content(self, token: Token | None) -> None:
        """:raises Refusal: the secondary limit, when there were too many in the last minute or hour."""
        now = self.clock.now()
        past = self._content.setdefault("anonymous" if token is None else token.limit_key, deque())
        while past and past[0] <= now - _HOUR:
            past.popleft()
        for seconds, most in ((60, self.content_per_minute), (_HOUR, self.content_per_hour)):
            recent = [moment for moment in past if moment > now - seconds]
            if most is not None and len(recent) >= most:
                raise secondary_limit(retry_after=int(recent[0] + seconds - now) + 1)
        past.append(now)

    def headers(self, token: Token | None) -> dict[str, str]:
        told = {f"x-ratelimit-{name}": str(value) for name, value in self.of(token).document().items()}
        return told | {"x-ratelimit-resource": "core"}

    def document(self, token: Token | None) -> dict[str, Any]:
        core = self.of(token).document()
        document = contract().example("rate-limit-overview")
        for name, resource in document["resources"].items():
            document["resources"][name] = core if name == "core" else resource | {"reset": core["reset"]}
        return document | {"rate": core}


def secondary_limit(*, retry_after: int | None = 60) -> Refusal:
    message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    return Refusal(403, message, headers={} if retry_after is None else {"retry-after": str(retry_after)})
