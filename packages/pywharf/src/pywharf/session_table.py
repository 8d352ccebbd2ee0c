"""Browser sessions as rows of ``ROOT/server.sqlite3``, shared by all processes of the ROOT.

The database alone opens nothing: a row is found by a hash of what the cookie holds, and its secrets are encrypted under
a key made of the same. Neither is ever written down.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import sqlite3
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from pywharf_core.root import Root
from pywharf_core.secret import Secret
from pywharf_core.server_database import ServerDatabase

IDLE = 12 * 3600.0  # seconds without a request after which a session is over
LONGEST = 7 * 24 * 3600.0  # seconds for which a login lasts at most
_TOUCH_AFTER = 300.0  # seconds: not every request is worth a write
_TOUCH_WITHIN = 0.2  # seconds of waiting for other writers: it is no reason to keep a reader waiting
# A clock that was far ahead at a login, and was put right: the session must not last until that time comes.
_AHEAD = 3600.0  # seconds that a login may lie in the future
_MOST_SESSIONS = 10_000  # of one ROOT; the ones that were idle longest make room
# Of these, begun with one secret by one process: whoever has a good one ends nobody else's sessions by many logins.
_MOST_OF_A_SECRET = 1_000
_MOST_LOGINS = 50  # of one session

_SCHEMA = """
create table if not exists sessions (
    id blob primary key, seen_at real not null, created_at real not null, logins blob not null, notice blob,
    begun_with blob
) strict, without rowid
"""
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}\Z")


@dataclass(frozen=True, slots=True)
class Login:
    """With what somebody was admitted to one repository.

    :ivar since: Unix seconds.
    """

    username: str
    secret: Secret
    since: float


@dataclass(frozen=True, slots=True)
class Session:
    """What one cookie opened.

    :ivar token: what the cookie holds: whoever has it is the visitor.
    :ivar logins: by repository; some may be worth nothing any more.
    :ivar notice: a sentence that the next page shows once; "": none.
    """

    token: str = field(repr=False)
    logins: Mapping[str, Login] = field(repr=False)
    notice: str = ""
    sealed_notice: bytes | None = field(default=None, repr=False)

    @property
    def form_token(self) -> str:
        """What forms of this session's pages carry; the cookie cannot be told from it."""
        return urlsafe_b64encode(_derived(self.token, b"pywharf form")).rstrip(b"=").decode()


class SessionTable:
    """Safe from many threads and processes. All methods block.

    :param clock: Unix seconds.
    """

    def __init__(self, root: Root, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        # Not in the file, which would tell otherwise whether a guess at a secret is right: so each process counts for itself.
        self._key = os.urandom(32)
        self._database = ServerDatabase(root, _SCHEMA)
        with self._database.transaction() as connection:
            if not connection.execute(
                "select 1 from pragma_table_info('sessions') where name = 'begun_with'"
            ).fetchone():
                connection.execute("alter table sessions add column begun_with blob")  # of a version before 1.0.0
            self._sweep(connection)

    def open(self, token: str) -> Session | None:
        """The session of a cookie; None: there is none, or it is over."""
        if not _TOKEN.match(token):
            return None
        now = self._clock()
        with self._database.connection() as connection:
            row = connection.execute(
                "select seen_at, created_at, logins, notice from sessions where id = ?", (_id(token),)
            ).fetchone()
            if row is None:
                return None
            seen_at, created_at, sealed, sealed_notice = row
            if now - seen_at > IDLE or not -_AHEAD <= now - created_at <= LONGEST:
                return None
            box = _box(token)
            try:
                logins = _read_logins(box.decrypt(sealed), now)
                notice = "" if sealed_notice is None else box.decrypt(sealed_notice).decode()
            except (CryptoError, ValueError, TypeError):  # somebody else wrote in there
                return None
            if now - seen_at > _TOUCH_AFTER:
                with suppress(sqlite3.Error):  # a full disk ends nobody's session
                    connection.execute(f"pragma busy_timeout = {_TOUCH_WITHIN * 1000:.0f}")
                    connection.execute("update sessions set seen_at = ? where id = ?", (now, _id(token)))
        return Session(token, logins, notice, sealed_notice)

    def log_in(self, before: Session | None, repository: str, username: str, secret: Secret) -> Session:
        """A new session that has this login too; ``before`` is over then, so that no old cookie gains by a login."""
        now = self._clock()
        logins = {} if before is None else dict(before.logins)
        logins.pop(repository, None)
        logins[repository] = Login(username, secret, now)
        while len(logins) > _MOST_LOGINS:
            logins.pop(next(iter(logins)))
        token = secrets.token_urlsafe(32)
        sealed = _box(token).encrypt(_written(logins))
        begun_with = self._known_by(secret)
        with self._database.transaction() as connection:
            if before is not None:
                connection.execute("delete from sessions where id = ?", (_id(before.token),))
            self._sweep(connection)
            connection.execute(
                "delete from sessions where id in"
                " (select id from sessions where begun_with = ? order by seen_at desc limit -1 offset ?)",
                (begun_with, _MOST_OF_A_SECRET - 1),
            )
            connection.execute(
                "delete from sessions where id in (select id from sessions order by seen_at desc limit -1 offset ?)",
                (_MOST_SESSIONS - 1,),
            )
            connection.execute(
                "insert into sessions (id, seen_at, created_at, logins, begun_with) values (?, ?, ?, ?, ?)",
                (_id(token), now, now, sealed, begun_with),
            )
        return Session(token, logins)

    def log_out(self, session: Session) -> None:
        with self._database.connection() as connection:
            connection.execute("delete from sessions where id = ?", (_id(session.token),))

    def put_notice(self, session: Session, notice: str) -> None:
        """Say it on the next page; what was not shown yet is replaced."""
        sealed = _box(session.token).encrypt(notice.encode())
        with self._database.connection() as connection:
            connection.execute("update sessions set notice = ? where id = ?", (bytes(sealed), _id(session.token)))

    def notice_was_shown(self, session: Session) -> None:
        """Do not show it again; one that came meanwhile stays."""
        with self._database.connection() as connection:
            connection.execute(
                "update sessions set notice = null where id = ? and notice = ?",
                (_id(session.token), session.sealed_notice),
            )

    def _known_by(self, secret: Secret) -> bytes:
        return hashlib.blake2b(secret.reveal().encode("utf-8", "surrogatepass"), key=self._key, digest_size=32).digest()

    def _sweep(self, connection: sqlite3.Connection) -> None:
        now = self._clock()
        connection.execute(
            "delete from sessions where seen_at < ? or created_at not between ? and ?",
            (now - IDLE, now - LONGEST, now + _AHEAD),
        )


def _derived(token: str, purpose: bytes) -> bytes:
    # Three purposes, three values: none tells another, nor the token (RFC 7693, keyed and personalised).
    return hashlib.blake2b(token.encode(), digest_size=32, person=purpose).digest()


def _id(token: str) -> bytes:
    return _derived(token, b"pywharf id")


def _box(token: str) -> SecretBox:
    return SecretBox(_derived(token, b"pywharf key"))


def _written(logins: Mapping[str, Login]) -> bytes:
    rows = {name: [login.username, login.secret.reveal(), login.since] for name, login in logins.items()}
    return json.dumps(rows).encode()


def _read_logins(text: bytes, now: float) -> Mapping[str, Login]:
    rows: dict[str, tuple[str, str, float]] = json.loads(text)
    return {
        name: Login(username, Secret(secret), since)
        for name, (username, secret, since) in rows.items()
        if -_AHEAD <= now - since <= LONGEST
    }
