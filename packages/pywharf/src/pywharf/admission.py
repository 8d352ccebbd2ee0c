"""Who is let in: repository and secret from the request, the verdict on them, and the right that a route wants."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from starlette.types import Scope

from pywharf.exchange import Exchange, exchange_of
from pywharf.wharf_in_force import OpenWharf
from pywharf_core.auth import Access, Auth, Verdict
from pywharf_core.errors import NotAuthenticated, NotPermitted, StorageUnavailable
from pywharf_core.repository import Repository
from pywharf_core.secret import Secret

_MALFORMED = "The Authorization header is not valid Basic authentication."
_WRONG = "The username or the password is wrong; the username is the repository's name, the password its secret."


@dataclass(frozen=True, slots=True)
class Admitted:
    """A caller who may do what was asked for.

    :ivar secret: the caller's; None: anonymous.
    """

    repository: Repository
    username: str
    secret: Secret | None

    def contradicted(self) -> None:
        """The storage refused the caller's secret: ask anew next time."""
        if self.secret is not None:
            self.repository.verdicts.forget(self.username, self.secret)


async def admit(scope: Scope, wanted: Access) -> Admitted:
    """Let the caller of this request in.

    :raises NotAuthenticated: no credentials, or wrong ones.
    :raises NotPermitted: right ones without the right.
    :raises TooManyAttempts: too many unknown secrets came from there.
    :raises StorageUnavailable: the server has no configuration yet, or the right cannot be found out now.
    """
    exchange = exchange_of(scope)
    if exchange.opened is None:
        raise StorageUnavailable("This server has no configuration yet; POST one to /initialize/.")
    credentials = basic_credentials(scope)
    if credentials is None:
        admitted = _anonymous(exchange.opened, exchange.selected, wanted)
    else:
        admitted = await _known(exchange, exchange.opened, *credentials, wanted)
    exchange.repository = admitted.repository
    return admitted


def basic_credentials(scope: Scope) -> tuple[str, Secret] | None:
    """Username and password of Basic authentication (RFC 7617); None: there are none.

    :raises NotAuthenticated: there are, and they are malformed or of another scheme.
    """
    value = exchange_of(scope).headers.get(b"authorization")
    if value is None:
        return None
    scheme, _, encoded = value.partition(b" ")
    if scheme.lower() != b"basic":
        raise NotAuthenticated("Only Basic authentication is understood: username and password.")
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True)
    except binascii.Error:
        raise NotAuthenticated(_MALFORMED) from None
    try:
        text = decoded.decode()
    except UnicodeDecodeError:
        text = decoded.decode("latin-1")  # what requests, and so twine, sends
    username, colon, password = text.partition(":")
    if not colon:
        raise NotAuthenticated(_MALFORMED)
    return username, Secret(password)


def _anonymous(opened: OpenWharf, selected: str | None, wanted: Access) -> Admitted:
    repositories = opened.repositories
    if selected is not None:
        repository = repositories.get(selected.lower())
    else:
        repository = next(iter(repositories.values())) if len(repositories) == 1 else None
    if repository is None or not repository.configuration.anonymous_read or wanted > Access.READ:
        raise NotAuthenticated(
            "Credentials are needed: the username is the repository's name, the password its secret."
        )
    return Admitted(repository, "", None)


async def _known(exchange: Exchange, opened: OpenWharf, username: str, secret: Secret, wanted: Access) -> Admitted:
    name = (username if exchange.selected is None else exchange.selected).lower()
    repository = opened.repositories.get(name)
    if repository is None:  # as a wrong secret is answered, and slowed: names of repositories are not told
        verdicts = opened.verdicts_of_unknown(name)
        if verdicts.recall(username, secret, wanted) is None:
            verdicts.admit_question(username, secret, exchange.client)
            await _pretend(opened, secret)
            verdicts.remember(username, secret, Verdict(Access.UNKNOWN))
        raise NotAuthenticated(_WRONG)
    access = repository.verdicts.recall(username, secret, wanted)
    if access is None:
        repository.verdicts.admit_question(username, secret, exchange.client)
        verdict = await exchange.threads(repository).run(repository.auth.access, username, secret)
        repository.verdicts.remember(username, secret, verdict)
        access = verdict.access
    if access is Access.UNKNOWN:
        raise NotAuthenticated(_WRONG)
    if access is Access.NONE:
        raise NotPermitted(f"This secret has no right in the repository {repository.name}.")
    if wanted is Access.WRITE and access < Access.MAY_WRITE:
        raise NotPermitted(f"This secret may read the repository {repository.name}, not write to it.")
    if (by_readers := opened.by_readers.get(name)) is not None:
        await by_readers.come(secret)
    return Admitted(repository, username, secret)


async def _pretend(opened: OpenWharf, secret: Secret) -> None:
    """Take as long as a wrong secret takes where secrets are hashed, so that the time tells no repository's name."""
    for name, repository in opened.repositories.items():
        if not repository.auth.cheap and type(repository.auth).pretend is not Auth.pretend:
            await opened.threads[name].run(repository.auth.pretend, secret)
            return
