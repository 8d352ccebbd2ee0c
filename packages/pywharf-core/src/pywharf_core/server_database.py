"""``ROOT/server.sqlite3``: what all processes of a ROOT share beside the indexes. Each table has a module of its own."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from pywharf_core.root import Root


class ServerDatabase:
    """Safe from many threads and processes, each with connections of its own. Everything written is durable.

    :param schema: of the tables that the caller keeps there; each statement makes one unless it is there.
    """

    def __init__(self, root: Root, *schema: str) -> None:
        self._path = root.server_database
        if not self._path.exists():  # 0600 from its first moment: it holds secrets
            os.close(os.open(self._path, os.O_CREAT | os.O_WRONLY, 0o600))
        with self.connection() as connection:
            connection.execute("pragma journal_mode = wal")
            for statement in schema:
                connection.execute(statement)

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """In which every statement is a transaction; closed afterwards."""
        with closing(sqlite3.connect(self._path, timeout=30, isolation_level=None)) as connection:
            connection.execute("pragma synchronous = full")
            yield connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One that writes, committed at the end of the block; an error that leaves it undoes all."""
        with self.connection() as connection:
            connection.execute("begin immediate")
            try:
                yield connection
            except BaseException:
                connection.execute("rollback")
                raise
            connection.execute("commit")
