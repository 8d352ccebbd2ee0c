"""One offer into a repository: by the same judgement and the same publication as an upload.

What is there already is not fetched. The repository's index knows the SHA-256 of each file; a source that states it is
compared with that, and of a source on this machine the file is hashed. Names and sizes alone prove nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial

from packaging.utils import NormalizedName

from pywharf_core import changes
from pywharf_core.clock import Clock
from pywharf_core.digests import digest_of
from pywharf_core.errors import (
    FileAlreadyExists,
    FileNotFound,
    FileTooLarge,
    InvalidUpload,
    NotPermitted,
    NotSupported,
    SourceUnavailable,
    SourceUnusable,
    StorageUnavailable,
)
from pywharf_core.model import DistributionFile, ProjectStatus, StagedFile
from pywharf_core.patience import Patience
from pywharf_core.repository import Repository
from pywharf_core.transfer.offers import Finding, Offer, PassedOver, Source, Unusable, parsed, reading, sha256_of
from pywharf_core.transfer.pacing import Pacer
from pywharf_core.upload.archive import read_archive
from pywharf_core.upload.staging import StagingFile

_TRIES = 3  # of fetching and publishing, where the storage moves the bytes before it fails
_OURS = ("sha256", "md5", "blake2b_256")  # what a staging file digests on the way
_OTHER_NAMES = {"blake2_256": "blake2b_256"}


class Fate(StrEnum):
    """What became of a finding."""

    TAKEN = "taken"
    THERE = "already there"
    REFUSED = "refused"
    PASSED_OVER = "passed over"


@dataclass(frozen=True, slots=True)
class Outcome:
    """:ivar place: where the file lies in the source, for people.
    :ivar reason: why it was refused or passed over.
    :ivar size: bytes that were taken.
    :ivar unreachable: the source did not answer, which says nothing of the file.
    """

    fate: Fate
    place: str
    reason: str = ""
    size: int = 0
    unreachable: bool = False


class Intake:
    """Takes in; for many threads.

    :param dry_run: find out as much as can be without fetching or changing anything.
    """

    def __init__(
        self,
        source: Source,
        target: Repository,
        *,
        clock: Clock,
        pacer: Pacer,
        patience: Patience,
        dry_run: bool = False,
    ) -> None:
        self._source = source
        self._target = target
        self._clock = clock
        self._pacer = pacer
        self._patience = patience
        self._dry_run = dry_run

    def take(self, finding: Finding) -> Outcome:
        """What became of it.

        :raises NotPermitted: not this file is the matter, but the secret; likewise ``NotAuthenticated``.
        :raises StorageUnavailable: the target's storage, and patience is at its end.
        :raises Stopped: it was not taken.
        """
        self._clock.demand_going_on()
        match finding:
            case PassedOver(place, reason):
                return Outcome(Fate.PASSED_OVER, place, reason)
            case Unusable(place, reason):
                return Outcome(Fate.REFUSED, place, reason)
        try:
            return self._take(finding)
        except SourceUnavailable as error:
            return Outcome(Fate.REFUSED, finding.place, str(error), unreachable=True)
        except (InvalidUpload, FileAlreadyExists, FileNotFound, NotSupported, SourceUnusable) as error:
            return Outcome(Fate.REFUSED, finding.place, str(error))
        except NotPermitted as error:
            if changes.why_closed(self._target, parsed(finding).project) is None:
                raise
            return Outcome(Fate.REFUSED, finding.place, str(error))

    def is_listed(self, finding: Finding) -> bool:
        """Whether the target has a file of this name, or the finding is no file."""
        return not isinstance(finding, Offer) or self._listed(finding) is not None

    def _take(self, offer: Offer) -> Outcome:
        project = parsed(offer).project
        listed = self._listed(offer)
        if listed is not None:
            same = self._is_same(offer, listed)
            if same is False:
                raise FileAlreadyExists(
                    f"File already exists: {offer.filename} is published with other content, which is never replaced."
                )
            if same:
                return self._there(offer, listed)
        status = self._status(project)
        if (closed := self._why_closed(offer, project, status)) is not None:
            return Outcome(Fate.REFUSED, offer.place, closed)
        limit = self._target.configuration.max_file_bytes
        if offer.size is not None and offer.size > limit:
            raise FileTooLarge(f"The file is larger than {limit} bytes, the most that this repository takes.")
        if self._dry_run:
            self._foresee(offer)
            return Outcome(Fate.TAKEN, offer.place, size=offer.size or 0)
        return self._fetched_and_published(offer, though_closed=offer.status is status)

    def _status(self, project: NormalizedName) -> ProjectStatus:
        with self._target.index.reading() as snapshot:
            row = snapshot.project(project)
        return ProjectStatus.ACTIVE if row is None else row.state.status

    def _why_closed(self, offer: Offer, project: NormalizedName, status: ProjectStatus) -> str | None:
        """A project that is closed here takes no files, except from where it is closed likewise."""
        if offer.status is ProjectStatus.QUARANTINED and status is not ProjectStatus.QUARANTINED and not self._dry_run:
            return f"The project {project} is quarantined in the source and not here, so its files stay away."
        return None if offer.status is status else changes.why_closed(self._target, project)

    def _listed(self, offer: Offer) -> DistributionFile | None:
        with self._target.index.reading() as snapshot:
            return snapshot.file(offer.filename)

    def _is_same(self, offer: Offer, listed: DistributionFile) -> bool | None:
        """None: only the bytes themselves can tell."""
        for algorithm in ("sha256", "blake2b_256"):  # of MD5 one can make two files with one hash
            if algorithm in offer.hashes and algorithm in listed.hashes:
                return offer.hashes[algorithm] == listed.hashes[algorithm]
        if offer.size is not None and offer.size != listed.size:
            return False
        path = self._source.path(offer)
        return None if path is None else sha256_of(path, self._clock) == listed.sha256

    def _there(self, offer: Offer, listed: DistributionFile) -> Outcome:
        if self._source.is_repository and offer.yanked is not None and listed.yanked is None and not self._dry_run:
            self._pacer.admit()
            self._patience.call(lambda: self._yank(listed, offer.yanked))
        return Outcome(Fate.THERE, offer.place)

    def _yank(self, listed: DistributionFile, reason: str | None) -> None:
        changes.yank(self._target, listed.project, listed.version, reason, filename=listed.filename)

    def _foresee(self, offer: Offer) -> None:
        """What publication would say, as far as that can be known here."""
        path = self._source.path(offer)
        if path is None:
            return
        with reading():
            if path.stat().st_size == 0:
                raise InvalidUpload("The file is empty.")
            read_archive(path, parsed(offer))

    def _fetched_and_published(self, offer: Offer, *, though_closed: bool) -> Outcome:
        now = datetime.fromtimestamp(self._clock.now(), UTC)
        for _ in range(_TRIES):
            staging = self._patience.call(lambda: self._fetched(offer))
            try:
                _compare(offer, staging)
                file, staged = self._patience.call(partial(self._source.judged, offer, staging, now))
                published = self._patience.call(self._publication(file, staged, though_closed))
            finally:
                staging.discard()
            if published is not None:
                fate = Fate.TAKEN if published.new else Fate.THERE
                return Outcome(fate, offer.place, size=file.size if published.new else 0)
        raise StorageUnavailable(
            f"The storage took the bytes of {offer.filename} time and again, and did not publish it."
        )

    def _fetched(self, offer: Offer) -> StagingFile:
        staging = self._target.new_staging_file()
        try:
            wanted = {_OTHER_NAMES.get(name, name) for name in offer.hashes}
            staging.also_digest(*(name for name in _OURS if name in wanted))
            self._source.fetch(offer, staging, self._clock)
        except BaseException:
            staging.discard()
            raise
        return staging

    def _publication(
        self, file: DistributionFile, staged: StagedFile, though_closed: bool
    ) -> Callable[[], changes.Published | None]:
        def publish() -> changes.Published | None:
            """None: the storage took the bytes in a try that failed, so they have to be fetched again."""
            if not staged.path.exists():
                return None
            self._pacer.admit()
            return changes.publish(self._target, file, staged, though_closed=though_closed)

        return publish


def _compare(offer: Offer, staging: StagingFile) -> None:
    """:raises InvalidUpload: what came is not what the source says."""
    if offer.size is not None and staging.size != offer.size:
        raise InvalidUpload(f"The source says that {offer.filename} has {offer.size} bytes, but {staging.size} came.")
    computed = staging.hashes()
    for said, digest in offer.hashes.items():
        name = _OTHER_NAMES.get(said, said)
        if name not in computed:
            if name not in hashlib.algorithms_guaranteed or name.startswith("shake"):
                continue
            with staging.path.open("rb") as stream:
                computed[name] = digest_of(stream, name)
        if computed[name] != digest:
            raise InvalidUpload(
                f"The source says that the {said} of {offer.filename} is {digest}, but it is {computed[name]}; the file was "
                "damaged on the way or in the source."
            )
