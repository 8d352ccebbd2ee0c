"""Where there is no usable remote index, everything is read from the storage instead, which is dear.

That is done again when something says that it would find anything new, and else rarely: one process remembers here what
it found instead of the index, and when. Nothing of it outlives the process.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic

from pywharf_core.errors import NotAuthenticated, NotPermitted, StorageUnavailable, WharfError

RESCAN_EVERY = 900.0  # seconds between two scans of which nothing says that they would find anything new
_RETRY_FIRST = 20.0  # seconds after a rebuild that failed, doubled each time


class Rescans:
    """When everything was read instead of the index, for many threads.

    :ivar unusable: revisions of the parts that are there and cannot be used; empty: there are none, or nobody looked yet.
    """

    def __init__(self) -> None:
        self.unusable: Mapping[str, str] = {}
        self._last: tuple[float, Mapping[str, str], float | None] | None = None

    def is_due(self, unusable: Mapping[str, str], noticed_at: float | None) -> bool:
        """Whether a scan may find what the last one did not.

        :param unusable: revisions of what is there instead of an index.
        :param noticed_at: see ``IndexSnapshot.noticed_at``.
        """
        last = self._last
        return last is None or (unusable, noticed_at) != last[1:] or monotonic() >= last[0] + RESCAN_EVERY

    def begun(self) -> None:
        """A scan: unless it ends well, another one is due."""
        self._last = None

    def done(self, unusable: Mapping[str, str], noticed_at: float | None) -> None:
        """A scan ended well that was begun when it was so."""
        self.unusable = dict(unusable)
        self._last = monotonic(), self.unusable, noticed_at

    def forget(self) -> None:
        """There is an index."""
        self.unusable, self._last = {}, None


class FailedRebuilds:
    """Tries to make an index where there is none, each of which reads everything: those that failed, for many threads."""

    def __init__(self) -> None:
        self._wait = 0.0
        self._last: tuple[float, Mapping[str, str], WharfError] | None = None

    def demand_due(self, unusable: Mapping[str, str]) -> None:
        """:raises WharfError: as the last try did: it is too early for another one."""
        last = self._last
        if last is not None and last[1] == unusable and monotonic() < last[0]:
            raise last[2].with_traceback(None)

    def failed(self, unusable: Mapping[str, str], error: WharfError) -> None:
        """A secret without the right will not have it soon."""
        is_final = isinstance(error, NotPermitted | NotAuthenticated)
        self._wait = RESCAN_EVERY if is_final else min(max(2 * self._wait, _RETRY_FIRST), RESCAN_EVERY)
        asked = (error.retry_after or 0) if isinstance(error, StorageUnavailable) else 0
        self._last = monotonic() + max(self._wait, asked), dict(unusable), error

    def forget(self) -> None:
        """There is an index."""
        self._wait, self._last = 0.0, None
