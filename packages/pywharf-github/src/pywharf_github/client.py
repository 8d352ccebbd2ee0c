"""GitHub as one caller sees it: every request of this distribution goes through here."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote

from pywharf_core import NotAuthenticated, NotPermitted, Secret, StorageUnavailable
from pywharf_github.answers import Answer, AnswerLost, broken_promise, next_page_and_last, refusal
from pywharf_github.connections import Connections
from pywharf_github.options import doubt_about
from pywharf_github.received import answer_of, read_small
from pywharf_github.seen_repository import RepositoryIdentity, SeenRepository
from pywharf_github.token_form import is_token

if TYPE_CHECKING:
    import requests

_SOON = 2.0  # seconds
_MOVED = (HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT)
_WITH_DOCUMENT = (HTTPStatus.OK, HTTPStatus.CREATED)
_REDIRECTS = (HTTPStatus.FOUND, *_MOVED)


class Client:
    """Requests about one GitHub repository with one secret; free to make, keeps nothing.

    :param secret: None: as anybody.
    :param identity: which repository it has to be; None: whichever has the name.
    """

    def __init__(
        self,
        connections: Connections,
        owner: str,
        repo: str,
        secret: Secret | None,
        identity: RepositoryIdentity | None = None,
    ) -> None:
        self._connections = connections
        self._identity = identity
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
        listing: bool = False,
    ) -> Answer:
        """One request about the repository.

        :param path: below ``/repos/OWNER/REPO``; its parts are quoted by ``segment``.
        :param also: statuses that are no errors here.
        :param listing: a list is what GitHub answers, not a single document.
        :raises NotAuthenticated: GitHub does not know the secret.
        :raises NotPermitted: the secret may not do this, or not see the repository.
        :raises StorageUnavailable: anything else; ``AnswerLost`` if it may have been done all the same.
        """
        return self._whole_path(verb, self._repository + path, parameters, headers, body, also, listing=listing)

    def pages(
        self, path: str, parameters: Mapping[str, str], *, per_page: int | None = 100, also: Collection[int] = ()
    ) -> Iterator[Answer]:
        """A listing, page by page, as GitHub links them.

        :param per_page: None: as many as GitHub likes.
        """
        sizes = {} if per_page is None else {"per_page": str(per_page)}
        answer = self.ask("GET", path, parameters={**sizes, **parameters}, also=also, listing=True)
        seen = set()
        while True:
            yield answer
            following, _ = next_page_and_last(answer)
            if following is None or following in seen:
                return
            seen.add(following)
            answer = self._whole_path("GET", self._own_address(following), None, None, None, also, listing=True)

    @property
    def doubt(self) -> str:
        """What may be wrong with ``api_url`` where nothing is found, as half a sentence; or ""."""
        return doubt_about(self._connections.api_url)

    def check_visible(self) -> SeenRepository:
        """The repository as the caller sees it: what a 404 on something in it means depends on that.

        :raises NotPermitted: it is absent, or hidden.
        :raises StorageUnavailable: also if another one has its name now.
        """
        try:
            seen = SeenRepository.read(self.ask("GET"))
        except NotPermitted as error:
            if not self.doubt:
                raise
            raise NotPermitted(f"{str(error).rstrip('.')}; {self.doubt}.") from error
        self.check_identity(seen)
        return seen

    def check_identity(self, seen: SeenRepository | None = None) -> None:
        """Return if the repository is the one that it has to be; one request, unless it was seen a moment ago.

        :raises StorageUnavailable: it is another one.
        """
        if self._identity is None:
            return
        if seen is None:
            self.as_it_was()
        else:
            self._identity.check(seen)

    def as_it_was(self) -> SeenRepository:
        """The repository as somebody saw it a moment ago, or as this caller sees it now: then as ``check_visible``."""
        seen = None if self._identity is None else self._identity.seen_a_moment_ago()
        return seen or self.check_visible()

    def upload(self, upload_url: str, name: str, content: IO[bytes], size: int, content_type: str) -> Answer:
        """Send an asset; an answer of any status.

        :param upload_url: as the release says it.
        :raises NotAuthenticated: the secret cannot be a token; nothing was sent.
        :raises StorageUnavailable: the address is not one of GitHub's that the token may see; nothing was sent.
        :raises AnswerLost: what GitHub has now must be looked at.
        """
        url = upload_url.partition("{")[0]
        if not self._connections.may_have_token(url):
            raise StorageUnavailable("GitHub names an upload host that is not one of its own; is api_url right?")
        return self._connections.mine().upload(self._known_secret(), url, name, content, size, content_type)

    def open_asset(self, asset_id: int) -> requests.Response | str:
        """The asset's signed address, or the beginning answer with its bytes, as some Enterprise servers send it.

        :raises FileNotFoundError: there is no such asset, or it is hidden.
        :raises NotAuthenticated: GitHub does not know the secret.
        :raises NotPermitted: GitHub refuses (403), for another reason than a limit.
        :raises StorageUnavailable: anything else; ``AnswerLost`` if there was no answer.
        """
        response = self._open(f"/releases/assets/{asset_id}", "application/octet-stream")
        if isinstance(response, str):
            return response
        if response.status_code == HTTPStatus.OK:
            return response
        answer = answer_of(response)
        if answer.status == HTTPStatus.NOT_FOUND:
            raise FileNotFoundError(asset_id)
        raise refusal(answer)

    def read_raw(self, path: str) -> bytes:
        """The bytes of a blob, or of a file on a branch.

        :raises FileNotFoundError: there is none, or it is hidden.
        :raises NotAuthenticated: GitHub does not know the secret.
        :raises NotPermitted: GitHub refuses (403), for another reason than a limit.
        :raises StorageUnavailable: anything else, such as a redirect to another host, or more bytes than memory should hold;
            ``AnswerLost`` if there was no answer, or not the whole.
        """
        response = self._open(path, "application/vnd.github.raw+json")
        if isinstance(response, str):
            raise StorageUnavailable("GitHub redirects to another host where none was expected.")
        if response.status_code != HTTPStatus.OK:
            answer = answer_of(response)
            if answer.status == HTTPStatus.NOT_FOUND:
                raise FileNotFoundError(path)
            raise refusal(answer)
        with response:
            return read_small(response)

    def open_storage(self, url: str, start: int) -> requests.Response:
        """Begin to read a signed address from byte ``start`` on; an answer of any status. No token is sent, nor does its host
        need one.

        :raises AnswerLost: there was no answer.
        """
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
            if response.status_code == HTTPStatus.FOUND or not self._connections.is_api(location):
                return location
            url = location  # a repository that was renamed
        raise StorageUnavailable("GitHub redirects in a circle.")

    def _get(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        """A question to the API; asked again if it failed at once, as others wait for whoever waited in vain."""
        connection, secret = self._connections.mine(), self._known_secret()
        began = time.monotonic()
        try:
            response = connection.get(url, headers, secret, of_api=True)
        except AnswerLost:
            if time.monotonic() - began > _SOON:
                raise
            return connection.get(url, headers, secret, of_api=True)
        if response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR or time.monotonic() - began > _SOON:
            return response
        response.close()
        return connection.get(url, headers, secret, of_api=True)

    def _whole_path(
        self,
        verb: str,
        path: str,
        parameters: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
        also: Collection[int],
        *,
        listing: bool,
    ) -> Answer:
        connection, secret = self._connections.mine(), self._known_secret()
        answer = connection.ask(secret, verb, path, parameters=parameters, headers=headers, body=body)
        if answer.status in _MOVED:  # a repository that was renamed
            moved = self._own_address(answer.headers.get("location", ""))
            answer = connection.ask(secret, verb, moved, headers=headers, body=body)
        if answer.is_success and answer.status in _WITH_DOCUMENT:
            if not isinstance(answer.data, list if listing else Mapping):
                raise broken_promise()
            return answer
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
        if not self._connections.is_api(url):
            raise StorageUnavailable("GitHub links to a host that is not its own; is api_url right?")
        return url[len(self._connections.api_url) :]


def segment(text: str) -> str:
    """One part of a path, quoted; ``+`` and ``!`` too."""
    return quote(text, safe="")
