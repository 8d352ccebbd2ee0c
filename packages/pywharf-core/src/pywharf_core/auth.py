"""Who may do what: the question, its answers, and the contract of a plugin that decides."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar

from pywharf_core.secret import Secret


class Access(IntEnum):
    """What a secret may do, in rising order: ``>=`` compares."""

    UNKNOWN = 0  # nobody knows this secret: 401
    NONE = 1  # a known secret without any right here: 403
    READ = 2
    MAY_WRITE = 3  # reads; whether it writes, only the write itself will tell
    WRITE = 4


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer about one secret.

    :ivar believed_for: seconds for which the answer may be reused; None: as long as the server likes. A question that
        fails then leaves a right to read as it was, as long as the server likes.
    :ivar reason: why a known secret has no right, for its bearer: half a sentence that stands after a colon; or "".
    """

    access: Access
    believed_for: float | None = None
    reason: str = ""


class Auth(ABC):
    """Decides for one repository. Called from many threads at once; may block.

    :ivar cheap: a question costs nobody anything. Else unknown secrets of all clients together have a budget; without
        it each client address has its own only, and strangers cannot use up what others need.
    """

    cheap: bool = False

    @abstractmethod
    def access(self, username: str, secret: Secret) -> Verdict:
        """What the bearer of ``secret`` may do.

        :param username: as sent by Basic authentication; mostly without meaning (``__token__``, the repository's name).
        :raises StorageUnavailable: it cannot be found out now.
        """

    def pretend(self, secret: Secret) -> None:  # noqa: B027 - most take no time of their own
        """Take the time that a question takes here, and ask nobody: an unknown repository is to answer no faster."""

    def close(self) -> None:  # noqa: B027 - most have nothing to close
        """Let go of connections; called once."""


class AuthType(ABC):
    """What a plugin registers by ``pywharf_auth_types``. One instance per repository and process.

    :cvar name: a value of ``auth`` in the configuration.
    :cvar options: a frozen dataclass of ``pywharf_core.option`` fields; its keys stand in the repository's table.
    """

    name: ClassVar[str]
    options: ClassVar[type]

    @abstractmethod
    def open(self, repository: str, options: Any) -> Auth:
        """Begin to decide for ``repository``; cheap, no network. ``options`` is an instance of ``self.options``."""
