"""Who calls: users, and the kinds of tokens that speak for them or for an app."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum


class Role(IntEnum):
    """What a user is in a repository; each may what those before it may."""

    NONE = 0
    READ = 1
    TRIAGE = 2
    WRITE = 3
    MAINTAIN = 4
    ADMIN = 5

    @classmethod
    def named(cls, name: str) -> Role:
        return cls[name.upper()]


class TokenKind(StrEnum):
    CLASSIC = "classic"
    FINE_GRAINED = "fine_grained"
    INSTALLATION = "installation"  # of a GitHub App
    ACTIONS = "actions"  # of a job

    @property
    def prefix(self) -> str:
        return {"classic": "ghp_", "fine_grained": "github_pat_"}.get(self.value, "ghs_")

    @property
    def is_app(self) -> bool:
        return self in (TokenKind.INSTALLATION, TokenKind.ACTIONS)


@dataclass(eq=False)
class Token:
    """:ivar login: the user it speaks for; for an app, the app's bot.
    :ivar scopes: of a classic token.
    :ivar permissions: of the other kinds: `contents` → `write`, and so on.
    :ivar repositories: `owner/name` of those a token of another kind than classic is for; None: all.
    :ivar expires_at: Unix seconds; None: never.
    """

    name: str
    kind: TokenKind
    login: str
    value: str
    scopes: frozenset[str] = frozenset()
    permissions: Mapping[str, str] = field(default_factory=dict)
    repositories: frozenset[str] | None = None
    revoked: bool = False
    expires_at: float | None = None
    single_sign_on_missing: bool = False

    def revoke(self) -> None:
        """From now on it is `Bad credentials`."""
        self.revoked = True

    def restore(self) -> None:
        self.revoked = False

    def allows(self, permission: str, level: str) -> bool:
        """Whether the grant of a token that has one covers it; a classic token has none."""
        granted = self.permissions.get(permission, "read" if permission == "metadata" else "")
        return granted in (("read", "write", "admin") if level == "read" else ("write", "admin"))

    @property
    def limit_key(self) -> str:
        """Whose hourly allowance it uses: a user's tokens share one."""
        return self.value if self.kind.is_app else f"user:{self.login}"


def token_value(kind: TokenKind, name: str) -> str:
    """A made-up token, the same in each run, of the shape that GitHub's have."""
    return kind.prefix + hashlib.sha256(f"{kind}:{name}".encode()).hexdigest()[:36]
