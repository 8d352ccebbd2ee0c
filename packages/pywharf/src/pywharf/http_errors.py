"""The one place that maps errors to HTTP: a status, one plain sentence, and the request's id."""

from __future__ import annotations

import json
import logging
import sqlite3
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from pywharf.admission import SeveralRepositories
from pywharf.conditional import VARY
from pywharf.exchange import exchange_of
from pywharf.logs import request_id
from pywharf.pages.addresses import addresses_of
from pywharf.pages.navigation import is_navigation, see_other, to_login, to_login_from_form
from pywharf.pages.rendering import render
from pywharf_core.errors import (
    ConfigurationConflict,
    ConfigurationError,
    FileAlreadyExists,
    FileChanged,
    FileTooLarge,
    IndexConflict,
    InvalidRequest,
    InvalidUpload,
    NotAcceptable,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    NotSupported,
    PluginError,
    StorageUnavailable,
    TooManyAttempts,
    WharfError,
)
from pywharf_core.simple.negotiate import media_ranges

logger = logging.getLogger(__name__)

#: By the nearest class in the error's ancestry.
STATUS: dict[type[WharfError], int] = {
    ConfigurationError: 400,
    InvalidRequest: 400,
    InvalidUpload: 400,
    NotAuthenticated: 401,
    NotPermitted: 403,
    NotFound: 404,
    NotAcceptable: 406,
    ConfigurationConflict: 409,
    FileAlreadyExists: 409,
    FileChanged: 409,
    IndexConflict: 409,
    FileTooLarge: 413,
    TooManyAttempts: 429,
    PluginError: 500,
    NotSupported: 501,
    StorageUnavailable: 503,
}

# pip obeys Retry-After each of its five times; an HTTP date would crash poetry.
_MOST_PATIENCE = 5  # seconds

_CHALLENGE = 'Basic realm="pywharf", charset="UTF-8"'


def status_of(error: WharfError) -> int:
    return next(STATUS[cls] for cls in type(error).__mro__ if cls in STATUS)


def error_response(scope: Scope, error: Exception) -> Response:
    """What the client is told of ``error``; anything unforeseen is logged, and told as 500 without details."""
    if (elsewhere := _sent_elsewhere(scope, error)) is not None:
        return elsewhere
    headers = {"Cache-Control": "no-store"}
    match error:
        case WharfError():
            status, sentence = status_of(error), str(error)
            headers |= headers_of(error)
        case HTTPException():
            status, sentence = error.status_code, _ROUTING.get(error.status_code, str(error.detail))
            headers |= dict(error.headers or {})
        case sqlite3.OperationalError():
            logger.error("files under ROOT cannot be read or written", exc_info=error)
            status, sentence = (
                503,
                "The server cannot use its own files now; the log of the server says why, by this request's id.",
            )
            headers["Retry-After"] = "1"
        case _:
            logger.error("unforeseen error", exc_info=error)
            status, sentence = (
                500,
                "Something unforeseen went wrong; the log of the server says what, by this request's id.",
            )
    return _rendered(scope, status, sentence, headers)


def headers_of(error: WharfError) -> dict[str, str]:
    """What an error's status wants beside it: with which credentials, or when, another try makes sense."""
    if isinstance(error, NotAuthenticated):
        return {"WWW-Authenticate": _CHALLENGE}  # every 401 has one (RFC 9110, section 15.5.2)
    if isinstance(error, StorageUnavailable | TooManyAttempts):
        return {"Retry-After": str(max(1, min(error.retry_after or 1, _MOST_PATIENCE)))}
    return {}


def _sent_elsewhere(scope: Scope, error: Exception) -> Response | None:
    """For a person in front of a browser: the login, or the page on which to choose a repository.

    Never 401 where no credentials came: browsers answer its challenge with a dialog of their own, and keep what is
    written there beyond every logout.
    """
    exchange = exchange_of(scope)
    if b"authorization" in exchange.headers or not is_navigation(exchange):
        return None
    looking = scope["method"] in ("GET", "HEAD")
    if isinstance(error, NotAuthenticated) and (looking or exchange.for_people):
        return to_login(scope) if looking else to_login_from_form(scope)
    return see_other(addresses_of(scope).home) if looking and isinstance(error, SeveralRepositories) else None


_ROUTING = {
    404: "There is nothing at this address; package tools use /simple/.",
    405: "This address does not take this method.",
}


def _rendered(scope: Scope, status: int, sentence: str, headers: dict[str, str]) -> Response:
    """As text, JSON or HTML, by ``Accept``; text unless another is wanted more."""
    number = request_id.get()
    headers |= {"Vary": VARY.decode(), "X-Content-Type-Options": "nosniff", "X-Request-Id": number}
    media_type = _wanted(exchange_of(scope).headers.get(b"accept", b"").decode("latin-1"))
    if media_type == "application/json":
        # uv shows `code`, PyPI's clients know `message`.
        document = {"code": sentence, "message": sentence, "status": status, "request_id": number}
        body = json.dumps(document, ensure_ascii=False)
    elif media_type == "text/html":
        return _page(scope, status, sentence, headers)
    else:
        body = f"{sentence}\nRequest {number}\n"
    charset = "" if media_type == "application/json" else "; charset=utf-8"
    return Response(body, status, headers, f"{media_type}{charset}")


def _page(scope: Scope, status: int, sentence: str, headers: dict[str, str]) -> Response:
    logged_in = exchange_of(scope).session is not None
    looking = scope["method"] in ("GET", "HEAD")  # what a form may not do is not always its secret's fault
    return render(
        scope,
        "error.html",
        status=status,
        headers=headers,
        number=status,
        heading=_HEADINGS.get(status) or HTTPStatus(status).phrase,
        sentences=sentence.split("\n"),
        request=request_id.get(),
        may_log_in=status == 401 or (status == 403 and (looking or not logged_in)),
    )


_HEADINGS = {
    400: "That cannot be done",
    401: "Who are you?",
    403: "Not permitted",
    404: "Not here",
    405: "Not in this way",
    409: "Somebody was faster",
    429: "One moment",
    500: "Something went wrong",
    503: "Not now",
}


def _wanted(accept: str) -> str:
    """The best of our three media types; those that only a package index has count as text."""
    ranges = media_ranges(accept)
    quality = {media_type: ranges.get(media_type, 0) for media_type in ("text/plain", "application/json", "text/html")}
    quality["text/plain"] = max(quality["text/plain"], ranges.get("text/*", 0), ranges.get("*/*", 0))
    return max(quality, key=lambda media_type: quality[media_type])
