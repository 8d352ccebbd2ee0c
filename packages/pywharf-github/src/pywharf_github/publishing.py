"""A file into a release, in three requests: a draft, its asset, and the publication, which is the commit.

GitHub allows any number of drafts with one tag, and one published release: publishing is compare-and-set, so servers
need no lock between them. Whatever answer is lost on the way, GitHub is asked what it has before anything is repeated.

====================== ============================== =========================================================
stopped after          on GitHub                      repaired by
====================== ============================== =========================================================
draft                  an empty draft                 ``Listing.sweep``, an hour later; readers never see drafts
upload, answer lost    half an asset, or a whole one  listing the draft's assets: whole, or removed and sent again
upload                 a complete draft               ``sweep``;  the client's next try makes a draft of its own
publication, lost      published, or not              asking for the release; publishing the same draft is repeatable
publication refused    another release has the tag    ours after all; another: our draft is removed
====================== ============================== =========================================================
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus
from typing import IO

from pywharf_core import (
    DistributionFile,
    FileAlreadyExists,
    NotSupported,
    StagedFile,
    StorageUnavailable,
    WharfError,
)
from pywharf_github import releases
from pywharf_github.answers import Answer, AnswerLost, refusal
from pywharf_github.client import Client
from pywharf_github.release_assets import Json, digest_of, is_whole, name_on_github
from pywharf_github.release_body import Body, body_of, draft_title, stamp
from pywharf_github.release_requests import ReleaseRequests
from pywharf_github.releases import Published, Tombstone

logger = logging.getLogger(__name__)

_BURNED = "immutable release"  # in GitHub's words, where the tag of one that was deleted is asked for
_CONTENT_TYPES = {".whl": "application/zip", ".zip": "application/zip", ".gz": "application/gzip"}
_MAX_TRIES = 3  # tries, while whoever has the name goes away


class Publisher:
    """Publishes with one caller's rights.

    :param now: what time it is.
    """

    def __init__(self, client: Client, requests: ReleaseRequests, now: Callable[[], datetime]) -> None:
        self._client = client
        self._requests = requests
        self._now = now

    def publish(self, file: DistributionFile, staged: StagedFile) -> DistributionFile:
        """As ``Storage.add_file``."""
        _check_limits(file, staged)
        body = body_of(file, staged.attachments, drafted_at=stamp(self._now()))
        try:
            with staged.path.open("rb") as content:
                draft = self._draft(file, body)
                try:
                    self._fill(draft, file, content, body)
                    published = self._publish(draft, file)
                except BaseException:
                    self._discard(draft)
                    raise
        except OSError as error:
            raise StorageUnavailable(f"The upload cannot be read: {error.strerror}.") from error
        return published.file

    # --- the three steps ----------------------------------------------------------------------------------

    def _draft(self, file: DistributionFile, body: Body) -> Json:
        for _ in range(_MAX_TRIES):
            try:
                answer = self._new_draft(file, body)
            except AnswerLost:  # a second empty draft harms nobody
                answer = self._new_draft(file, body)
            if answer.is_success:
                release: Json = answer.data
                return release
            self._make_way(file, answer)
        raise _changing_hands(file)

    def _new_draft(self, file: DistributionFile, body: Body) -> Answer:
        # Without `target_commitish`: naming a commit can need the right to change workflows.
        request = {
            "tag_name": file.filename,
            "name": draft_title(file.filename),
            "body": body.text,
            "draft": True,
            "make_latest": "false",
        }
        return self._client.ask("POST", "/releases", body=request, also=_REFUSED)

    def _fill(self, draft: Json, file: DistributionFile, content: IO[bytes], body: Body) -> None:
        for name, small in body.assets.items():
            self._upload(draft, name, io.BytesIO(small), len(small), None, "text/plain")
        suffix = file.filename[file.filename.rindex(".") :]
        self._upload(draft, file.filename, content, file.size, file.sha256, _CONTENT_TYPES[suffix])

    def _upload(
        self, draft: Json, name: str, content: IO[bytes], size: int, sha256: str | None, content_type: str
    ) -> Json:
        for is_last_try in (False, True):
            content.seek(0)
            try:
                answer = self._client.upload(str(draft["upload_url"]), name, content, size, content_type)
                if answer.is_success and _is_good(answer.data, size, sha256):
                    asset: Json = answer.data
                    return asset
                problem = refusal(answer) if not answer.is_success else _damaged(name)
                if answer.status != HTTPStatus.UNPROCESSABLE_ENTITY and not isinstance(problem, AnswerLost):
                    raise problem
            except AnswerLost as lost:
                problem = lost
            found = self._look_after_upload(draft, name, size, sha256)
            if found is not None:
                return found
            if is_last_try:
                break
        raise problem

    def _look_after_upload(self, draft: Json, name: str, size: int, sha256: str | None) -> Json | None:
        """The asset, if it got there after all; else what is left of it is removed, and the name free again."""
        for asset in self._requests.assets_of(int(draft["id"])):
            if asset["name"] in (name, name_on_github(name)):
                if _is_good(asset, size, sha256):
                    return asset
                self._requests.delete_asset(int(asset["id"]))
        return None

    def _publish(self, draft: Json, file: DistributionFile) -> Published:
        for _ in range(_MAX_TRIES):
            try:
                answer = self._publication(int(draft["id"]), file)
            except AnswerLost:
                now = self._requests.by_id(int(draft["id"]))
                if now is not None and not now.get("draft"):
                    return _published(file, releases.read(now))
                answer = self._publication(int(draft["id"]), file)
            if answer.is_success:
                return _published(file, releases.read(answer.data))
            if answer.status == HTTPStatus.NOT_FOUND:
                raise StorageUnavailable("The draft of this upload is gone from GitHub; try again.")
            ours = self._make_way(file, answer, int(draft["id"]))
            if ours is not None:
                return _published(file, releases.read(ours))
        raise _changing_hands(file)

    def _make_way(self, file: DistributionFile, answer: Answer, draft_id: int | None = None) -> Json | None:
        """After a refusal: if the tombstone of this very content had the name, it is removed.

        :returns: the release that has the name, if it is the one that was ``draft_id``; None: it is worth another try.
        :raises FileAlreadyExists: another file has the name, or had it.
        """
        if not _is_taken(answer):
            raise _refused_name(file, answer)
        winner = self._requests.by_tag(file.filename)
        if winner is None:  # it had the name until this moment
            return None
        if int(winner["id"]) == draft_id:
            return winner
        found = releases.read(winner)
        if not isinstance(found, Tombstone):
            raise FileAlreadyExists(f"{file.filename} is published already.")
        if found.file.sha256 != file.sha256:
            raise FileAlreadyExists(f"{file.filename} was deleted; it may come back with the same content only.")
        self._requests.delete(found.release_id)
        return None

    def _publication(self, release_id: int, file: DistributionFile) -> Answer:
        request = {"draft": False, "name": file.filename, "make_latest": "false"}
        also = (*_REFUSED, HTTPStatus.NOT_FOUND)
        return self._client.ask("PATCH", f"/releases/{release_id}", body=request, also=also)

    def _discard(self, draft: Json) -> None:
        """Remove our draft, if it is one still; what stays is swept later.

        After an answer was lost the draft may be published, and must not be removed.
        """
        with suppress(WharfError):
            now = self._client.ask("GET", f"/releases/{int(draft['id'])}").data
            if now.get("draft"):
                self._requests.delete(int(draft["id"]))

    def add_assets(self, release: Json, body: Body) -> None:
        """Upload what did not fit into a new body of ``release``."""
        there = {asset["name"] for asset in release.get("assets") or ()}
        for name, small in body.assets.items():
            if name not in there:
                self._upload(release, name, io.BytesIO(small), len(small), None, "text/plain")


_REFUSED = (HTTPStatus.UNPROCESSABLE_ENTITY,)


def _check_limits(file: DistributionFile, staged: StagedFile) -> None:
    if staged.size <= 0:
        raise NotSupported("GitHub takes no empty files.")
    if staged.size > releases.MAX_FILE_BYTES:
        raise NotSupported(f"{file.filename} has {staged.size} bytes; GitHub takes at most {releases.MAX_FILE_BYTES}.")


def _is_good(asset: object, size: int, sha256: str | None) -> bool:
    if not isinstance(asset, dict):
        return False
    return is_whole(asset, size=size, sha256=sha256 or digest_of(asset) or "")


def _is_taken(answer: Answer) -> bool:
    return answer.has_error(code="already_exists", field="tag_name")


def _refused_name(file: DistributionFile, answer: Answer) -> WharfError:
    if _BURNED in answer.reason:
        return FileAlreadyExists(f"{file.filename} was deleted from an immutable release; GitHub never frees its name.")
    return refusal(answer)


def _published(file: DistributionFile, found: object) -> Published:
    if not isinstance(found, Published):
        raise StorageUnavailable(f"{file.filename} was changed on GitHub while it was published; look at its release.")
    return found


def _changing_hands(file: DistributionFile) -> StorageUnavailable:
    return StorageUnavailable(f"The name {file.filename} is changing hands on GitHub; try again.")


def _damaged(name: str) -> StorageUnavailable:
    return AnswerLost(f"{name} arrived damaged at GitHub; try again.")
