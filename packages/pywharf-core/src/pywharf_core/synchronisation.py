"""How far the local index is in line with its storage, and bringing it there."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass, replace

from pywharf_core.config import RepositoryConfiguration
from pywharf_core.errors import NotSynchronised, WharfError
from pywharf_core.index.local import LocalIndex
from pywharf_core.index.remote_missing import FailedRebuilds, Rescans
from pywharf_core.index.remote_reading import NoRemoteIndex, pull
from pywharf_core.index.snapshot import IndexSnapshot
from pywharf_core.index.sync import SyncReport, synchronise_by_scan
from pywharf_core.storage import Storage

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class RepositoryStatus:
    """How a repository is doing.

    :ivar synchronised_at: Unix seconds of the last whole synchronisation; None: there was none yet.
    :ivar last_error: why the last synchronisation failed, by whichever process; None: it did not.
    :ivar pending: changes that the remote index does not show yet.
    :ivar pending_since: Unix seconds of the oldest of them; None: there is none.
    """

    files: int
    projects: int
    refused: int
    synchronised_at: float | None
    last_error: str | None
    pending: int
    pending_since: float | None

    @property
    def age(self) -> float | None:
        """Seconds since the last whole synchronisation; None: there was none yet."""
        return None if self.synchronised_at is None else max(0.0, time.time() - self.synchronised_at)


class Synchronisation:
    """One repository's; for many threads.

    :ivar store: tells this storage from another one that the same index may have been read from before.
    :ivar rescans: what was read instead of a remote index.
    :ivar failed_rebuilds: tries to make one.
    """

    def __init__(self, configuration: RepositoryConfiguration, index: LocalIndex) -> None:
        self.store = _store(configuration)
        self._repository = configuration.name
        self.rescans = Rescans()
        self.failed_rebuilds = FailedRebuilds()
        self._index = index
        self._running = threading.Lock()

    def run(self, storage: Storage, *, sparing: bool = False) -> SyncReport:
        """Read what the storage has and list it. Asks the storage; may take minutes the first time.

        :param storage: as somebody sees it who may read everything.
        :param sparing: where a scan is dear, and has to be made because the storage has no usable index: not again while
            nothing says that it would find anything new, see ``remote_missing``.
        :raises StorageUnavailable: the index stays as it was.
        """
        with self._running:
            try:
                report = self._read_storage(storage, sparing=sparing)
                self._reserve(storage, report.orphaned)
            except Exception as error:
                self._remember_failure(str(error))
                raise
            return report

    def distrust_index(self) -> None:
        """Until the next synchronisation nobody else answers for names that are not here: the storage may be another
        than it was, or not be mounted."""
        with self._index.reading() as snapshot:
            if snapshot.synchronised_at(self.store) is None:
                return
        self._remember_failure("it was not read since this server started")

    def status(self) -> RepositoryStatus:
        with self._index.reading() as snapshot:
            files, projects, refused = snapshot.counts()
            pending, pending_since = snapshot.pending_count(self.store)
            return RepositoryStatus(
                files=files,
                projects=projects,
                refused=refused,
                synchronised_at=snapshot.synchronised_at(self.store),
                last_error=snapshot.failure(),
                pending=pending,
                pending_since=pending_since,
            )

    def demanded(self, snapshot: IndexSnapshot) -> float:
        """Unix seconds of the last whole synchronisation.

        :raises NotSynchronised: the storage was never read completely, so what is not in the index may be there.
        """
        synchronised_at = snapshot.synchronised_at(self.store)
        if synchronised_at is None:
            raise NotSynchronised(self._not_yet(snapshot))
        return synchronised_at

    def why_not_ready(self, snapshot: IndexSnapshot) -> str | None:
        """Why it is not known now what the storage has; None: it is."""
        if snapshot.synchronised_at(self.store) is None:
            return self._not_yet(snapshot)
        if snapshot.failure() is not None:
            return (
                f"The storage of the repository {self._repository} cannot be read now, so nobody knows whether this "
                "project is in it; try again later."
            )
        return None

    def _read_storage(self, storage: Storage, *, sparing: bool) -> SyncReport:
        if not storage.keeps_index:
            return synchronise_by_scan(self._index, storage, self.store)
        with self._index.reading() as snapshot:
            noticed_at = snapshot.noticed_at()
            is_empty = snapshot.synchronised_at(self.store) is None  # so is one that was damaged, or removed
        try:
            report = pull(self._index, storage, self.store, unusable=self.rescans.unusable)
        except NoRemoteIndex as error:
            if sparing and not is_empty and not self.rescans.is_due(error.replaces, noticed_at):
                self._forget_failure()
                return SyncReport()
            logger.warning("no usable remote index, so everything is read", extra={"repository": self._repository})
            self.rescans.begun()
            report = synchronise_by_scan(self._index, storage, self.store)
            self.rescans.done(error.replaces, noticed_at)
            return report
        self.rescans.forget()
        self.failed_rebuilds.forget()
        return report

    def _reserve(self, storage: Storage, projects: Sequence[str]) -> None:
        """The index keeps the names reserved in any case; what the storage does not take is tried the next time."""
        if not storage.can_update or storage.keeps_index:  # there the remote index keeps them
            return
        for name in projects:
            with self._index.reading() as snapshot:
                row = snapshot.project(name)
            if row is not None and not row.files:
                try:
                    storage.update_project(replace(row.state, reserved=True))
                except WharfError as error:
                    fields = {"repository": self._repository, "project": name, "error": str(error)}
                    logger.warning("name not reserved in the storage", extra=fields)

    def _remember_failure(self, reason: str) -> None:
        """For all processes: while the storage cannot be read, nobody else answers for a name that is not here."""
        with self._index.reading() as snapshot:
            if snapshot.failure() == reason:
                return
        with self._index.changing() as change:
            change.mark_failed(reason)

    def _forget_failure(self) -> None:
        """The storage answers again, and has what it had when it was read."""
        with self._index.reading() as snapshot:
            if snapshot.failure() is None:
                return
        with self._index.changing() as change:
            change.mark_reachable()

    def _not_yet(self, snapshot: IndexSnapshot) -> str:
        failure = snapshot.failure()
        reason = f" ({failure})" if failure else ""
        return f"The repository {self._repository} was not read from its storage yet{reason}; try again in a moment."


def _store(configuration: RepositoryConfiguration) -> str:
    """The same name in another configuration may mean another storage."""
    options = configuration.storage_options
    assert is_dataclass(options), "options of a storage type are a dataclass"
    chosen = {
        option.name: getattr(options, option.name)
        for option in fields(options)
        if getattr(options, option.name) != option.default
    }
    return hashlib.sha256(repr((configuration.storage_type.name, chosen)).encode()).hexdigest()
