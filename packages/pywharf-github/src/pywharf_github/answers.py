"""GitHub's answers, and what each refusal means to pywharf: decided here and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from pywharf_core import NotAuthenticated, NotPermitted, StorageUnavailable, WharfError, duration

_SECONDARY_WAIT = 60  # seconds, where GitHub does not say; what its documentation asks for at least
_MAX_REASON = 300  # characters
_LOGINS_BLOCKED = "login attempts exceeded"


class AnswerLost(StorageUnavailable):
    """No answer, or none that says anything: nobody knows whether GitHub did what it was asked."""


class LoginsBlocked(StorageUnavailable):
    """GitHub refuses whatever token comes from here, good ones too, since so many were wrong.

    https://docs.github.com/en/rest/authentication/authenticating-to-the-rest-api#failed-login-limit
    """


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the REST API.

    :ivar headers: by name in lower case.
    :ivar data: the JSON document, None for an empty body; ``Any``, as each operation has its own form.
    """

    status: int
    headers: Mapping[str, str]
    data: Any = None

    @property
    def is_success(self) -> bool:
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def date(self) -> datetime | None:
        """What time it is on GitHub; None: it does not say."""
        try:
            moment = parsedate_to_datetime(self.headers["date"])
        except (KeyError, ValueError):
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    @property
    def reason(self) -> str:
        """GitHub's own words, on one line; "" if it said nothing."""
        if not isinstance(self.data, Mapping):
            return ""
        said = [self.data.get("message")]
        errors = self.data.get("errors")
        for error in errors if isinstance(errors, list) else ():
            if isinstance(error, Mapping):
                said.append(error.get("message") or " ".join(str(error.get(key, "")) for key in ("field", "code")))
            else:
                said.append(error)
        text = "; ".join(" ".join(str(part).split()).rstrip(".") for part in said if part)
        return text[:_MAX_REASON]

    def has_error(self, *, code: str, field: str | None = None) -> bool:
        """Whether a business rule of GitHub refused, by its code (``already_exists`` …)."""
        errors = self.data.get("errors") if isinstance(self.data, Mapping) else None
        return any(
            isinstance(error, Mapping) and error.get("code") == code and field in (None, error.get("field"))
            for error in (errors if isinstance(errors, list) else ())
        )


def parsed(status: int, headers: Mapping[str, str], text: str) -> Answer:
    """An answer with its JSON read; an error's body may be anything.

    :raises AnswerLost: a success whose body is no JSON, as of a proxy in between.
    """
    if not text:
        return Answer(status, headers)
    try:
        return Answer(status, headers, json.loads(text, object_pairs_hook=_Document))
    except ValueError as error:
        answer = Answer(status, headers)
        if answer.is_success:
            raise AnswerLost("GitHub's answer is not JSON; is there a proxy in between?") from error
        return answer


def refusal(answer: Answer) -> WharfError:
    """The error that an answer other than a success means."""
    reason = answer.reason
    status = answer.status
    if status == HTTPStatus.FORBIDDEN and _LOGINS_BLOCKED in reason.lower():
        blocked_for = _retry_after(answer) or _SECONDARY_WAIT
        return LoginsBlocked(
            f"GitHub takes no token from this server for a while ({reason}); try again in {duration(blocked_for)}.",
            retry_after=blocked_for,
        )
    if status in (HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS):
        wait = _rate_limit_wait(answer)
        if wait is not None:
            said = f" ({reason})" if reason else ""
            return StorageUnavailable(
                f"GitHub's rate limit is reached{said}; try again in {duration(wait)}.", retry_after=wait
            )
    if status == HTTPStatus.UNAUTHORIZED:
        return NotAuthenticated(
            f"GitHub does not accept this token ({reason or 'no reason given'}); it is wrong, expired or revoked."
        )
    if status == HTTPStatus.FORBIDDEN:
        return NotPermitted(f"GitHub does not permit this with this token: {why_forbidden(answer)}.")
    if status == HTTPStatus.NOT_FOUND:
        return NotPermitted("GitHub shows this token no such repository, or does not let it do this.")
    if status in (HTTPStatus.FOUND, HTTPStatus.SEE_OTHER):
        return StorageUnavailable("GitHub redirects to somewhere else where it should answer; is api_url right?")
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return StorageUnavailable(
            "The GitHub repository was renamed or moved; write its new name into the configuration."
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return AnswerLost(f"GitHub does not work right now (status {status}).", retry_after=_retry_after(answer))
    return StorageUnavailable(f"GitHub refuses with status {status}: {reason or 'no reason given'}.")


class _Document(dict[str, Any]):
    """A JSON object of GitHub's: what it lacks of what was promised makes the whole answer one that says nothing."""

    def __missing__(self, key: str) -> Any:  # never returns; a mapping's own type
        raise broken_promise()


def broken_promise() -> AnswerLost:
    """The error where an answer is not the document that GitHub's OpenAPI description promises: nothing follows from it."""
    return AnswerLost(
        "GitHub's answer is not what GitHub says it answers; is api_url right, and is there a proxy in between?"
    )


def why_forbidden(answer: Answer) -> str:
    """Of a 403: half a sentence."""
    if "x-github-sso" in answer.headers:
        return "it must be authorised for the organisation's single sign-on first"
    reason = answer.reason or "no reason given"
    needed = answer.headers.get("x-accepted-github-permissions")
    return f"{reason} (needed: {needed})" if needed else reason


def _rate_limit_wait(answer: Answer) -> int | None:
    """Seconds until another try makes sense; None: not a rate limit's answer."""
    said = answer.reason.lower()
    asked = _retry_after(answer)
    if answer.headers.get("x-ratelimit-remaining") == "0":
        return max(1, asked or _until_reset(answer))
    is_limit = "rate limit" in said or asked is not None or answer.status == HTTPStatus.TOO_MANY_REQUESTS
    return (asked or _SECONDARY_WAIT) if is_limit else None


def _retry_after(answer: Answer) -> int | None:
    value = answer.headers.get("retry-after", "")
    return int(value) if value.isdecimal() else None


def _until_reset(answer: Answer) -> int:
    reset = answer.headers.get("x-ratelimit-reset", "")
    if answer.date is None or not reset.isdecimal():
        return _SECONDARY_WAIT
    return int(int(reset) - answer.date.timestamp()) + 1  # by GitHub's own clock, as the reset is


def next_page_and_last(answer: Answer) -> tuple[str | None, str | None]:
    """The addresses of a listing's next page and of its last one, where the answer links to them."""
    links = {}
    for link in answer.headers.get("link", "").split(","):
        address, _, relation = link.partition(";")
        links[relation.strip()] = address.strip().strip("<>")
    return links.get('rel="next"'), links.get('rel="last"')
