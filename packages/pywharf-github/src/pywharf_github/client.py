"""GitHub as one caller sees it: every request of this distribution goes through here."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from pywharf_core import NotAuthenticated, Secret, StorageUnavailable
from pywharf_github.answers import Answer, AnswerLost, parsed, refusal
from pywharf_github.connections import Connections

if TYPE_CHECKING:
    import requests

_MAX_TOKEN = 4096  # characters
_MAX_SMALL_BODY = 128 * 1024 * 1024  # bytes; GitHub serves no blob above 100 MB
_PIECE = 256 * 1024  # bytes
_MOVED = (HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT)
_REDIRECTS = (HTTPStatus.FOUND, *_MOVED)


class Client:
    """Requests about one GitHub repository with one secret; free to make, keeps nothing.

    :param secret: None: as anybody.
    """

    def __init__(self, connections: Connections, owner: str, repo: str, secret: Secret | None) -> None:
        self._connections = connections
        self._secret = secret
        self._repository = f"/repos/{quote(owner)}/{quote(repo)}"
        self.repository_name = f"{owner}/{repo}"

    @property
    def secret(self) -> Secret | None:
        return self._secret

    def ask(
        self,
        verb: str,
        path: str = "",
        *,
        parameters: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        also: Collection[int] = (),
    ) -> Answer:
        """One request about the repository.

        :param path: below ``/repos/OWNER/REPO``; its parts are quoted by ``segment``.
        :param also: statuses that are no errors here.
        :raises NotAuthenticated: GitHub does not know the secret.
        :raises NotPermitted: the secret may not do this, or not see the repository.
        :raises StorageUnavailable: anything else; ``AnswerLost`` if it may have been done all the same.
        """
        return self._whole_path(verb, self._repository + path, parameters, headers, body, also)

    def pages(
        self, path: str, parameters: Mapping[str, str], *, per_page: int | None = 100, also: Collection[int] = ()
    ) -> Iterator[Answer]:
        """A listing, page by page, as GitHub links them.

        :param per_page: None: as many as GitHub likes.
        """
        sizes = {} if per_page is None else {"per_page": str(per_page)}
        answer = self.ask("GET", path, parameters={**sizes, **parameters}, also=also)
        seen = set()
        while True:
            yield answer
            following, _ = next_page_and_last(answer)
            if following is None or following in seen:
                return
            seen.add(following)
            answer = self._whole_path("GET", self._own_address(following), None, None, None, also)

    def check_visible(self) -> Mapping[str, Any]:
        """The repository as the caller sees it: what a 404 on something in it means depends on that.

        :raises NotPermitted: it is absent, or hidden.
        """
        data: Mapping[str, Any] = self.ask("GET").data
        return data

    def upload(self, upload_url: str, name: str, content: IO[bytes], size: int, content_type: str) -> Answer:
        """Send an asset; an answer of any status.

        :param upload_url: as the release says it.
        :raises AnswerLost: what GitHub has now must be looked at.
        """
        url = upload_url.partition("{")[0]
        if not self._may_have_token(url):
            raise StorageUnavailable("GitHub names an upload host that is not one of its own; is api_url right?")
        return self._connections.mine().upload(self._known_secret(), url, name, content, size, content_type)

    def open_asset(self, asset_id: int) -> requests.Response | str:
        """The asset's signed address, or the beginning answer with its bytes, as some Enterprise servers send it.

        :raises FileNotFoundError: there is no such asset, or it is hidden.
        """
        response = self._open(f"/releases/assets/{asset_id}", "application/octet-stream")
        if isinstance(response, str):
            return response
        if response.status_code == HTTPStatus.OK:
            return response
        answer = _answer_of(response)
        if answer.status == HTTPStatus.NOT_FOUND:
            raise FileNotFoundError(asset_id)
        raise refusal(answer)

    def read_raw(self, path: str) -> bytes:
        """The bytes of a blob, or of a file on a branch.

        :raises FileNotFoundError: there is none, or it is hidden.
        """
        response = self._open(path, "application/vnd.github.raw+json")
        if isinstance(response, str):
            raise StorageUnavailable("GitHub redirects to another host where none was expected.")
        if response.status_code != HTTPStatus.OK:
            answer = _answer_of(response)
            if answer.status == HTTPStatus.NOT_FOUND:
                raise FileNotFoundError(path)
            raise refusal(answer)
        with response:
            return read_small(response)

    def open_storage(self, url: str, start: int) -> requests.Response:
        """Begin to read a signed address from byte ``start`` on. No token is sent, nor does its host need one."""
        headers = {"Range": f"bytes={start}-"} if start else {}
        return self._connections.mine().get(url, headers)

    def _open(self, path: str, accept: str) -> requests.Response | str:
        """An answer of any status but a redirect's, or the address on another host to which it redirects."""
        url = self._connections.api_url + self._repository + path
        for _ in range(3):
            headers = {"Accept": accept, "X-GitHub-Api-Version": "2022-11-28"}
            response = self._get(url, headers)
            if response.status_code not in _REDIRECTS:
                return response
            with response:
                location = str(response.headers.get("location", ""))
            if response.status_code == HTTPStatus.FOUND or not self._is_api(location):
                return location
            url = location  # a repository that was renamed
        raise StorageUnavailable("GitHub redirects in a circle.")

    def _get(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        connection, secret = self._connections.mine(), self._known_secret()
        try:
            response = connection.get(url, headers, secret)
        except AnswerLost:
            return connection.get(url, headers, secret)
        if response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            return response
        response.close()
        return connection.get(url, headers, secret)

    def _whole_path(
        self,
        verb: str,
        path: str,
        parameters: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
        also: Collection[int],
    ) -> Answer:
        connection, secret = self._connections.mine(), self._known_secret()
        answer = connection.ask(secret, verb, path, parameters=parameters, headers=headers, body=body)
        if answer.status in _MOVED:  # a repository that was renamed
            moved = self._own_address(answer.headers.get("location", ""))
            answer = connection.ask(secret, verb, moved, headers=headers, body=body)
        if answer.is_success or answer.status in also:
            return answer
        raise refusal(answer)

    def _known_secret(self) -> Secret | None:
        """:raises NotAuthenticated: it cannot be a token, so no header is made of it."""
        if self._secret is not None and not is_token(self._secret):
            raise NotAuthenticated("This is not a GitHub token.")
        return self._secret

    def _own_address(self, url: str) -> str:
        """The path below the API's address.

        :raises StorageUnavailable: another host's.
        """
        if not self._is_api(url):
            raise StorageUnavailable("GitHub links to a host that is not its own; is api_url right?")
        return url[len(self._connections.api_url) :]

    def _is_api(self, url: str) -> bool:
        return url.startswith(self._connections.api_url + "/")

    def _may_have_token(self, url: str) -> bool:
        """Only the API's host and port, and ``uploads.X`` beside ``api.X``."""
        api, other = urlsplit(self._connections.api_url), urlsplit(url)
        if api.hostname is None or (other.scheme, other.port) != (api.scheme, api.port):
            return False
        beside = f"uploads.{api.hostname.removeprefix('api.')}" if api.hostname.startswith("api.") else api.hostname
        return other.hostname in (api.hostname, beside)


def is_token(secret: Secret) -> bool:
    """Whether the secret has the form of any token: visible ASCII."""
    text = secret.reveal()
    return 0 < len(text) <= _MAX_TOKEN and text.isascii() and text.isprintable() and " " not in text


def segment(text: str) -> str:
    """One part of a path, quoted; ``+`` and ``!`` too."""
    return quote(text, safe="")


def _answer_of(response: requests.Response) -> Answer:
    with response:
        body = _read_all(response, _PIECE)
    headers = {name.lower(): str(value) for name, value in response.headers.items()}
    return parsed(int(response.status_code), headers, body.decode("utf-8", "replace"))


def read_small(response: requests.Response) -> bytes:
    """The rest of a body that a server's memory must hold.

    :raises StorageUnavailable: it is too large for that, or was cut off.
    """
    return _read_all(response, _MAX_SMALL_BODY)


def _read_all(response: requests.Response, limit: int) -> bytes:
    # Here for the reason that ``mine`` has; it is loaded by now.
    from pywharf_github.connection import read_piece

    pieces, size = [], 0
    while piece := read_piece(response, _PIECE):
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            raise StorageUnavailable("GitHub's answer is larger than what was asked for can be.")
    return b"".join(pieces)


def next_page_and_last(answer: Answer) -> tuple[str | None, str | None]:
    """The addresses of a listing's next page and of its last one, where the answer links to them."""
    links = {}
    for link in answer.headers.get("link", "").split(","):
        address, _, relation = link.partition(";")
        links[relation.strip()] = address.strip().strip("<>")
    return links.get('rel="next"'), links.get('rel="last"')
