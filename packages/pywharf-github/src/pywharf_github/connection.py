"""One thread's way to GitHub: PyGithub for small JSON requests, a session of our own for bytes.

PyGithub's client keeps the state of a running request on itself, so threads cannot share one. Its own downloads and
uploads are not used: they hold whole files in memory, have no timeouts, and follow redirects by rules of their own.

Importing this module takes a quarter of a second; only ``client`` does, when it is first needed.
"""

from __future__ import annotations

import http.cookiejar
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import IO, Any, Self, cast

import github
import requests
import urllib3
from github.Auth import Auth
from github.GithubRetry import GithubRetry

from pywharf_core import Secret
from pywharf_github.answers import Answer, AnswerLost, parsed
from pywharf_github.log_redaction import keep_signed_addresses_out_of_logs

USER_AGENT = "pywharf-github"
API_VERSION = "2022-11-28"

_RETRIES = 2  # of reading requests only; a write that went wrong is looked at, never sent again blindly
_MAX_WAIT = 2  # seconds that a retry may wait while a thread of the server is held
_REFUSED = (HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)
_STATUS = re.compile(r"\b5\d\d\b")  # in what urllib3 says when all its tries were answered so

keep_signed_addresses_out_of_logs()


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeouts:
    """Seconds of silence after which GitHub counts as not answering.

    :ivar connect: until a connection stands, and for each piece sent.
    :ivar api: until a small request is answered; GitHub itself gives up after 10.
    :ivar transfer: between two pieces of a file, and until an uploaded file is confirmed.
    """

    connect: float = 10
    api: int = 15
    transfer: float = 60


class _CappedRetry(GithubRetry):
    """What GitHub refuses is told at once: PyGithub would ask again, and sleep a ``Retry-After`` whole.

    So is a repository that was renamed: PyGithub would go there without the query, as if nothing particular was asked.
    """

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: Any = None,  # urllib3 and PyGithub say different types
        error: Exception | None = None,
        _pool: Any = None,
        _stacktrace: Any = None,
    ) -> Self:
        if isinstance(error, urllib3.exceptions.TimeoutError):
            raise error  # whoever waited in vain is told, and holds up nobody for as long again
        wait = None if response is None else self.get_retry_after(response)
        refused = response is not None and response.status in (*_REFUSED, HTTPStatus.MOVED_PERMANENTLY)
        if response is not None and (refused or (wait is not None and wait > _MAX_WAIT)):
            text = response.read(decode_content=True).decode("utf-8", "replace")
            answer = parsed(response.status, _lower(response.headers), text)
            raise github.GithubException(answer.status, answer.data, dict(answer.headers))
        return cast(Self, super().increment(method, url, response, error, _pool, _stacktrace))


class _Caller(Auth):
    """Whose request it is; holds the secret only while one runs, and hides it from PyGithub's log."""

    def __init__(self) -> None:
        self.secret: Secret | None = None

    @property
    def token_type(self) -> str:
        return "Bearer"

    @property
    def token(self) -> str:
        return "" if self.secret is None else self.secret.reveal()

    def authentication(self, headers: dict[str, str]) -> None:
        headers.update(authorization(self.secret))

    def mask_authentication(self, headers: dict[str, str]) -> None:
        if "Authorization" in headers:
            headers["Authorization"] = "Bearer (removed)"


def authorization(secret: Secret | None) -> dict[str, str]:
    return {} if secret is None else {"Authorization": f"Bearer {secret.reveal()}"}


class Connection:
    """Used by one thread at a time; keeps connections open, and no secret."""

    def __init__(self, api_url: str, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._caller = _Caller()
        self._github = github.Github(
            base_url=api_url,
            auth=self._caller,
            timeout=timeouts.api,
            user_agent=USER_AGENT,
            per_page=100,
            retry=_CappedRetry(
                total=_RETRIES,
                allowed_methods={"GET"},
                max_rate_limit_wait=_MAX_WAIT,
                status_forcelist=[HTTPStatus.MOVED_PERMANENTLY, *range(500, 600)],
            ),
            seconds_between_requests=None,
            seconds_between_writes=None,
            lazy=True,
        )
        self._session = requests.Session()
        self._session.auth = _leave  # without it, a .netrc would add credentials of its own
        self._session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))

    def ask(
        self,
        secret: Secret | None,
        verb: str,
        path: str,
        *,
        parameters: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Answer:
        """One request to the API.

        :raises AnswerLost: there was no answer.
        """
        sent = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": API_VERSION, **(headers or {})}
        self._caller.secret = secret
        try:
            with _transport_errors():
                status, answered, text = self._github.requester.requestJson(
                    verb, path, parameters=dict(parameters or {}), headers=sent, input=body
                )
                return parsed(status, answered, text)
        except github.GithubException as error:
            return Answer(error.status, _lower(error.headers or {}), error.data)
        finally:
            self._caller.secret = None
            sent.pop("Authorization", None)  # PyGithub keeps the headers of its last request

    def upload(
        self, secret: Secret | None, url: str, name: str, content: IO[bytes], size: int, content_type: str
    ) -> Answer:
        """Send ``size`` > 0 bytes of ``content`` as an asset named ``name``.

        :raises AnswerLost: there was no answer; what GitHub has now must be looked at.
        """
        headers = {
            "Accept": "application/vnd.github+json",
            "Content-Type": content_type,
            "Content-Length": str(size),
            "X-GitHub-Api-Version": API_VERSION,
            "User-Agent": USER_AGENT,
            **authorization(secret),
        }
        with _transport_errors():
            response = self._session.post(
                url,
                params={"name": name},
                data=content,
                headers=headers,
                timeout=(self._timeouts.connect, self._timeouts.transfer),
                allow_redirects=False,
            )
            return parsed(response.status_code, _lower(response.headers), response.text)

    def get(
        self, url: str, headers: Mapping[str, str], secret: Secret | None = None, *, of_api: bool = False
    ) -> requests.Response:
        """Begin to read ``url``; redirects are the caller's affair, and so is closing.

        :param of_api: the API answers at once or not at all.
        :raises AnswerLost: there was no answer.
        """
        patience = self._timeouts.api if of_api else self._timeouts.transfer
        with _transport_errors():
            return self._session.get(
                url,
                headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **headers, **authorization(secret)},
                timeout=(min(self._timeouts.connect, patience), patience),
                allow_redirects=False,
                stream=True,
            )

    def close(self) -> None:
        self._github.close()
        self._session.close()


def read_piece(response: requests.Response, size: int) -> bytes:
    """Up to ``size`` bytes of a body; b"" at its end.

    :raises AnswerLost: it was cut off, or does not go on.
    """
    with _transport_errors():
        piece: bytes = response.raw.read(size, decode_content=False)
        return piece


@contextmanager
def _transport_errors() -> Iterator[None]:
    try:
        yield
    except (
        requests.RequestException,
        urllib3.exceptions.HTTPError,
        OSError,
        RuntimeError,  # PyGithub's, of a redirect to another host or to where it came from
        AssertionError,  # PyGithub's, of an address that is not the API's
    ) as error:
        raise AnswerLost(_sentence(error)) from error


def _sentence(error: BaseException) -> str:
    """Without the errors' own texts, which hold addresses."""
    while True:
        if isinstance(error, urllib3.exceptions.MaxRetryError) and (status := _STATUS.search(str(error.reason))):
            return f"GitHub does not work right now (status {status[0]})."
        if error.__context__ is None or isinstance(error, TimeoutError):
            # The innermost says most ("ConnectionRefusedError", "TimeoutError").
            return f"GitHub does not answer ({type(error).__name__})."
        error = error.__context__


def _leave(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _lower(headers: Mapping[str, Any]) -> dict[str, str]:
    return {name.lower(): str(value) for name, value in headers.items()}
