"""Reading another index over HTTP: who we are there, what its answers mean, and when to ask again.

Credentials given for the index go to its own origin (scheme, host and port) and nowhere else; other hosts, on which its
files may lie, get what ``netrc`` has for them, as pip does it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

import requests

from pywharf_core.clock import Clock
from pywharf_core.errors import FileNotFound, SourceUnavailable, SourceUnusable
from pywharf_core.secret import Secret
from pywharf_core.transfer.offers import PIECE, without_credentials
from pywharf_core.upload.staging import StagingFile

_TIMEOUT = (15.0, 60.0)  # seconds to connect, and between two pieces
_LARGEST_PAGE = 256 * 1024 * 1024  # bytes, unpacked; PyPI's list of all projects has a sixth of that
_LONGEST_NUMBER = 10  # digits of seconds
_RETRY = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.FORBIDDEN, HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS)
_NO_USE = (
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.TooManyRedirects,
)


class Web:
    """For many threads, each with its own connections.

    :param url: of the index; what stands before ``@`` in it is name and secret, unless ``secret`` is given.
    :ivar url: without credentials, with a slash at its end.
    :ivar is_devpi: what answered is a server of devpi; known when something was asked.
    :raises SourceUnusable: it is no URL.
    """

    def __init__(self, url: str, *, username: str | None = None, secret: Secret | None = None) -> None:
        parts = _split(url)
        host = parts.netloc.rpartition("@")[2]
        path = parts.path if parts.path.endswith("/") else f"{parts.path}/"
        self.url = urlunsplit((parts.scheme, host, path, "", ""))
        self._origin = _origin(self.url)
        username = username if username is not None else unquote(parts.username or "")
        said = secret.reveal() if secret is not None else unquote(parts.password or "")
        self._auth = requests.auth.HTTPBasicAuth(_bytes(username), _bytes(said)) if username or said else None
        self.is_devpi = False
        self._threads = threading.local()
        self._sessions: list[requests.Session] = []

    def page(self, url: str, accept: str) -> requests.Response | None:
        """A page, whole; None: there is none.

        :raises SourceUnusable: the index does not show it to us.
        :raises SourceUnavailable: another try may succeed.
        """
        with self._get(url, {"Accept": accept}) as response:
            if response.status_code in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
                return None
            if response.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
                raise SourceUnusable(f"{shown(url)} {self._why_refused(response.status_code)}")
            if response.status_code != HTTPStatus.OK:
                raise SourceUnusable(f"{shown(url)} answers with status {response.status_code}; is it a simple index?")
            pieces, size = [], 0
            for piece in _pieces(response, url):
                pieces.append(piece)
                size += len(piece)
                if size > _LARGEST_PAGE:
                    raise SourceUnusable(f"{shown(url)} is larger than {_LARGEST_PAGE} bytes; is it a simple index?")
            response._content = b"".join(pieces)  # where requests has it itself, of what it reads without a limit
            return response

    def download(self, url: str, staging: StagingFile, clock: Clock) -> None:
        """A file's bytes.

        :raises FileNotFound: it is not there, or not for us.
        :raises SourceUnusable: the address is none that can be asked.
        :raises SourceUnavailable: another try may succeed, with another ``staging``.
        """
        # Without encoding: some servers wrap .tar.gz files a second time, which have another hash then.
        with self._get(url, {"Accept-Encoding": "identity"}) as response:
            if response.status_code in _GONE:
                raise FileNotFound(f"{shown(url)} answers with status {response.status_code}.")
            if response.status_code == HTTPStatus.UNAUTHORIZED:
                raise FileNotFound(f"{shown(url)} {self._why_refused(response.status_code)}")
            if response.status_code != HTTPStatus.OK:
                raise SourceUnusable(f"{shown(url)} answers with status {response.status_code}.")
            for piece in _pieces(response, url):
                clock.demand_going_on()
                staging.write(piece)

    def is_own(self, url: str) -> bool:
        """Whether the address is of the index's own origin, or of the same host where TLS begins."""
        scheme, host, port = self._origin
        return _origin(url) in (self._origin, ("https", host, 443) if (scheme, port) == ("http", 80) else self._origin)

    def close(self) -> None:
        for session in self._sessions:
            session.close()

    def _get(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        """An answer of any status that another try would not better."""
        auth = self._auth if self.is_own(url) else None
        try:
            response = self._session().get(url, headers=dict(headers), auth=auth, timeout=_TIMEOUT, stream=True)
        except _NO_USE as error:
            raise SourceUnusable(f"{shown(url)} cannot be asked: {_why(error)}.") from error
        except requests.RequestException as error:
            raise SourceUnavailable(f"{shown(url)} does not answer: {_why(error)}.") from error
        except ValueError as error:  # of parsers below requests
            raise SourceUnusable(f"{shown(url)}, or where it points to, is no address that can be asked.") from error
        if "x-devpi-api-version" in response.headers:  # of each answer
            self.is_devpi = True
        if response.status_code in _RETRY or response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            response.close()
            raise SourceUnavailable(
                f"{shown(url)} answers with status {response.status_code}.", retry_after=_retry_after(response)
            )
        return response

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._threads, "session", None)
        if session is None:
            session = self._threads.session = requests.Session()
            session.headers["User-Agent"] = "pywharf"
            self._sessions.append(session)
        return session

    def _why_refused(self, status: int) -> str:
        if self._auth is None:
            return f"wants a name and a secret (status {status}); give them by --username and --secret, or in netrc."
        return f"does not let this name and secret in (status {status})."


def _pieces(response: requests.Response, url: str) -> Iterator[bytes]:
    """:raises SourceUnavailable: the body breaks off."""
    try:
        yield from response.iter_content(PIECE)
    except requests.RequestException as error:
        raise SourceUnavailable(f"{shown(url)} broke off: {_why(error)}.") from error


def shown(url: str) -> str:
    """An address without what may be secret in it: credentials, and the query of a signed one."""
    try:
        parts = urlsplit(url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    except ValueError:
        return "an address that is none"


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0):
            return parts
    except ValueError:
        pass
    raise SourceUnusable(
        f"{without_credentials(url)} is not the address of a simple index; it should look like https://HOST/simple/."
    )


def _origin(url: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return "", None, None


def _bytes(text: str) -> bytes:
    return text.encode()  # RFC 7617; requests would take Latin-1


def _retry_after(response: requests.Response) -> int | None:
    value = response.headers.get("retry-after", "")
    return int(value) if value.isdecimal() and len(value) < _LONGEST_NUMBER else None


def _why(error: Exception) -> str:
    """The innermost reason: what is around it is long and names the whole address, credentials and all."""
    seen: set[int] = set()
    inner: BaseException = error
    while id(inner) not in seen:
        seen.add(id(inner))
        reason = getattr(inner, "reason", None) or next((it for it in inner.args if isinstance(it, Exception)), None)
        inner = reason if isinstance(reason, BaseException) else inner
    text = str(inner.args[-1] if inner.args else "").rstrip(".")
    return text if isinstance(inner, OSError) and text and "://" not in text else type(inner).__name__
