"""Browser sessions for the event loop: from a token to who is logged in where."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from typing import ParamSpec

from pywharf.session_table import Session, SessionTable
from pywharf.threads import StorageThreads
from pywharf_core.root import Root
from pywharf_core.secret import Secret

logger = logging.getLogger(__name__)

P = ParamSpec("P")


class Sessions:
    """Of one ROOT; its workers share them."""

    def __init__(self, root: Root) -> None:
        self._table = SessionTable(root)
        self._threads = StorageThreads(4)

    async def open(self, token: str) -> Session | None:
        """See ``SessionTable.open``."""
        return await self._threads.run(self._table.open, token)

    async def log_in(self, before: Session | None, repository: str, username: str, secret: Secret) -> Session:
        """See ``SessionTable.log_in``. The caller has seen that the secret is good."""
        return await self._threads.run(self._table.log_in, before, repository, username, secret)

    async def log_out(self, session: Session) -> None:
        await self._threads.run(self._table.log_out, session)

    async def put_notice(self, session: Session, notice: str) -> None:
        """See ``SessionTable.put_notice``. What it tells of is done: it is never an error that it cannot be told."""
        await self._threads.run(_tried, self._table.put_notice, session, notice)

    async def notice_was_shown(self, session: Session) -> None:
        """See ``SessionTable.notice_was_shown``; no error either."""
        await self._threads.run(_tried, self._table.notice_was_shown, session)


def _tried(call: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    try:
        call(*args, **kwargs)
    except sqlite3.Error as error:
        logger.warning("a notice cannot be kept", extra={"error": str(error)})
