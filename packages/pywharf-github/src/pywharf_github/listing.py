"""A scan: all releases, and what is remembered of those that went; what died on the way, and its removal."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from packaging.utils import NormalizedName

from pywharf_core import (
    Deleted,
    DistributionFile,
    FileNotFound,
    Flaw,
    NotAuthenticated,
    NotPermitted,
    ProjectState,
    Refused,
    ScanResult,
    StorageUnavailable,
    Unchanged,
)
from pywharf_github import releases
from pywharf_github.project_states import ProjectStates, Remembered
from pywharf_github.release_assets import Json
from pywharf_github.release_requests import Listed, MoreThanListed, ReleaseRequests
from pywharf_github.releases import Draft, Published, Tombstone
from pywharf_github.serving import Serving

logger = logging.getLogger(__name__)

SWEPT_AFTER = timedelta(hours=1)

_REMEMBERED_FOR = 600.0  # seconds


class SeenDead:
    """What the last whole scan saw that nobody needs any more, so that a sweep right after it need not list all again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: tuple[float, Sequence[Listed]] | None = None

    def put(self, seen: Sequence[Listed]) -> None:
        with self._lock:
            self._seen = time.monotonic(), seen

    def take(self) -> Sequence[Listed] | None:
        """None: there was no scan just now."""
        with self._lock:
            seen, self._seen = self._seen, None
        return None if seen is None or time.monotonic() - seen[0] > _REMEMBERED_FOR else seen[1]


class Listing:
    """With one caller's rights.

    :param dead: shared by all callers.
    """

    def __init__(self, requests: ReleaseRequests, serving: Serving, states: ProjectStates, dead: SeenDead) -> None:
        self._requests = requests
        self._serving = serving
        self._states = states
        self._dead = dead

    def scan(self, known: Mapping[str, str]) -> Iterator[ScanResult]:
        """As ``Storage.scan``: one request for each 100 releases, and one for the projects' states. Of more releases than
        GitHub lists, which are 10,000, one for each that is not known.

        A listing shifts while others delete: what it lacks may be there all the same, which ``find_file`` tells.
        """
        seen: set[str] = set()
        buried: list[Tombstone] = []
        dead: list[Listed] = []
        for release in self._all(known, dead):
            if isinstance(release, Unchanged):
                seen.add(release.filename)
                yield release
                continue
            found = releases.read(release)
            if isinstance(found, Tombstone):
                buried.append(found)
                seen.add(found.file.filename)
                continue
            result = self._scanned(found, known)
            if result is not None and result.filename not in seen:
                seen.add(result.filename)
                yield result
        self._dead.put(dead)
        present = seen - {tombstone.file.filename for tombstone in buried}
        yield from _remembered(self._states.read(), buried, present)

    def _all(self, known: Mapping[str, str], dead: list[Listed]) -> Iterator[Json | Unchanged]:
        """Of the releases beyond those that GitHub lists only the tags: one of a known file is believed, and each of the
        others asked for.

        :param dead: gets those that nobody needs any more.
        """
        tags: set[str] = set()
        try:
            for listed in self._requests.listed():
                if _dead(listed) is not None:
                    dead.append(listed)
                tags.add(str(listed.release.get("tag_name")))
                yield listed.release
        except MoreThanListed as error:
            logger.warning("more releases than GitHub lists", extra={"error": str(error)})
            for tag in self._requests.tags():
                if tag in tags:
                    continue
                if tag in known:
                    yield Unchanged(tag)
                elif (release := self._requests.by_tag(tag)) is not None:
                    yield release

    def flaws(self) -> Iterator[Flaw]:
        """What ``sweep`` would remove, and what somebody took back; a secret that may not write sees no drafts."""
        for listed in self._those_listed():
            match _dead(listed):
                case Draft():
                    name = str(listed.release.get("tag_name"))
                    yield Flaw(name, f"The draft of the release {name} is of an upload that died.", swept=True)
                case Tombstone() as found:
                    name = found.file.filename
                    sentence = f"The release of {name}, which was deleted, still has assets."
                    yield Flaw(name, sentence, swept=True)
                case None if releases.is_unpublished(listed.release):
                    name = str(listed.release.get("tag_name"))
                    sentence = (
                        f"The release {name} was published and is a draft now, so nobody gets its file; publish it again on "
                        "GitHub, or delete the draft."
                    )
                    yield Flaw(name, sentence)

    def sweep(self) -> int:
        """Remove what died on the way: drafts of ours older than an hour, assets of deleted files.

        :returns: how many there were. None are seen by a secret that may not write.
        """
        seen = self._dead.take()
        return sum(self._swept(listed) for listed in (self._those_listed() if seen is None else seen))

    def _those_listed(self) -> Iterator[Listed]:
        """Drafts are among the newest, and what was deleted long ago was swept then."""
        with suppress(MoreThanListed):
            yield from self._requests.listed()

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
                    return self._serving.complete(found).file
                except FileNotFound:
                    return Refused(found.file.filename, f"The release {found.file.filename} lacks a part of its body.")
        return None

    def _swept(self, listed: Listed) -> bool:
        try:
            match _dead(listed):
                case Draft() as found:
                    now = self._requests.by_id(found.release_id)
                    if now is None or not now.get("draft"):  # a very long upload came to its end in this moment
                        return False
                    self._requests.delete(found.release_id)
                    logger.info("unfinished upload removed", extra={"release": str(listed.release.get("tag_name"))})
                case Tombstone() as found:
                    for asset_id in found.leftovers:
                        self._requests.delete_asset(asset_id)
                case None:
                    return False
        except (NotPermitted, NotAuthenticated, StorageUnavailable) as error:
            logger.info("leftovers stay for now", extra={"error": str(error)})
            return False
        return True


def _dead(listed: Listed) -> Draft | Tombstone | None:
    """What of a release nobody needs any more; None: it is needed, or nobody can tell."""
    match releases.read(listed.release):
        case Draft(touched_at=moment) as found if moment is not None:
            # By GitHub's clock alone, or an upload that runs would be swept by whoever's clock is fast.
            return found if listed.at is not None and listed.at - moment > SWEPT_AFTER else None
        case Tombstone() as found if found.leftovers:
            return found
    return None


def _remembered(
    remembered: Remembered, buried: Sequence[Tombstone], present: set[str]
) -> Iterator[Deleted | ProjectState]:
    deleted = {**remembered.deleted, **{it.file.filename: it.file.sha256 for it in buried}}
    states: dict[NormalizedName, ProjectState] = dict(remembered.states)
    for tombstone in buried:
        state = states.get(tombstone.file.project, ProjectState(name=tombstone.file.project))
        states[tombstone.file.project] = replace(state, reserved=True)
    yield from (Deleted(filename, sha256) for filename, sha256 in deleted.items() if filename not in present)
    yield from states.values()
