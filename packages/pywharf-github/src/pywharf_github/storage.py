"""The storage on a GitHub repository: files in its releases, the remote index on its branch.

A publication takes three requests, an idle look at the index one that is free of the rate limit, a download one per
asset and four minutes. Views made by ``acting_as`` share connections and what is remembered; none of that holds a token.
"""

from __future__ import annotations

import io
import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, ClassVar, cast

from packaging.utils import NormalizedName

from pywharf_core import (
    AttachmentKind,
    Change,
    Deleted,
    DistributionFile,
    FileChanged,
    FileNotFound,
    LocalPath,
    NotAuthenticated,
    NotPermitted,
    ProjectState,
    RedirectTo,
    Refused,
    ScanResult,
    Secret,
    StagedFile,
    Storage,
    StorageType,
    StorageUnavailable,
    StoredIndex,
    Unchanged,
    Verdict,
    WharfError,
)
from pywharf_github import notices, releases
from pywharf_github.access import access_of
from pywharf_github.answers import Answer, AnswerLost
from pywharf_github.branch import Branch, HeadMemory
from pywharf_github.client import Client, Connections, segment
from pywharf_github.disk_cache import DiskCache
from pywharf_github.options import GitHubOptions
from pywharf_github.project_states import ProjectStates, Remembered
from pywharf_github.publishing import Publisher
from pywharf_github.releases import Draft, Json, Published, Tombstone
from pywharf_github.remote_file import BUFFER, RemoteFile
from pywharf_github.signed_urls import SignedUrls

if TYPE_CHECKING:
    import requests

    from pywharf_github.connection import Timeouts

logger = logging.getLogger(__name__)

SWEPT_AFTER = timedelta(hours=1)

_RANDOM_BITS = 10  # of a counter; with the milliseconds above them it fits into the 53 bits that JSON keeps

#: Two updates of one file at a time in this process would read the same old state. By release id, modulo.
_UPDATING = tuple(threading.Lock() for _ in range(64))


class GitHubStorageType(StorageType):
    """``type = "github"``."""

    name: ClassVar[str] = "github"
    options: ClassVar[type] = GitHubOptions
    auth: ClassVar[str] = "storage"
    max_file_bytes: ClassVar[int] = releases.MAX_FILE_BYTES

    def open(self, repository: str, options: GitHubOptions, work: Path) -> GitHubStorage:
        del repository
        return GitHubStorage.on(options, work)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Shared:
    """What all views of a repository have in common."""

    options: GitHubOptions
    connections: Connections
    head: HeadMemory
    urls: SignedUrls
    downloads: DiskCache
    attachments: DiskCache
    now: Callable[[], datetime]


class GitHubStorage(Storage):
    """One repository as one caller sees it; made by ``on``, and from there by ``acting_as``."""

    can_update: ClassVar[bool] = True
    can_delete: ClassVar[bool] = True
    keeps_index: ClassVar[bool] = True

    def __init__(self, shared: _Shared, secret: Secret | None) -> None:
        self._shared = shared
        options = shared.options
        self._client = Client(shared.connections, options.owner, options.repo, secret)
        self._publisher = Publisher(self._client, shared.now)
        self._branch = Branch(self._client, options.branch, options.index_filename, shared.head)
        self._states = ProjectStates(self._branch)

    @classmethod
    def on(
        cls,
        options: GitHubOptions,
        work: Path,
        *,
        timeouts: Timeouts | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> GitHubStorage:
        """The server's own view, without a secret; nothing is asked before the first call.

        :param work: for caches of downloads and attachments.
        :param timeouts: None: those of ``connection.Timeouts``.
        :param now: what time it is, for sweeping.
        :param clock: seconds that only rise, for signed addresses.
        """
        shared = _Shared(
            options=options,
            connections=Connections(options.api_url, timeouts),
            head=HeadMemory(),
            urls=SignedUrls(clock),
            downloads=DiskCache(work / "downloads"),
            attachments=DiskCache(work / "attachments"),
            now=now,
        )
        return cls(shared, None)

    def acting_as(self, secret: Secret | None) -> GitHubStorage:
        return GitHubStorage(self._shared, secret)

    def access(self) -> Verdict:
        return access_of(self._client)

    # --- reading ------------------------------------------------------------------------------------------

    def scan(self, known: Mapping[str, str]) -> Iterator[ScanResult]:
        """One request for each 100 releases, and one for the projects' states; sweeps on the way.

        A listing shifts while others delete: what it lacks may be there all the same, which ``find_file`` tells.
        """
        seen: set[str] = set()
        buried: list[Tombstone] = []
        for release in self._releases():
            self._swept(release)
            found = releases.read(release)
            if isinstance(found, Tombstone):
                buried.append(found)
                seen.add(found.file.filename)
                continue
            result = self._scanned(found, known)
            if result is not None and result.filename not in seen:
                seen.add(result.filename)
                yield result
        listed = seen - {tombstone.file.filename for tombstone in buried}
        yield from _remembered(self._states.read(), buried, listed)

    def find_file(self, file: DistributionFile) -> DistributionFile | None:
        release = self._release_of(file)
        found = None if release is None else releases.read(release)
        if not isinstance(found, Published) or found.file.filename != file.filename:
            return None
        return self._complete(found).file

    def open_file(self, file: DistributionFile) -> BinaryIO:
        asset_id = self._asset_of(file)
        first: list[requests.Response] = []
        self._address(file, asset_id, first)

        def begin(start: int, expired: bool) -> requests.Response:
            if expired:
                self._shared.urls.forget(asset_id)
            whole: list[requests.Response] = []
            url = self._address(file, asset_id, whole)
            return whole[0] if url is None else self._client.open_storage(url, start)

        return cast(BinaryIO, io.BufferedReader(RemoteFile(file, begin, first[0] if first else None), BUFFER))

    def locate_file(self, file: DistributionFile) -> LocalPath | RedirectTo | None:
        if self._shared.options.downloads == "stream":
            return LocalPath(self._shared.downloads.get(file.sha256, lambda: self.open_file(file)))
        asset_id = self._asset_of(file)
        answers: list[requests.Response] = []
        url = self._address(file, asset_id, answers)
        for response in answers:  # a server that gives the bytes themselves
            response.close()
        return None if url is None else RedirectTo(url)

    def read_attachment(self, file: DistributionFile, kind: AttachmentKind) -> bytes:
        sha256 = file.core_metadata_sha256 if kind is AttachmentKind.METADATA else file.provenance_sha256
        if sha256 is None:
            return self._attachment(file, kind)
        return self._shared.attachments.read(sha256, lambda: self._attachment(file, kind))

    # --- changing -----------------------------------------------------------------------------------------

    def add_file(self, file: DistributionFile, staged: StagedFile) -> DistributionFile:
        added = self._publisher.publish(file, staged)
        # Metadata that did not fit into the body need not be read again.
        return added if added.core_metadata is not None else replace(added, core_metadata=file.core_metadata)

    def update_file(
        self, file: DistributionFile, attachments: Mapping[AttachmentKind, bytes] | None = None
    ) -> DistributionFile:
        """Two requests. GitHub knows no compare-and-set here: of two servers' updates the later stays."""
        ids = releases.ids_of(file)
        with _UPDATING[(ids[0] if ids else 0) % len(_UPDATING)]:
            release, stored = self._same(file)
            updated = replace(file, counter=self._next_counter(file, stored.file))
            new = attachments or {}
            kept = {kind: content for kind, content in stored.attachments.items() if kind not in new}
            kept_assets = {kind: name for kind, (_, name) in stored.attachment_assets.items() if kind not in new}
            drafted_at = stored.drafted_at or releases.stamp(stored.file.upload_time)
            body = releases.body_of(updated, {**kept, **new}, drafted_at=drafted_at, kept_assets=kept_assets)
            self._publisher.add_assets(release, body)
            answer = self._edit(stored.release_id, {"body": body.text})
            if answer.status == HTTPStatus.NOT_FOUND:
                raise _gone(file)
            now = releases.read(answer.data)
            if not isinstance(now, Published):
                raise StorageUnavailable(
                    f"{file.filename} was changed on GitHub at the same time; look at its release."
                )
            replaced = [number for kind, (number, _) in stored.attachment_assets.items() if kind in new]
            self._remove_assets(number for number in replaced if number not in _asset_ids(now))
            return replace(updated, storage_id=now.file.storage_id, fingerprint=now.file.fingerprint)

    def update_project(self, state: ProjectState) -> None:
        self._states.put(state)

    def delete_file(self, file: DistributionFile) -> None:
        release, stored = self._same(file)
        if stored.immutable:  # GitHub frees neither its assets nor, ever, its tag
            self._states.bury(file.filename, stored.file.sha256, file.project)
            self._publisher.delete_release(stored.release_id)
            tag = f"/git/refs/tags/{segment(file.filename)}"
            self._client.ask("DELETE", tag, also=(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY))
        else:
            body = releases.tombstone_body(stored.file, deleted_at=self._shared.now())
            title = releases.tombstone_title(file.filename)
            answer = self._edit(stored.release_id, {"name": title, "body": body})
            if answer.status == HTTPStatus.NOT_FOUND:
                raise _gone(file)
            self._remove_assets(int(asset["id"]) for asset in release.get("assets") or ())
        self._shared.urls.forget(stored.asset_id)

    def sweep(self) -> int:
        """Remove what died on the way: drafts of ours older than an hour, assets of deleted files.

        :returns: how many there were. None are seen by a secret that may not write.
        """
        return sum(self._swept(release) for release in self._releases())

    # --- the remote index, and notices --------------------------------------------------------------------

    def read_index(self, known: Mapping[str, str]) -> StoredIndex | None:
        return self._branch.read_index(known)

    def write_index(
        self, parts: Mapping[str, bytes], *, replaces: Mapping[str, str], message: str
    ) -> Mapping[str, str]:
        return self._branch.write_index(parts, replaces=replaces, message=message)

    def read_notice(self, headers: Mapping[str, str], body: bytes, secret: Secret) -> Sequence[Change] | None:
        return notices.read_notice(headers, body, secret, self._client.repository_name)

    def close(self) -> None:
        self._shared.connections.close()

    # --- releases -----------------------------------------------------------------------------------------

    def _releases(self) -> Iterator[Json]:
        """All releases, each once, as a page may show some of the page before again."""
        seen: set[int] = set()
        for page in self._client.pages("/releases", {}):
            for release in page.data:
                if int(release["id"]) not in seen:
                    seen.add(int(release["id"]))
                    yield release

    def _scanned(
        self, found: Published | Draft | Refused | Tombstone, known: Mapping[str, str]
    ) -> DistributionFile | Unchanged | Refused | None:
        match found:
            case Refused():
                return found
            case Published() if known.get(found.file.filename) == found.file.fingerprint:
                return Unchanged(found.file.filename)
            case Published():
                try:
                    return self._complete(found).file
                except FileNotFound:
                    return Refused(found.file.filename, f"The release {found.file.filename} lacks a part of its body.")
        return None

    def _release_of(self, file: DistributionFile) -> Json | None:
        """By id, where the file has one: another release of the same name is another file."""
        ids = releases.ids_of(file)
        return self._publisher.by_tag(file.filename) if ids is None else self._publisher.by_id(ids[0])

    def _current(self, file: DistributionFile) -> tuple[Json, Published]:
        """:raises FileNotFound: no release serves it."""
        release = self._release_of(file)
        found = None if release is None else releases.read(release)
        if release is None or not isinstance(found, Published) or found.file.filename != file.filename:
            raise _gone(file)
        return release, found

    def _same(self, file: DistributionFile) -> tuple[Json, Published]:
        """:raises FileChanged: its content is another."""
        release, found = self._current(file)
        if found.file.sha256 != file.sha256:
            raise FileChanged(f"{file.filename} is not the file that was listed.")
        return release, found

    def _complete(self, published: Published) -> Published:
        if published.fields_asset is None:
            return published
        try:
            return releases.with_fields(published, self._read_asset(published.file, published.fields_asset))
        except (ValueError, KeyError, AttributeError) as error:
            raise FileNotFound(f"The metadata of {published.file.filename} is damaged.") from error

    def _edit(self, release_id: int, changes: Mapping[str, str]) -> Answer:
        """An edit says the whole new state, so one whose answer was lost may be repeated."""
        request = {**changes, "make_latest": "false"}
        path = f"/releases/{release_id}"
        try:
            answer = self._client.ask("PATCH", path, body=request, also=(HTTPStatus.NOT_FOUND,))
        except AnswerLost:
            answer = self._client.ask("PATCH", path, body=request, also=(HTTPStatus.NOT_FOUND,))
        # Not found is also what a token is told that may read only; the release itself tells which it is.
        if answer.status == HTTPStatus.NOT_FOUND and self._publisher.by_id(release_id) is not None:
            raise NotPermitted("This token may read only; it needs the permission Contents: write.")
        return answer

    def _next_counter(self, file: DistributionFile, stored: DistributionFile) -> int:
        """Above both, and, as GitHub lets nobody swap, in the order of time among servers that do not see each other."""
        milliseconds = int(self._shared.now().timestamp() * 1000)
        by_time = (milliseconds << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS)
        return max(file.counter + 1, stored.counter + 1, by_time)

    def _swept(self, release: Json) -> bool:
        found = releases.read(release)
        try:
            match found:
                case Draft(drafted_at=moment) if moment is not None:
                    if self._shared.now() - moment > SWEPT_AFTER:
                        self._publisher.delete_release(found.release_id)
                        logger.info("unfinished upload removed", extra={"release": str(release.get("tag_name"))})
                        return True
                case Tombstone() if found.leftovers:
                    for asset_id in found.leftovers:
                        self._publisher.delete_asset(asset_id)
                    return True
        except (NotPermitted, NotAuthenticated, StorageUnavailable) as error:
            logger.info("leftovers stay for now", extra={"error": str(error)})
        return False

    def _remove_assets(self, asset_ids: Iterator[int]) -> None:
        """What cannot be removed now is swept later."""
        with suppress(WharfError):
            for asset_id in asset_ids:
                self._publisher.delete_asset(asset_id)

    # --- bytes --------------------------------------------------------------------------------------------

    def _asset_of(self, file: DistributionFile) -> int:
        """The asset that holds the file's bytes, without a request if what is known of it fits together.

        :raises FileNotFound: there is none.
        :raises FileChanged: it is not the listed file.
        """
        ids = releases.ids_of(file)
        if ids is not None and (not file.fingerprint or file.fingerprint.startswith(f"{ids[0]}-")):
            return ids[1]
        _, found = self._current(file)
        if found.file.fingerprint != file.fingerprint:
            raise FileChanged(f"{file.filename} is not the file that was listed.")
        return found.asset_id

    def _address(self, file: DistributionFile, asset_id: int, answers: list[requests.Response]) -> str | None:
        """The asset's signed address; None: the server gave the bytes themselves, and ``answers`` has the answer."""

        def ask() -> str | None:
            found = self._client.open_asset(asset_id)
            if isinstance(found, str):
                return found
            answers.append(found)
            return None

        try:
            return self._shared.urls.get(asset_id, ask)
        except FileNotFoundError:
            self._client.check_visible()
            raise _gone(file) from None

    def _attachment(self, file: DistributionFile, kind: AttachmentKind) -> bytes:
        _, found = self._current(file)
        if kind in found.attachments:
            return found.attachments[kind]
        if kind in found.attachment_assets:
            return self._read_asset(file, found.attachment_assets[kind][0])
        return super().read_attachment(replace(file, fingerprint=found.file.fingerprint), kind)

    def _read_asset(self, file: DistributionFile, asset_id: int) -> bytes:
        """A small asset of the file's release."""
        # Here, as its own imports are slow; by the time of a request it is needed anyway.
        from pywharf_github.connection import read_piece

        answers: list[requests.Response] = []
        url = self._address(file, asset_id, answers)
        response = answers[0] if url is None else self._client.open_storage(url, 0)
        with response:
            if response.status_code != HTTPStatus.OK:
                self._shared.urls.forget(asset_id)
                raise StorageUnavailable(f"GitHub's storage does not give {file.filename}'s metadata right now.")
            return b"".join(iter(lambda: read_piece(response, BUFFER), b""))


def _remembered(
    remembered: Remembered, buried: Sequence[Tombstone], listed: set[str]
) -> Iterator[Deleted | ProjectState]:
    deleted = {**remembered.deleted, **{it.file.filename: it.file.sha256 for it in buried}}
    states: dict[NormalizedName, ProjectState] = dict(remembered.states)
    for tombstone in buried:
        state = states.get(tombstone.file.project, ProjectState(name=tombstone.file.project))
        states[tombstone.file.project] = replace(state, reserved=True)
    yield from (Deleted(filename, sha256) for filename, sha256 in deleted.items() if filename not in listed)
    yield from states.values()


def _asset_ids(published: Published) -> set[int]:
    return {number for number, _ in published.attachment_assets.values()}


def _gone(file: DistributionFile) -> FileNotFound:
    return FileNotFound(f"{file.filename} is not in the GitHub repository.")
