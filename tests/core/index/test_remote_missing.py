"""Where the remote index is missing or damaged, everything is read instead: no more often than something may be new."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from core.two_servers import Uploads, forget_index, repository_on
from pywharf_core import remote_changes, remote_notices
from pywharf_core.errors import NotPermitted, StorageUnavailable
from pywharf_core.filenames import normalise
from pywharf_core.index import remote_missing
from pywharf_core.index.content import MAIN
from pywharf_core.model import DistributionFile
from pywharf_core.repository import Repository
from pywharf_core.storage_answers import Change, ChangeKind
from pywharf_core.testing import IndexedMemoryStorage, MemoryStore

HOLYGRAIL = normalise("holygrail")
DAMAGED = b"what is this?\n"


class CountingStorage(IndexedMemoryStorage):
    """:ivar read: how many parts of the index were read."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store, remembers=False)
        self.read = 0

    def read_index(self, known):  # type: ignore[no-untyped-def]  # as it is above
        stored = super().read_index(known)
        self.read += 0 if stored is None else len(stored.parts)
        return stored


@pytest.fixture
def storage() -> CountingStorage:
    return CountingStorage(MemoryStore())


@pytest.fixture
def repository(storage: CountingStorage, tmp_path: Path) -> Iterator[Repository]:
    with closing(repository_on(storage, tmp_path / "root")) as opened:
        opened.synchronise()
        yield opened


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path / "uploads")


def by_another_server(storage: IndexedMemoryStorage, uploads: Uploads, version: str = "1.0") -> DistributionFile:
    return storage.add_file(*uploads.make(version=version))


def versions(repository: Repository) -> set[str]:
    with repository.index.reading() as snapshot:
        return {file.version for file in snapshot.files(HOLYGRAIL)}


def put_index(storage: IndexedMemoryStorage, content: bytes, revision: str = "damaged") -> None:
    storage.store.index[MAIN] = content, revision


@pytest.mark.parametrize("damaged", [False, True])
def test_an_idle_look_reads_nothing_again(repository: Repository, storage: CountingStorage, *, damaged: bool) -> None:
    if damaged:
        put_index(storage, DAMAGED)
        repository.synchronise(sparing=True)
    before = storage.scans, storage.read
    for _ in range(5):
        repository.synchronise(sparing=True)
    assert (storage.scans, storage.read) == before


def test_check_tells_of_an_index_that_is_damaged(repository: Repository, storage: CountingStorage) -> None:
    assert not remote_changes.condition(repository).warnings
    put_index(storage, DAMAGED)
    repository.synchronise()
    [warning] = remote_changes.condition(repository).warnings
    assert "run update_index" in warning
    remote_changes.update_index(repository)
    repository.synchronise()
    assert not remote_changes.condition(repository).warnings


def test_its_age_is_that_of_the_last_scan(repository: Repository) -> None:
    before = repository.synchronised_at()
    repository.synchronise(sparing=True)
    assert repository.synchronised_at() == before, "nothing was read, and nobody says so"


def test_a_quarter_of_an_hour_later_everything_is_read_again(
    repository: Repository, storage: CountingStorage, uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_another_server(storage, uploads)
    repository.synchronise(sparing=True)
    assert versions(repository) == set()
    monkeypatch.setattr(remote_missing, "RESCAN_EVERY", 0.0)
    repository.synchronise(sparing=True)
    assert versions(repository) == {"1.0"}


def test_whoever_demands_it_has_everything_read(
    repository: Repository, storage: CountingStorage, uploads: Uploads
) -> None:
    by_another_server(storage, uploads)
    repository.synchronise()
    assert versions(repository) == {"1.0"}


def test_a_notice_has_everything_read_once(repository: Repository, storage: CountingStorage, uploads: Uploads) -> None:
    by_another_server(storage, uploads)
    remote_notices.noticed(repository, [Change(ChangeKind.UNKNOWN)])
    repository.synchronise(sparing=True)
    assert versions(repository) == {"1.0"}
    before = storage.scans
    repository.synchronise(sparing=True)
    assert storage.scans == before


def test_another_revision_of_what_is_no_index_has_everything_read_once(
    repository: Repository, storage: CountingStorage, uploads: Uploads
) -> None:
    by_another_server(storage, uploads)
    put_index(storage, DAMAGED)
    repository.synchronise(sparing=True)
    assert versions(repository) == {"1.0"}
    before = storage.scans
    by_another_server(storage, uploads, "2.0")
    repository.synchronise(sparing=True)
    assert storage.scans == before
    put_index(storage, DAMAGED * 2, "another")
    repository.synchronise(sparing=True)
    assert versions(repository) == {"1.0", "2.0"}


def test_an_index_that_comes_or_is_mended_is_read_at_once(
    repository: Repository, storage: CountingStorage, uploads: Uploads, tmp_path: Path
) -> None:
    put_index(storage, DAMAGED)
    repository.synchronise(sparing=True)
    by_another_server(storage, uploads)
    with closing(
        repository_on(IndexedMemoryStorage(storage.store, remembers=False), tmp_path / "workflow")
    ) as workflow:
        remote_changes.update_index(workflow)
    before = storage.scans
    repository.synchronise(sparing=True)
    assert versions(repository) == {"1.0"}
    assert storage.scans == before
    put_index(storage, DAMAGED)
    repository.synchronise(sparing=True)
    assert storage.scans == before + 1, "damaged anew, though in the same way"


def test_a_scan_that_failed_is_tried_again_the_next_time(
    storage: CountingStorage, uploads: Uploads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_another_server(storage, uploads)
    with closing(repository_on(storage, tmp_path / "root")) as repository:
        with monkeypatch.context() as context:
            context.setattr(storage, "page", lambda _: storage.store.files[None])  # type: ignore[index]
            with pytest.raises(KeyError):
                repository.synchronise(sparing=True)
        repository.synchronise(sparing=True)
        assert versions(repository) == {"1.0"}


def test_a_local_index_that_was_lost_is_filled_at_once(
    storage: CountingStorage, uploads: Uploads, tmp_path: Path
) -> None:
    root = tmp_path / "another"
    with closing(repository_on(storage, root)) as repository:
        by_another_server(storage, uploads)
        repository.synchronise(sparing=True)
        forget_index(root)
        with suppress(Exception):  # it is noticed at the next change
            repository.synchronise(sparing=True)
        with repository.index.changing():
            pass
        repository.synchronise(sparing=True)
        assert versions(repository) == {"1.0"}


def test_a_moment_s_outage_needs_no_scan_to_be_over(repository: Repository, storage: CountingStorage) -> None:
    storage.store.available = False
    with pytest.raises(StorageUnavailable):
        repository.synchronise(sparing=True)
    assert repository.status().last_error is not None
    storage.store.available = True
    before = storage.scans
    repository.synchronise(sparing=True)
    assert repository.status().last_error is None
    assert storage.scans == before


# --- making one ----------------------------------------------------------------------------------------------


def test_a_secret_that_may_not_write_does_not_read_everything_for_nothing_time_and_again(
    repository: Repository, storage: CountingStorage, uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads.publish(repository)
    storage.may_write_index = False
    before = storage.scans
    for _ in range(5):
        with pytest.raises(NotPermitted, match="may not write"):
            remote_changes.fold(repository)
    assert storage.scans == before + 1
    monkeypatch.setattr(remote_missing, "monotonic", lambda: float("inf"))
    storage.may_write_index = True
    assert remote_changes.fold(repository)
    assert MAIN in storage.store.index


def test_a_rebuild_that_fails_is_tried_again_with_longer_and_longer_pauses(
    repository: Repository, storage: CountingStorage, uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads.publish(repository)
    now, tried = [0.0], []
    monkeypatch.setattr(remote_missing, "monotonic", lambda: now[0])

    def failing(_: int) -> None:
        tried.append(now[0])
        raise StorageUnavailable("no page")

    monkeypatch.setattr(storage, "page", failing)
    while now[0] < 4000:
        with pytest.raises(StorageUnavailable, match="no page"):
            remote_changes.fold(repository)
        now[0] += 10
    pauses = [later - earlier for earlier, later in zip(tried, tried[1:], strict=False)]
    assert pauses[:8] == [20, 40, 80, 160, 320, 640, 900, 900]


def test_a_rebuild_waits_as_long_as_the_storage_asks(
    repository: Repository, storage: CountingStorage, uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads.publish(repository)
    now = [0.0]
    monkeypatch.setattr(remote_missing, "monotonic", lambda: now[0])

    def limited(_: int) -> None:
        raise StorageUnavailable("the hour's requests are used up", retry_after=2400)

    with monkeypatch.context() as context:
        context.setattr(storage, "page", limited)
        with pytest.raises(StorageUnavailable):
            remote_changes.fold(repository)
    now[0] = 2399
    with pytest.raises(StorageUnavailable, match="used up"):
        remote_changes.fold(repository)
    now[0] = 2401
    assert remote_changes.fold(repository)


def test_what_failed_for_one_state_of_the_index_is_tried_for_another(
    repository: Repository, storage: CountingStorage, uploads: Uploads
) -> None:
    uploads.publish(repository)
    storage.may_write_index = False
    with pytest.raises(NotPermitted):
        remote_changes.fold(repository)
    storage.may_write_index = True
    with pytest.raises(NotPermitted):
        remote_changes.fold(repository)
    put_index(storage, DAMAGED)
    assert remote_changes.fold(repository)
