"""``/login/`` and ``/logout/``: a browser's session.

A foreign page can neither log a visitor in, as somebody of its choice, nor out: `cross_site` refuses what a browser says
comes from elsewhere, and all browsers that know ``SameSite`` say it. A token within the form would need a cookie before
there is a session, and prove the same. Logging out has the session's token besides.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pywharf.admission import check_form_token, check_login
from pywharf.exchange import exchange_of
from pywharf.http_errors import headers_of, status_of
from pywharf.pages.addresses import addresses_of, own_path, repository_in
from pywharf.pages.navigation import is_navigation, see_other
from pywharf.pages.query import query_of
from pywharf.pages.rendering import render
from pywharf.session_cookie import clear_token, set_token
from pywharf.sessions import Sessions
from pywharf.small_form import read_small_form
from pywharf_core.errors import InvalidRequest, NotAuthenticated, NotPermitted, StorageUnavailable, TooManyAttempts
from pywharf_core.secret import Secret

_FIELDS = ("repository", "secret", "username", "next")
_LONGEST = {"repository": 200, "username": 200, "secret": 8192}  # characters
_MOST_BYTES = 64 * 1024  # of a form that anybody may send

_WRONG = "The repository or the secret is wrong."
_MANY = "Too many wrong secrets were tried; try again in a moment."


async def login_form(scope: Scope, receive: Receive, send: Send) -> None:
    """``GET /login/``, perhaps with ``next``, the path to go to afterwards, and ``ended``: a form came too late."""
    query = query_of(scope)
    await _form(scope, {"next": query.get("next", "")}, ended="ended" in query)(scope, receive, send)


class LogIn:
    """``POST /login/``: ``repository``, ``secret``, perhaps ``username`` and ``next``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange_of(scope).for_people = True
        form = await read_small_form(scope, receive, _FIELDS, of_every_form=("token",), most_bytes=_MOST_BYTES)
        try:
            response = await self._log_in(scope, form)
        except (InvalidRequest, NotAuthenticated, NotPermitted, TooManyAttempts, StorageUnavailable) as error:
            response = _form(scope, form, error)
        await response(scope, receive, send)

    async def _log_in(self, scope: Scope, form: Mapping[str, str]) -> Response:
        repository, secret = form.get("repository", "").strip(), form.get("secret", "")
        if not repository or not secret:
            raise InvalidRequest("Both the repository's name and a secret are needed.")
        if any(len(form.get(name, "")) > most for name, most in _LONGEST.items()):
            raise NotAuthenticated(_WRONG)
        # In lower case, as the lines to paste have it: a secret that came with those is known already.
        username = form.get("username", "").strip() or repository.lower()
        try:
            admitted = await check_login(scope, repository, username, Secret(secret))
        except NotAuthenticated as error:
            raise NotAuthenticated(_WRONG) from error
        except TooManyAttempts as error:
            raise TooManyAttempts(_MANY, retry_after=error.retry_after) from error
        name = admitted.repository.name
        session = await self._sessions.log_in(exchange_of(scope).session, name, username, Secret(secret))
        response = _onward(scope, own_path(scope, form.get("next", "")) or addresses_of(scope).home)
        response.headers.append("Set-Cookie", set_token(scope, session.token))
        return response


def _onward(scope: Scope, path: str) -> Response:
    """To where the visitor wanted to go.

    Files and unknown projects may lead to the storage or the extra index, and browsers do not follow a form to another
    site (``form-action``), however many redirects are between: there a page is between.
    """
    if "/simple/" not in path:
        return see_other(path)
    return render(scope, "onward.html", headers={"Refresh": f"0; url={path}"}, path=path)


async def logout_form(scope: Scope, receive: Receive, send: Send) -> None:
    """``GET /logout/``: asks. A link, an image or a prefetch ends nobody's session."""
    session = exchange_of(scope).session
    repositories = [] if session is None else sorted(session.logins)
    await render(scope, "logout.html", repositories=repositories)(scope, receive, send)


class LogOut:
    """``POST /logout/``, with the form's ``token``; without a session there is nothing to do."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        form = await read_small_form(scope, receive, (), of_every_form=("token", "next"), most_bytes=_MOST_BYTES)
        session = exchange_of(scope).session
        if session is not None:
            check_form_token(scope, form.get("token", ""))
            await self._sessions.log_out(session)
        response = see_other(addresses_of(scope).home)
        response.headers.append("Set-Cookie", clear_token(scope))
        await response(scope, receive, send)


_Refused = InvalidRequest | NotAuthenticated | NotPermitted | TooManyAttempts | StorageUnavailable


def _form(scope: Scope, filled: Mapping[str, str], problem: _Refused | None = None, *, ended: bool = False) -> Response:
    """The page with the form; what was filled in stays, but for the secret.

    :param ended: whether to say that another form was sent when its login had ended.
    """
    path = own_path(scope, filled.get("next", "")) or ""
    status, headers = 200, {}
    if isinstance(problem, NotAuthenticated) and is_navigation(exchange_of(scope)):
        status = 403  # 401 would make the browser open a dialog of its own, whose password outlives every logout
    elif problem is not None:
        status, headers = status_of(problem), headers_of(problem)
    return render(
        scope,
        "login.html",
        status=status,
        headers=headers,
        next=path,
        repository=filled.get("repository") or exchange_of(scope).selected or repository_in(scope, path),
        username=filled.get("username", ""),
        problem="" if problem is None else str(problem),
        wrong=isinstance(problem, InvalidRequest | NotAuthenticated),
        ended=ended,
    )
