"""The storage on a GitHub repository: files in its releases, the remote index on its branch.

A publication takes three requests, an idle look at the index one that is free of the rate limit, a download one per
asset and four minutes. Views made by ``acting_as`` share connections and what is remembered; none of that holds a token.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, ClassVar

from pywharf_core import (
    AttachmentKind,
    Change,
    Condition,
    DistributionFile,
    FileNotFound,
    Flaw,
    OpenedFile,
    Pace,
    ProjectState,
    RedirectTo,
    ScanResult,
    Secret,
    StagedFile,
    Storage,
    StorageType,
    StorageUnavailable,
    StoredIndex,
    Verdict,
)
from pywharf_github import notices
from pywharf_github.access import AccessMemory, access_of
from pywharf_github.attachments import Attachments
from pywharf_github.branch import Branch, HeadMemory
from pywharf_github.changing import Changer
from pywharf_github.client import Client
from pywharf_github.condition import condition_of
from pywharf_github.connections import Connections
from pywharf_github.disk_cache import DiskCache
from pywharf_github.finding import Finder
from pywharf_github.listing import Listing, SeenDead
from pywharf_github.options import GitHubOptions
from pywharf_github.project_states import ProjectStates
from pywharf_github.publishing import Publisher
from pywharf_github.release_requests import ReleaseRequests
from pywharf_github.releases import MAX_FILE_BYTES
from pywharf_github.remote_index import RemoteIndex, watched
from pywharf_github.seen_repository import RepositoryIdentity
from pywharf_github.serving import Serving
from pywharf_github.signed_urls import SignedUrls

if TYPE_CHECKING:
    from pywharf_github.connection import Timeouts

_ATTACHMENTS_KEPT = 256 * 1024**2  # bytes


class GitHubStorageType(StorageType):
    """``type = "github"``."""

    name: ClassVar[str] = "github"
    options: ClassVar[type] = GitHubOptions
    auth: ClassVar[str] = "storage"
    needs_secret: ClassVar[bool] = True
    max_file_bytes: ClassVar[int] = MAX_FILE_BYTES

    def open(self, repository: str, options: GitHubOptions, work: Path) -> GitHubStorage:
        del repository
        return GitHubStorage.on(options, work)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Shared:
    """What all views of a repository have in common."""

    options: GitHubOptions
    connections: Connections
    identity: RepositoryIdentity
    access: AccessMemory
    head: HeadMemory
    urls: SignedUrls
    downloads: DiskCache
    attachments: DiskCache
    dead: SeenDead
    now: Callable[[], datetime]


class GitHubStorage(Storage):
    """One repository as one caller sees it; made by ``on``, and from there by ``acting_as``.

    :cvar pace: GitHub takes 80 requests that create content a minute and 500 an hour, of each user; a publication takes
        three. A tenth is left for the commits of the index, and for others who work with the same token.
    """

    can_update: ClassVar[bool] = True
    can_delete: ClassVar[bool] = True
    keeps_index: ClassVar[bool] = True
    pace: ClassVar[Sequence[Pace]] = (Pace(24, 60), Pace(150, 3600))

    def __init__(self, shared: _Shared, secret: Secret | None) -> None:
        self._shared = shared
        options = shared.options
        self._client = Client(shared.connections, options.owner, options.repo, secret, shared.identity)
        self._branch = Branch(self._client, options.branch, watched(options.index_filename), shared.head)
        self._index = RemoteIndex(self._branch, options.index_filename)
        self._states = ProjectStates(self._branch, options.index_filename)
        self._requests = ReleaseRequests(self._client)
        self._finder = Finder(self._requests)
        kept = shared.downloads if options.downloads == "stream" else None
        self._serving = Serving(self._client, self._finder, shared.urls, kept)
        self._publisher = Publisher(self._client, self._requests, shared.now)

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
        :param now: what time it is, for what is written down.
        :param clock: seconds that only rise, for signed addresses.
        """
        shared = _Shared(
            options=options,
            connections=Connections(options.api_url, timeouts),
            identity=RepositoryIdentity(work, options.api_url, f"{options.owner}/{options.repo}", clock),
            access=AccessMemory(clock),
            head=HeadMemory(),
            urls=SignedUrls(clock),
            downloads=DiskCache.within(work / "downloads", options.download_cache_bytes, reserve=MAX_FILE_BYTES),
            attachments=DiskCache.within(work / "attachments", _ATTACHMENTS_KEPT, reserve=0),
            dead=SeenDead(),
            now=now,
        )
        return cls(shared, None)

    def acting_as(self, secret: Secret | None) -> GitHubStorage:
        return GitHubStorage(self._shared, secret)

    def access(self) -> Verdict:
        return access_of(self._client, self._shared.access)

    def condition(self) -> Condition:
        return condition_of(self._client)

    # --- reading ------------------------------------------------------------------------------------------

    def scan(self, known: Mapping[str, str]) -> Iterator[ScanResult]:
        self._client.check_identity()
        return self._listing.scan(known)

    def flaws(self) -> Iterator[Flaw]:
        return self._listing.flaws()

    def sweep(self) -> int:
        return self._listing.sweep()

    def find_file(self, file: DistributionFile) -> DistributionFile | None:
        found = self._finder.published(file)
        try:
            return None if found is None else self._serving.complete(found).file
        except FileNotFound as error:  # of its metadata: the file is there
            raise StorageUnavailable(str(error)) from error

    def open_file(self, file: DistributionFile) -> BinaryIO:
        return self._serving.open(file)

    def locate_file(self, file: DistributionFile) -> OpenedFile | RedirectTo | None:
        return self._serving.locate(file)

    def file_at_hand(self, file: DistributionFile) -> OpenedFile | RedirectTo | None:
        return self._serving.at_hand(file)

    def read_attachment(self, file: DistributionFile, kind: AttachmentKind) -> bytes:
        return self._attachments.read(file, kind)

    def attachment_at_hand(self, file: DistributionFile, kind: AttachmentKind) -> bytes | None:
        return self._attachments.at_hand(file, kind)

    # --- changing -----------------------------------------------------------------------------------------

    def add_file(self, file: DistributionFile, staged: StagedFile) -> DistributionFile:
        added = self._publisher.publish(file, staged)
        self._attachments.keep(added, staged.attachments)
        # Metadata that did not fit into the body need not be read again.
        return added if added.core_metadata is not None else replace(added, core_metadata=file.core_metadata)

    def update_file(
        self, file: DistributionFile, attachments: Mapping[AttachmentKind, bytes] | None = None
    ) -> DistributionFile:
        """GitHub knows no compare-and-set here: of two servers' updates at one moment, either may stay in the release.
        Both tell a counter, the index keeps the higher, and the next rebuild writes it into the release."""
        updated = self._changer.update(file, attachments or {})
        self._attachments.keep(updated, attachments or {})
        return updated

    def staging_folder(self) -> None:
        """Anywhere. As this is asked before each upload, the cache of downloads gives way here if the disk got full."""
        self._shared.downloads.leave_reserve()

    def update_project(self, state: ProjectState) -> None:
        self._states.put(state)

    def delete_file(self, file: DistributionFile) -> None:
        self._shared.urls.forget(self._changer.delete(file))

    # --- the remote index, and notices --------------------------------------------------------------------

    def read_index(self, known: Mapping[str, str]) -> StoredIndex | None:
        return self._index.read(known)

    def write_index(
        self, parts: Mapping[str, bytes], *, replaces: Mapping[str, str], message: str
    ) -> Mapping[str, str]:
        return self._index.write(parts, replaces=replaces, message=message)

    def read_notice(self, headers: Mapping[str, str], body: bytes, secret: Secret) -> Sequence[Change] | None:
        return notices.read_notice(headers, body, secret, self._client.repository_name, self._shared.identity.known())

    def close(self) -> None:
        self._shared.connections.close()

    # Made when they are needed: a view is made for each request.

    @cached_property
    def _listing(self) -> Listing:
        return Listing(self._requests, self._serving, self._states, self._shared.dead)

    @cached_property
    def _changer(self) -> Changer:
        return Changer(self._requests, self._finder, self._publisher, self._states, self._shared.now)

    @cached_property
    def _attachments(self) -> Attachments:
        return Attachments(self._finder, self._serving, self._shared.attachments, super().read_attachment)
