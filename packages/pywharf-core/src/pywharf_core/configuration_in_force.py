"""The configuration that all processes of one ROOT use now: a row in ``ROOT/server.sqlite3``.

Whoever replaces it raises the generation; every worker compares the generation before it answers.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pywharf_core.change_counter import ChangeCounter
from pywharf_core.root import Root
from pywharf_core.server_database import ServerDatabase

_SCHEMA = """
create table if not exists in_force (
    only_one integer primary key check (only_one = 1),
    generation integer not null,
    config text not null,
    admin_secret text,
    replaced_digest text  -- of the start configuration that an /initialize/ replaced
) strict
"""

# What the server was started with, for commands beside it that ask who answers for a name.
_RULES_SCHEMA = """
create table if not exists name_rules (
    only_one integer primary key check (only_one = 1), extra_index_url text not null, private text not null  -- JSON
) strict
"""
_READ = "select generation, config, admin_secret, replaced_digest from in_force"


@dataclass(frozen=True, slots=True, repr=False)
class InForce:
    """One generation of the configuration; its texts may hold secrets, so it has no telling ``repr``."""

    generation: int
    config: str
    admin_secret: str | None
    note: str | None = None  # a line for the log


@dataclass(frozen=True, slots=True, repr=False)
class NameRules:
    """What a server's own flags say of names, for all repositories; the URL may hold credentials.

    :ivar extra_index_url: "": off. There is no default here: a server has one that is not off.
    :ivar private: globs.
    """

    extra_index_url: str
    private: tuple[str, ...] = ()


class ConfigurationInForce:
    """Reads and replaces the row; safe from many threads and processes."""

    def __init__(self, root: Root) -> None:
        self._counter = _counter(root)
        self._database = ServerDatabase(root, _SCHEMA, _RULES_SCHEMA)
        self._counter.change()  # for a writer that died between its commit and its word

    def read(self) -> InForce | None:
        """None: never configured."""
        with self._database.connection() as connection:
            row = connection.execute("select generation, config, admin_secret from in_force").fetchone()
        return None if row is None else InForce(*row)

    def replace(self, config: str, admin_secret: str | None, *, generation: int | None = None) -> InForce | None:
        """Put a validated configuration in force and raise the generation, durably.

        :param generation: replace only if this is still the one in force (0: none is).
        :returns: None if another one was put in force meanwhile; nothing was changed then.
        """
        with self._transaction() as connection:
            row = connection.execute(_READ).fetchone()
            now = 0 if row is None else row[0]
            if generation is not None and generation != now:
                return None
            replaced = None if row is None else row[3] or _digest(row[1], row[2])
            _put(connection, now + 1, config, admin_secret, replaced)
            return InForce(now + 1, config, admin_secret)

    def start_with(self, config: str | None, admin_secret: str | None) -> InForce | None:
        """What a starting server uses.

        A given configuration wins, unless it is the very one that an ``/initialize/`` replaced since: then what was
        put in force stays.

        :returns: None: nothing was ever configured.
        """
        if config is None:
            return self.read()
        with self._transaction() as connection:
            row = connection.execute(_READ).fetchone()
            if row is None:
                _put(connection, 1, config, admin_secret, None)
                return InForce(1, config, admin_secret)
            generation, config_now, admin_secret_now, replaced = row
            if replaced == _digest(config, admin_secret):
                note = "the configuration given at start was replaced through /initialize/; the replacement stays"
                return InForce(generation, config_now, admin_secret_now, note)
            if (config, admin_secret) != (config_now, admin_secret_now):
                generation += 1
            _put(connection, generation, config, admin_secret, None)
            return InForce(generation, config, admin_secret)

    def name_rules(self) -> NameRules | None:
        """As the last server of this ROOT was started with; None: none was started yet."""
        with self._database.connection() as connection:
            row = connection.execute("select extra_index_url, private from name_rules").fetchone()
        return None if row is None else NameRules(row[0], tuple(json.loads(row[1])))

    def put_name_rules(self, rules: NameRules) -> None:
        with self._transaction() as connection:
            connection.execute(
                "insert or replace into name_rules values (1, ?, ?)",
                (rules.extra_index_url, json.dumps(rules.private)),
            )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """The counter changes before and after the commit."""
        with self._database.transaction() as connection:
            yield connection
            self._counter.change()
        self._counter.change()


class GenerationWatch:
    """Tells, at the price of a memory access, whether another generation may be in force. For one thread."""

    def __init__(self, root: Root) -> None:
        self._counter = _counter(root)
        self._seen: int | None = None

    def changed(self) -> bool:
        """Whether anything was written since the last call; true the first time."""
        number = self._counter.value()
        changed, self._seen = number != self._seen, number
        return changed

    def follow(self) -> None:
        """To be called now and then, in case that the file was removed."""
        self._counter.follow()

    def close(self) -> None:
        self._counter.close()


def _counter(root: Root) -> ChangeCounter:
    return ChangeCounter(root.server_database.with_suffix(".changes"))


def _put(
    connection: sqlite3.Connection, generation: int, config: str, admin_secret: str | None, replaced: str | None
) -> None:
    connection.execute(
        "insert or replace into in_force values (1, ?, ?, ?, ?)", (generation, config, admin_secret, replaced)
    )


def _digest(config: str, admin_secret: str | None) -> str:
    return hashlib.sha256(repr((config, admin_secret)).encode()).hexdigest()
