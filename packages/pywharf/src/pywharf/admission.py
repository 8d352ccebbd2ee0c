"""Who is let in: repository and secret from the request, the verdict on them, and the right that a route wants."""

from __future__ import annotations

import hmac
from collections.abc import Collection
from dataclasses import replace

from starlette.types import Receive, Scope

from pywharf.admitted import Admitted
from pywharf.basic_authentication import basic_credentials
from pywharf.exchange import Exchange, exchange_of
from pywharf.session_table import Login, Session
from pywharf.small_form import read_small_form
from pywharf.wharf_in_force import OpenWharf
from pywharf_core.auth import Access
from pywharf_core.errors import InvalidRequest, NotAuthenticated, NotPermitted, StorageUnavailable, TooManyAttempts
from pywharf_core.secret import Secret

_WRONG = "The username or the password is wrong; the username is the repository's name, the password its secret."


class SeveralRepositories(InvalidRequest):
    """A session that reads several repositories asks at an address that names none."""


async def admit(scope: Scope, wanted: Access) -> Admitted:
    """Let the caller of this request in: by Basic authentication, else by a session, else as anybody.

    A session counts only where nothing is changed; ``admit_form`` is for the rest.

    :raises NotAuthenticated: no credentials, or wrong ones.
    :raises NotPermitted: right ones without the right.
    :raises TooManyAttempts: too many unknown secrets came from there.
    :raises SeveralRepositories: a session reads several, and the address names none.
    :raises StorageUnavailable: the server has no configuration yet, or the right cannot be found out now.
    """
    return await _admit(scope, wanted, with_session=scope["method"] in ("GET", "HEAD"))


async def admit_form(
    scope: Scope, receive: Receive, wanted: Access, fields: Collection[str]
) -> tuple[Admitted, dict[str, str]]:
    """Let in a caller who sends a small form; by a session only if the form carries the session's token.

    :param fields: that the form may have, beside those of every form of our pages: ``token`` and ``next``.
    :returns: the form's fields too, without ``token``.
    :raises WharfError: as ``admit`` and ``read_small_form`` do; ``NotPermitted`` also if the token is not the session's.
    """
    admitted = await _admit(scope, wanted, with_session=True)
    form = await read_small_form(scope, receive, fields, of_every_form=("token", "next"))
    token = form.pop("token", "")
    if admitted.by_session:
        check_form_token(scope, token)
    return admitted, form


def check_form_token(scope: Scope, token: str) -> None:
    """
    :raises NotPermitted: it is not the session's.
    """
    session = exchange_of(scope).session
    if session is None or not hmac.compare_digest(session.form_token.encode(), token.encode()):
        raise NotPermitted(
            "This form is not of your present login; go back, load the page anew, and send the form from there."
        )


async def check_login(scope: Scope, repository: str, username: str, secret: Secret) -> Admitted:
    """Whether somebody who would log in may read there; answered, slowed and remembered as Basic authentication is.

    :param repository: as the visitor wrote it; unknown ones are answered like a wrong secret.
    :raises WharfError: as ``admit`` does.
    """
    exchange = exchange_of(scope)
    return await _known(exchange, _opened(exchange), repository.lower(), username, secret, Access.READ)


async def readable_repositories(scope: Scope) -> tuple[list[Admitted], list[str]]:
    """All that this visitor may read: by credentials or by session, and those that anybody may.

    :returns: the repositories by name; and the names of those of the session's logins of which it cannot be found out
        now what the visitor may do there.
    :raises NotAuthenticated: the request has wrong credentials; ``NotPermitted``: they open nothing.
    """
    exchange = exchange_of(scope)
    opened = exchange.opened
    if opened is None:
        return [], []
    readable: dict[str, Admitted] = {}
    uncertain = []
    if (credentials := basic_credentials(scope)) is not None:
        admitted = await _by_credentials(exchange, opened, *credentials, Access.READ)
        readable[admitted.repository.name] = admitted
    elif exchange.session is not None:
        for name, login in exchange.session.logins.items():
            try:
                admitted = await _by_login(exchange, opened, name, login, Access.READ)
            except (NotAuthenticated, NotPermitted, TooManyAttempts):
                continue
            except StorageUnavailable:
                uncertain.append(name)
                continue
            readable[name] = admitted
    for name, repository in opened.repositories.items():
        if repository.configuration.anonymous_read and name not in readable:
            readable[name] = Admitted(repository, "", None)
    return [readable[name] for name in sorted(readable)], sorted(uncertain)


async def _admit(scope: Scope, wanted: Access, *, with_session: bool) -> Admitted:
    exchange = exchange_of(scope)
    opened = _opened(exchange)
    credentials = basic_credentials(scope)
    if credentials is not None:
        admitted = await _by_credentials(exchange, opened, *credentials, wanted)
    elif exchange.session is not None and with_session:
        admitted = await _by_session(exchange, opened, exchange.session, wanted)
    else:
        admitted = _anonymous(opened, exchange.selected, wanted)
    exchange.admitted, exchange.repository = admitted, admitted.repository
    return admitted


def _opened(exchange: Exchange) -> OpenWharf:
    if exchange.opened is None:
        raise StorageUnavailable("This server has no configuration yet; POST one to /initialize/.")
    return exchange.opened


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


async def _by_credentials(
    exchange: Exchange, opened: OpenWharf, username: str, secret: Secret, wanted: Access
) -> Admitted:
    name = (username if exchange.selected is None else exchange.selected).lower()
    return await _known(exchange, opened, name, username, secret, wanted)


async def _by_session(exchange: Exchange, opened: OpenWharf, session: Session, wanted: Access) -> Admitted:
    """By the login to the repository at this address; without ``/r/<repository>/`` by the only one that reads anything."""
    if exchange.selected is not None:
        names = [name for name in (exchange.selected.lower(),) if name in session.logins]
    else:
        names = [name for name in session.logins if name in opened.repositories]
    if len(names) > 1:
        names = [name for name in names if await _may_read(exchange, opened, name, session.logins[name])]
    if len(names) > 1:
        raise SeveralRepositories(
            "You are logged in to several repositories; put /r/<repository> in front of the path to say which one."
        )
    try:
        for name in names:
            return await _by_login(exchange, opened, name, session.logins[name], wanted)
    except NotAuthenticated:  # a secret that was good once
        pass
    return _anonymous(opened, exchange.selected, wanted)


async def _may_read(exchange: Exchange, opened: OpenWharf, name: str, login: Login) -> bool:
    """Also where it cannot be found out now."""
    try:
        await _by_login(exchange, opened, name, login, Access.READ)
    except (NotAuthenticated, NotPermitted):
        return False
    except StorageUnavailable:
        pass
    return True


async def _by_login(exchange: Exchange, opened: OpenWharf, name: str, login: Login, wanted: Access) -> Admitted:
    admitted = await _known(exchange, opened, name, login.username, login.secret, wanted)
    return replace(admitted, by_session=True)


async def _known(
    exchange: Exchange, opened: OpenWharf, name: str, username: str, secret: Secret, wanted: Access
) -> Admitted:
    verdict = await opened.questions.of(name).verdict(username, secret, wanted, exchange.client)
    repository = opened.repositories.get(name)
    if repository is None or verdict.access is Access.UNKNOWN:  # alike, so that names of repositories are not told
        raise NotAuthenticated(_WRONG)
    if verdict.access is Access.NONE:
        why = f": {verdict.reason}" if verdict.reason else ""
        raise NotPermitted(f"This secret has no right in the repository {name}{why}.")
    if wanted is Access.WRITE and verdict.access < Access.MAY_WRITE:
        raise NotPermitted(f"This secret may read the repository {name}, not write to it.")
    if (by_readers := opened.by_readers.get(name)) is not None:
        await by_readers.come(secret)
    return Admitted(repository, username, secret, verdict.access)
