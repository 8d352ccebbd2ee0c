"""Releases and their assets, as one caller asks GitHub for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from pywharf_core import NotPermitted, StorageUnavailable, WharfError
from pywharf_github.answers import Answer, AnswerLost, refusal
from pywharf_github.client import Client, segment
from pywharf_github.release_assets import Json

_OR_ABSENT = (HTTPStatus.NOT_FOUND,)
_TAGS = "refs/tags/"


class MoreThanListed(StorageUnavailable):
    """There are more releases than GitHub lists."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A release of a listing.

    :ivar at: what time it was on GitHub; None: it did not say.
    """

    release: Json
    at: datetime | None


class ReleaseRequests:
    """With one caller's rights; keeps nothing."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def listed(self) -> Iterator[Listed]:
        """All releases, each once, as a page may show some of the page before again; one request for each 100.

        :raises MoreThanListed: at the end.
        """
        seen: set[int] = set()
        for page in self._client.pages("/releases", {}, also=(HTTPStatus.UNPROCESSABLE_ENTITY,)):
            if not page.is_success:
                raise _too_many(len(seen)) if seen else refusal(page)
            for release in page.data:
                if int(release["id"]) not in seen:
                    seen.add(int(release["id"]))
                    yield Listed(release, page.date)

    def tags(self) -> Iterator[str]:
        """Of all published releases, however many there are, and perhaps others."""
        for page in self._client.pages("/git/matching-refs/tags", {}, per_page=None):
            for ref in page.data:
                yield str(ref["ref"]).removeprefix(_TAGS)

    def by_tag(self, tag: str) -> Json | None:
        """The published release of a tag."""
        return self._or_none(self._client.ask("GET", f"/releases/tags/{segment(tag)}", also=_OR_ABSENT))

    def by_id(self, release_id: int) -> Json | None:
        return self._or_none(self._client.ask("GET", f"/releases/{release_id}", also=_OR_ABSENT))

    def edit(self, release_id: int, changes: Mapping[str, str]) -> Json | None:
        """The release afterwards; None: it is gone. An edit says the whole new state, so one whose answer was lost is
        repeated.

        :raises NotPermitted: also where GitHub says "not found" to a token that may read only.
        """
        request = {**changes, "make_latest": "false"}
        path = f"/releases/{release_id}"
        try:
            answer = self._client.ask("PATCH", path, body=request, also=_OR_ABSENT)
        except AnswerLost:
            answer = self._client.ask("PATCH", path, body=request, also=_OR_ABSENT)
        if answer.status == HTTPStatus.NOT_FOUND:
            if self.by_id(release_id) is not None:
                raise NotPermitted("This token may read only; it needs the permission Contents: write.")
            return None
        edited: Json = answer.data
        return edited

    def delete(self, release_id: int) -> None:
        self._client.ask("DELETE", f"/releases/{release_id}", also=_OR_ABSENT)

    def delete_tag(self, tag: str) -> None:
        also = (HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY)
        self._client.ask("DELETE", f"/git/refs/tags/{segment(tag)}", also=also)

    def assets_of(self, release_id: int) -> Sequence[Json]:
        found: list[Any] = []
        for page in self._client.pages(f"/releases/{release_id}/assets", {}):
            found.extend(page.data)
        return found

    def delete_asset(self, asset_id: int) -> None:
        self._client.ask("DELETE", f"/releases/assets/{asset_id}", also=_OR_ABSENT)

    def delete_assets_if_possible(self, asset_ids: Sequence[int]) -> None:
        """What cannot be removed now is swept later."""
        with suppress(WharfError):
            for asset_id in asset_ids:
                self.delete_asset(asset_id)

    def _or_none(self, answer: Answer) -> Json | None:
        """:raises NotPermitted: not the release is gone, but the repository, or the right to see it."""
        if answer.status == HTTPStatus.NOT_FOUND:
            self._client.check_visible()
            return None
        release: Json = answer.data
        return release


def _too_many(listed: int) -> MoreThanListed:
    return MoreThanListed(
        f"GitHub lists the first {listed} releases of this repository only, and it has more; begin a second repository."
    )
