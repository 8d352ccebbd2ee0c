"""Who a caller turned out to be."""

from __future__ import annotations

from dataclasses import dataclass

from pywharf_core.auth import Access
from pywharf_core.repository import Repository
from pywharf_core.secret import Secret


@dataclass(frozen=True, slots=True)
class Admitted:
    """A caller who may do what was asked for.

    :ivar secret: the caller's; None: anonymous.
    :ivar access: all that the caller may do there, at least what was asked for.
    :ivar by_session: a browser's session let the caller in, not credentials that came with the request.
    """

    repository: Repository
    username: str
    secret: Secret | None
    access: Access = Access.READ
    by_session: bool = False

    @property
    def may_write(self) -> bool:
        """As far as is known before it is tried."""
        return self.access >= Access.MAY_WRITE

    def contradicted(self) -> None:
        """The storage refused the caller's secret: ask anew next time."""
        if self.secret is not None:
            verdicts = self.repository.verdicts
            verdicts.forget(verdicts.key(self.username, self.secret))
