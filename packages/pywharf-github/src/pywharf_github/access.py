"""What a token may do in the GitHub repository, as far as GitHub tells before the act.

``permissions`` in its answer is the role of the token's *user*. A classic token adds its scopes in a header, and both
together are the answer. A fine-grained token, or an app's, may have been granted less (and to an app's, ``permissions``
always denies writing): whether it reads, a question that needs *Contents: read* tells; whether it writes, the write itself.
"""

from __future__ import annotations

import hmac
import math
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus

from pywharf_core import Access, NotAuthenticated, NotPermitted, Secret, StorageUnavailable, Verdict
from pywharf_github.answers import Answer, AnswerLost, LoginsBlocked, refusal, why_forbidden
from pywharf_github.client import Client
from pywharf_github.seen_repository import SeenRepository
from pywharf_github.token_form import is_token

BELIEVED_FOR = 60.0  # seconds
DISBELIEVED_FOR = 10.0
DOWN_FOR = 5.0  # seconds for which nobody asks a GitHub that does not answer

_INSTALLATION = "ghs_"  # an app's, and the one that a job of Actions has
_WITHOUT_SCOPES = (_INSTALLATION, "github_pat_", "ghu_")  # fine-grained, and of an app's user
_REFUSALS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
_REMEMBERED = 1000  # tokens


@dataclass(frozen=True, slots=True)
class _Told:
    """What GitHub told a token; that it did not change is free of the rate limit.

    :ivar etag: of the repository; GitHub's, and good for that token only. ``releases_etag`` likewise; "": there is none.
    :ivar scopes: None: the token has none.
    """

    etag: str
    repository: SeenRepository
    scopes: str | None
    releases_etag: str = ""


class AccessMemory:
    """What GitHub told tokens, which are known here by a keyed hash; and whether it answers at all.

    :param clock: seconds that only rise.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._key = os.urandom(32)
        self._lock = threading.Lock()
        self._told: OrderedDict[bytes, _Told] = OrderedDict()
        self._down: tuple[str, float] | None = None

    def key(self, secret: Secret) -> bytes:
        return hmac.digest(self._key, secret.reveal().encode(), "sha256")

    def get(self, key: bytes) -> _Told | None:
        with self._lock:
            return self._told.get(key)

    def put(self, key: bytes, told: _Told) -> None:
        with self._lock:
            self._told[key] = told
            self._told.move_to_end(key)
            if len(self._told) > _REMEMBERED:
                self._told.popitem(last=False)

    def forget(self, key: bytes) -> None:
        with self._lock:
            self._told.pop(key, None)

    def check_up(self) -> None:
        """:raises StorageUnavailable: GitHub was down a moment ago: nobody needs to wait for that again."""
        down = self._down
        if down is not None and (left := down[1] - self._clock()) > 0:
            raise StorageUnavailable(down[0], retry_after=math.ceil(left))

    def is_down(self, error: StorageUnavailable) -> None:
        """For everybody, not only for one token."""
        seconds = float(error.retry_after or DOWN_FOR) if isinstance(error, LoginsBlocked) else DOWN_FOR
        self._down = (str(error), self._clock() + seconds)


def access_of(client: Client, memory: AccessMemory | None = None) -> Verdict:
    """What the client's secret may do; one request, or two for a token without scopes.

    :raises StorageUnavailable: GitHub does not say now, or shows another repository than before.
    """
    memory = memory or AccessMemory()
    if client.secret is None or not is_token(client.secret):
        return Verdict(Access.UNKNOWN, DISBELIEVED_FOR)
    memory.check_up()
    key = memory.key(client.secret)
    try:
        told = _asked(client, memory.get(key))
    except NotAuthenticated:
        memory.forget(key)
        return Verdict(Access.UNKNOWN, DISBELIEVED_FOR)
    except NotPermitted as error:
        memory.forget(key)
        return Verdict(Access.NONE, DISBELIEVED_FOR, str(error))
    except (AnswerLost, LoginsBlocked) as error:
        memory.is_down(error)
        raise
    memory.put(key, told)
    return Verdict(_access(told, client.secret.reveal()), BELIEVED_FOR)


def _asked(client: Client, told: _Told | None) -> _Told:
    """:raises NotPermitted: with the reason, as half a sentence."""
    answer = _get(client, "", "" if told is None else told.etag)
    if answer.status == HTTPStatus.NOT_FOUND:
        raise NotPermitted(client.doubt)
    _check(answer, "")
    scopes = answer.headers.get("x-oauth-scopes")
    etag = answer.headers.get("etag", "")
    if answer.status == HTTPStatus.NOT_MODIFIED and told is not None:
        told = replace(told, scopes=told.scopes if scopes is None else scopes)
    else:
        told = _Told(etag, SeenRepository.read(answer), scopes, "" if told is None else told.releases_etag)
    client.check_identity(told.repository)
    if not told.repository.private or "repo" in _granted(told.scopes):
        return told
    releases = _get(client, "/releases", told.releases_etag, listing=True)
    if releases.status == HTTPStatus.NOT_FOUND:
        raise NotPermitted("GitHub does not let it read there; it needs Contents: read")
    _check(releases, "GitHub does not let it read there: ")
    return replace(told, releases_etag=releases.headers.get("etag", ""))


def _get(client: Client, path: str, etag: str, *, listing: bool = False) -> Answer:
    headers = {"If-None-Match": etag} if etag else {}
    also = (*_REFUSALS, HTTPStatus.NOT_MODIFIED) if etag else _REFUSALS
    parameters = {"per_page": "1"} if listing else {}
    return client.ask("GET", path, parameters=parameters, headers=headers, also=also, listing=listing)


def _check(answer: Answer, before: str) -> None:
    if answer.is_success or answer.status == HTTPStatus.NOT_MODIFIED:
        return
    error = refusal(answer)
    raise NotPermitted(before + why_forbidden(answer)) if isinstance(error, NotPermitted) else error


def _granted(scopes: str | None) -> set[str]:
    return {scope.strip() for scope in (scopes or "").split(",")}


def _access(told: _Told, token: str) -> Access:
    repository = told.repository
    if repository.archived:
        return Access.READ
    if told.scopes is not None and not token.startswith(_WITHOUT_SCOPES):
        enough = {"repo"} if repository.private else {"repo", "public_repo"}
        return Access.WRITE if repository.may_push and _granted(told.scopes) & enough else Access.READ
    if token.startswith(_INSTALLATION) or repository.may_push:
        return Access.MAY_WRITE
    return Access.READ
