"""Reading, changing and rebuilding a remote index, on stores in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.index.entries import entry
from core.two_servers import Uploads, repository_on
from pywharf_core import changes, remote_changes, remote_inquiries, remote_recovery
from pywharf_core.errors import IndexConflict, NotPermitted, StorageUnavailable
from pywharf_core.filenames import normalise
from pywharf_core.index import remote_listing, remote_reading, remote_writing
from pywharf_core.index.content import MAIN, SHARDS, Content, apply, shard_of
from pywharf_core.index.document import decode_main, decode_shard, encode_main
from pywharf_core.index.pending import PendingKind
from pywharf_core.index.remote_reading import NoRemoteIndex, pull
from pywharf_core.index.remote_rebuild import rebuild
from pywharf_core.index.remote_writing import push
from pywharf_core.model import DistributionFile, ProjectStatus
from pywharf_core.names import Answerer
from pywharf_core.storage_answers import Refused
from pywharf_core.testing import IndexedMemoryStorage, MemoryStore
from pywharf_core.testing.memory_storage import _Stored

HOLYGRAIL = normalise("holygrail")
WHEEL = "holygrail-1.0-py3-none-any.whl"


class Server:
    """A repository, and shorter words for what tests ask of it."""

    def __init__(self, store: MemoryStore, root: Path) -> None:
        self.storage = IndexedMemoryStorage(store, remembers=False)
        self.root = root
        self.repository = repository_on(self.storage, root)
        self.index, self.store = self.repository.index, self.repository.store

    def listed(self) -> dict[str, DistributionFile]:
        with self.index.reading() as snapshot:
            return {file.filename: file for name in snapshot.states() for file in snapshot.files(name)}

    def pending(self) -> list[tuple[PendingKind, bool]]:
        with self.index.reading() as snapshot:
            return [(it.kind, it.made) for it in snapshot.pending(self.store)]

    def push(self, *operations: Any, create: bool = True) -> bool:
        return push(self.index, self.storage, self.store, operations, create=create)

    def pull(self) -> Any:
        return pull(self.index, self.storage, self.store)

    def rebuild(self) -> Any:
        return rebuild(self.index, self.storage, self.store)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def servers(store: MemoryStore, tmp_path: Path) -> Iterator[tuple[Server, Server]]:
    made = Server(store, tmp_path / "one"), Server(store, tmp_path / "other")
    yield made
    for server in made:
        server.repository.close()


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path / "uploads")


def published(server: Server, uploads: Uploads, *, in_index: bool = False) -> DistributionFile:
    """The server is synchronised, and then the wheel published there.

    :param in_index: and folded into the remote index.
    """
    server.repository.synchronise()
    file = uploads.publish(server.repository).file
    if in_index:
        remote_changes.fold(server.repository)
    return file


def remote_content(store: MemoryStore) -> Content:
    content = decode_main(store.index[MAIN][0])
    assert content is not None
    return content


# --- reading -------------------------------------------------------------------------------------------------


def test_a_store_without_an_index_is_scanned(servers: tuple[Server, Server], uploads: Uploads) -> None:
    one, other = servers
    published(one, uploads)
    other.repository.synchronise()
    assert other.listed().keys() == {WHEEL}
    assert other.storage.scans == 1


def test_a_store_with_an_index_is_never_scanned(servers: tuple[Server, Server], uploads: Uploads) -> None:
    one, other = servers
    published(one, uploads, in_index=True)
    report = other.repository.synchronise()
    assert (report.added, report.changed, report.removed) == (1, 0, 0)
    assert other.listed() == one.listed()
    assert other.storage.scans == 0


def test_what_did_not_change_is_not_read_and_touches_no_page(
    servers: tuple[Server, Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = servers
    one.push(entry(1), entry(1, "swallow"))
    other.pull()
    with other.index.reading() as snapshot:
        before = snapshot.revision()
    asked: list[dict[str, str]] = []
    read_index = other.storage.read_index

    def noting(known: Any) -> Any:
        asked.append(dict(known))
        return read_index(known)

    monkeypatch.setattr(other.storage, "read_index", noting)
    other.pull()
    with other.index.reading() as snapshot:
        assert snapshot.revision() == before
        assert asked == [snapshot.part_revisions()]


def test_only_the_project_that_changed_is_listed_anew(servers: tuple[Server, Server]) -> None:
    one, other = servers
    one.push(entry(1), entry(1, "swallow"))
    other.pull()
    before = {name: other.repository.project_revision(normalise(name)) for name in ("holygrail", "swallow")}
    one.push(entry(2))
    report = other.pull()
    assert (report.added, report.changed, report.removed) == (1, 0, 0)
    assert other.repository.project_revision(HOLYGRAIL) > before["holygrail"]
    assert other.repository.project_revision(normalise("swallow")) == before["swallow"]


def test_an_index_of_0_2_is_replaced_by_what_a_scan_finds(
    servers: tuple[Server, Server], store: MemoryStore, uploads: Uploads
) -> None:
    one, other = servers
    one.storage.write_index({MAIN: b"mtime = 1\n[[pkgs]]\nname = 'x'\n", "00": b"else"}, replaces={}, message="")
    published(one, uploads)
    other.repository.synchronise()
    assert other.listed().keys() == {WHEEL}
    with pytest.raises(NoRemoteIndex):
        other.pull()
    assert other.rebuild().added == 1
    assert [file.filename for file in remote_content(store).files.values()] == [WHEEL]


def test_an_index_of_a_later_version_is_neither_used_nor_replaced(servers: tuple[Server, Server]) -> None:
    one, _ = servers
    one.push(entry())
    revisions = {MAIN: one.storage.store.index[MAIN][1]}
    one.storage.write_index({MAIN: b"format = 3\n"}, replaces=revisions, message="")
    for attempt in (one.pull, one.rebuild, lambda: one.push(entry(2))):
        with pytest.raises(StorageUnavailable, match="upgrade pywharf"):
            attempt()
    assert one.listed().keys() == {WHEEL}


def test_an_index_that_was_deleted_is_made_anew_with_what_no_scan_tells(
    servers: tuple[Server, Server], store: MemoryStore, uploads: Uploads
) -> None:
    one, other = servers
    published(one, uploads)
    uploads.publish(one.repository, "swallow")
    changes.delete(one.repository, normalise("swallow"), version="1.0")
    changes.set_status(one.repository, HOLYGRAIL, ProjectStatus.ARCHIVED)
    store.index.clear()
    remote_changes.update_index(one.repository)
    other.pull()
    assert other.listed() == one.listed()
    assert other.repository.answer_for(normalise("swallow")).answerer is Answerer.RESERVED
    assert other.repository.project_page(HOLYGRAIL)[0].status is ProjectStatus.ARCHIVED


def test_a_project_whose_status_was_taken_out_by_hand_is_active_again(servers: tuple[Server, Server]) -> None:
    one, other = servers
    one.push(entry())
    changes.set_status(one.repository, HOLYGRAIL, ProjectStatus.ARCHIVED, "old")
    other.pull()
    edited = encode_main(Content(files={entry().storage_id: entry()}), mtime=2)
    one.storage.write_index({MAIN: edited}, replaces={MAIN: one.storage.store.index[MAIN][1]}, message="")
    other.pull()
    assert other.repository.project_page(HOLYGRAIL)[0].status is ProjectStatus.ACTIVE


# --- changing ------------------------------------------------------------------------------------------------


def test_who_writes_at_the_same_time_loses_nothing(
    servers: tuple[Server, Server], store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = servers
    one.push(entry(1))
    write_index, first = one.storage.write_index, [True]

    def late(*args: Any, **kwargs: Any) -> Any:
        if first.pop() if first else False:
            other.push(entry(2))
        return write_index(*args, **kwargs)

    monkeypatch.setattr(one.storage, "write_index", late)
    one.push(entry(3))
    assert len(remote_content(store).files) == 3
    assert one.listed().keys() == {file.filename for file in (entry(1), entry(2), entry(3))}


def test_who_is_always_late_gives_up(servers: tuple[Server, Server], monkeypatch: pytest.MonkeyPatch) -> None:
    one, _ = servers

    def never(*args: Any, **kwargs: Any) -> Any:
        raise IndexConflict("again")

    monkeypatch.setattr(one.storage, "write_index", never)
    with pytest.raises(IndexConflict, match="time and again"):
        one.push(entry())


def test_nothing_new_writes_nothing(servers: tuple[Server, Server], store: MemoryStore) -> None:
    one, _ = servers
    one.push(entry())
    revision = store.index[MAIN][1]
    assert not one.push(entry())
    assert store.index[MAIN][1] == revision


def test_a_change_stays_pending_until_the_remote_index_shows_it_and_pages_show_it_meanwhile(
    servers: tuple[Server, Server], uploads: Uploads
) -> None:
    one, other = servers
    other.push(entry(9, "swallow"))
    published(one, uploads)
    assert one.pending() == [(PendingKind.UPDATE, True)]
    other.push(entry(8, "swallow"))
    one.repository.synchronise()
    assert WHEEL in one.listed()
    changes.delete(one.repository, HOLYGRAIL, version="1.0")
    assert one.pending() == [(PendingKind.DELETE, True)], "the upload needs no telling any more"
    other.push(entry(7, "swallow"))
    one.repository.synchronise()
    assert WHEEL not in one.listed()
    assert remote_changes.fold(one.repository)
    assert one.pending() == []
    assert not remote_changes.fold(one.repository)


def test_somebody_else_may_fold_it(servers: tuple[Server, Server], uploads: Uploads) -> None:
    one, other = servers
    published(one, uploads)
    remote_changes.update_index(other.repository)
    one.repository.synchronise()
    assert one.pending() == []
    assert one.listed() == other.listed()


def test_a_change_that_another_ones_made_void_before_it_was_written_down_is_noticed(
    servers: tuple[Server, Server], store: MemoryStore, uploads: Uploads
) -> None:
    one, other = servers
    added = published(one, uploads, in_index=True)
    changes.delete(one.repository, HOLYGRAIL, version="1.0")
    remote_changes.fold(one.repository)
    other.pull()  # so it has read the deletion when it says what it saw before
    with other.index.changing() as change:
        change.put_file(added)
        change.put_pending(other.store, PendingKind.UPDATE, added, made=True)
    other.pull()
    assert other.listed() == {}
    assert other.pending() == []


def test_a_reading_that_was_overtaken_lists_nothing_old(
    servers: tuple[Server, Server], uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = servers
    other.push(entry(1, "swallow"))
    published(one, uploads)
    other.push(entry(2, "swallow"))
    read_index, first = one.storage.read_index, [True]

    def slow(known: Any) -> Any:
        stored = read_index(known)
        if first and first.pop():
            remote_changes.fold(one.repository)  # by another thread or process of this ROOT
        return stored

    monkeypatch.setattr(one.storage, "read_index", slow)
    one.pull()
    assert one.listed().keys() == {WHEEL, entry(1, "swallow").filename, entry(2, "swallow").filename}
    assert one.pending() == []


def test_the_storages_last_word_on_a_yank_stays_whoever_folds_last(
    servers: tuple[Server, Server], store: MemoryStore, uploads: Uploads
) -> None:
    one, other = servers
    published(one, uploads, in_index=True)
    other.repository.synchronise()
    changes.yank(one.repository, HOLYGRAIL, "1.0", "bad")
    changes.yank(other.repository, HOLYGRAIL, "1.0", None)
    remote_changes.fold(other.repository)
    remote_changes.fold(one.repository)
    assert [file.yanked for file in remote_content(store).files.values()] == [None]
    other.pull()
    for server in servers:
        assert [file.yanked for file in server.listed().values()] == [None]
        assert server.pending() == []


def test_an_upload_that_is_folded_after_its_deletion_does_not_bring_it_back(
    servers: tuple[Server, Server], store: MemoryStore, uploads: Uploads
) -> None:
    one, other = servers
    published(one, uploads)
    remote_changes.update_index(other.repository)
    changes.delete(other.repository, HOLYGRAIL, version="1.0")
    remote_changes.fold(other.repository)
    remote_changes.fold(one.repository)
    assert remote_content(store).files == {}
    assert one.listed() == other.listed() == {}


def test_a_secret_that_may_not_write_leaves_changes_pending(servers: tuple[Server, Server], uploads: Uploads) -> None:
    one, _ = servers
    published(one, uploads)
    one.storage.may_write_index = False
    with pytest.raises(NotPermitted):
        remote_changes.fold(one.repository)
    assert one.pending() == [(PendingKind.UPDATE, True)]


def test_a_file_that_came_back_is_not_taken_for_the_one_that_was_deleted(
    servers: tuple[Server, Server], uploads: Uploads
) -> None:
    one, other = servers
    published(one, uploads)
    changes.delete(one.repository, HOLYGRAIL, version="1.0")
    again = uploads.publish(one.repository).file
    remote_changes.fold(one.repository)
    other.repository.synchronise()
    assert {file.storage_id for file in other.listed().values()} == {again.storage_id}


def test_a_deletion_that_is_written_down_late_does_not_take_the_file_that_came_back(
    servers: tuple[Server, Server], uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = servers
    published(one, uploads, in_index=True)
    delete_file = one.storage.delete_file
    again: list[DistributionFile] = []

    def slow(file: DistributionFile) -> None:
        delete_file(file)
        remote_changes.update_index(other.repository)  # so the file that goes is known to be gone
        one.pull()
        again.append(uploads.publish(one.repository).file)

    monkeypatch.setattr(one.storage, "delete_file", slow)
    changes.delete(one.repository, HOLYGRAIL, version="1.0")
    assert list(one.listed().values()) == again
    remote_changes.fold(one.repository)
    assert list(one.listed().values()) == again
    assert one.pending() == []


def test_a_download_that_finds_nothing_is_a_deletion(
    servers: tuple[Server, Server], store: MemoryStore, uploads: Uploads
) -> None:
    one, other = servers
    file = published(one, uploads, in_index=True)
    other.repository.synchronise()
    store.files.clear()
    with pytest.raises(Exception, match="no longer"):
        other.repository.open_file(file)
    other.repository.synchronise()
    assert other.listed() == {}
    remote_changes.fold(other.repository)
    one.repository.synchronise()
    assert one.listed() == {}


def test_changes_of_another_configured_storage_are_not_told_to_this_one(
    servers: tuple[Server, Server], uploads: Uploads
) -> None:
    one, _ = servers
    published(one, uploads)
    with one.index.reading() as snapshot:
        assert snapshot.pending("another") == []
        assert len(snapshot.pending(one.store)) == 1


# --- interrupted changes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("was_made", [True, False])
@pytest.mark.parametrize("kind", [it for it in PendingKind if it is not PendingKind.REVIVE])  # which nobody makes
def test_what_became_of_an_interrupted_change_is_found_out(
    servers: tuple[Server, Server], uploads: Uploads, monkeypatch: pytest.MonkeyPatch, kind: PendingKind, was_made: bool
) -> None:
    one, other = servers
    one.repository.synchronise()
    if kind is PendingKind.PUBLISH:
        file, staged = uploads.make()
    else:
        file = uploads.publish(one.repository).file
        remote_changes.fold(one.repository)
    remote_changes.intend(one.repository, one.storage, kind, file)
    if was_made:
        match kind:
            case PendingKind.PUBLISH:
                one.storage.add_file(file, staged)
            case PendingKind.UPDATE:
                one.storage.update_file(replace(file, yanked="x"))
            case PendingKind.DELETE:
                one.storage.delete_file(file)
    assert remote_recovery.resolve_intents(one.repository) == 0, "its maker may be at it"
    monkeypatch.setattr(remote_recovery, "_STILL_RUNNING", -1)
    monkeypatch.setattr(remote_inquiries, "_LONGEST_UPLOAD", -1)
    assert remote_recovery.resolve_intents(one.repository) == 1
    there = {stored.file.filename: stored.file for stored in one.storage.store.files.values()}
    assert one.listed() == there
    remote_changes.fold(one.repository)
    assert one.pending() == []
    if one.storage.store.index:
        other.pull()
        assert other.listed() == there


def test_an_upload_that_takes_long_is_not_given_up(
    servers: tuple[Server, Server], uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = servers
    one.repository.synchronise()
    file, _ = uploads.make()
    remote_changes.intend(one.repository, one.storage, PendingKind.PUBLISH, file)
    monkeypatch.setattr(remote_recovery, "_STILL_RUNNING", -1)
    remote_recovery.resolve_intents(one.repository)
    assert one.pending() == [(PendingKind.PUBLISH, False)]


def test_a_deletion_that_no_rebuild_will_ever_show_is_forgotten(
    servers: tuple[Server, Server], uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = servers
    other.push(entry(9, "swallow"))
    published(one, uploads)
    changes.delete(one.repository, HOLYGRAIL, version="1.0")
    one.repository.synchronise()
    assert one.pending() == [(PendingKind.DELETE, True)]
    monkeypatch.setattr(remote_listing, "FORGOTTEN", -1)
    one.repository.synchronise()
    assert one.pending() == []
    assert one.repository.answer_for(HOLYGRAIL).answerer is Answerer.RESERVED


# --- rebuilding ----------------------------------------------------------------------------------------------


def test_a_rebuild_does_not_believe_that_what_it_was_not_shown_is_gone(
    servers: tuple[Server, Server], store: MemoryStore, uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = servers
    one.repository.synchronise()
    for minor in range(4):
        uploads.publish(one.repository, "holygrail", f"1.{minor}")
    remote_changes.fold(one.repository)
    page, pages = one.storage.page, iter(range(100))

    def shifting(start: int) -> Any:
        if next(pages) == 1:  # the newest goes while the listing is read, and one that stays is skipped
            store.files.popitem()
        return page(start)

    monkeypatch.setattr(one.storage, "page", shifting)
    report = remote_changes.update_index(one.repository)
    assert report is not None
    assert report.removed == 0, "it was seen before it went"
    assert len(remote_content(store).files) == 4
    report = remote_changes.update_index(one.repository)
    assert report is not None
    assert report.removed == 1
    assert len(remote_content(store).files) == 3


def test_what_is_deleted_or_published_during_a_rebuild_stays_so(
    servers: tuple[Server, Server], store: MemoryStore, uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = servers
    one.repository.synchronise()
    for minor in range(3):
        uploads.publish(one.repository, "holygrail", f"1.{minor}")
    remote_changes.fold(one.repository)
    page, first = other.storage.page, [True]

    def read(start: int) -> Any:
        found = page(start)
        if first and first.pop():
            changes.delete(one.repository, HOLYGRAIL, version="1.2")
            uploads.publish(one.repository, "swallow")
            remote_changes.fold(one.repository)
        return found

    monkeypatch.setattr(other.storage, "page", read)
    remote_changes.update_index(other.repository)
    names = {f"holygrail-1.{minor}-py3-none-any.whl" for minor in (0, 1)} | {"swallow-1.0-py3-none-any.whl"}
    assert {file.filename for file in remote_content(store).files.values()} == names
    one.pull()
    for server in servers:
        assert server.listed().keys() == names


def test_an_update_that_another_ones_overwrote_in_the_storage_is_written_there_again(
    servers: tuple[Server, Server], store: MemoryStore, uploads: Uploads
) -> None:
    one, other = servers
    published(one, uploads, in_index=True)
    before = store.files[WHEEL]
    changes.yank(one.repository, HOLYGRAIL, "1.0", "loses data")
    remote_changes.fold(one.repository)
    late = replace(before.file, yanked="of a slower server", fingerprint="another")
    store.files[WHEEL] = replace(before, file=late)
    report = remote_changes.update_index(other.repository)
    assert report is not None
    assert report.changed == 1
    assert store.files[WHEEL].file.yanked == "loses data"
    assert store.files[WHEEL].file.counter > before.file.counter + 1
    one.pull()
    for server in servers:
        assert [file.yanked for file in server.listed().values()] == ["loses data"]
    report = remote_changes.update_index(other.repository)
    assert report is not None
    assert report.changed == 0


def test_a_listing_that_is_older_than_what_it_lists_overwrites_nothing(
    servers: tuple[Server, Server], store: MemoryStore, uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = servers
    published(one, uploads)
    old = [store.files[WHEEL].file]
    changes.yank(one.repository, HOLYGRAIL, "1.0", "loses data")
    remote_changes.fold(one.repository)
    monkeypatch.setattr(other.storage, "page", lambda start: old if start == 0 else [])
    now = store.files[WHEEL]
    report = remote_changes.update_index(other.repository)
    assert report is not None
    assert (report.changed, store.files[WHEEL]) == (0, now)


def test_a_scan_without_an_index_does_not_believe_it_either(
    servers: tuple[Server, Server], store: MemoryStore, uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = servers
    one.repository.synchronise()
    for minor in range(4):
        uploads.publish(one.repository, "holygrail", f"1.{minor}")
    monkeypatch.setattr(one.storage, "page", lambda _: [])
    one.repository.synchronise()
    assert len(one.listed()) == 4
    store.files.clear()
    one.repository.synchronise()
    assert one.listed() == {}


def test_a_rebuild_takes_the_status_of_a_project_from_the_index_alone(servers: tuple[Server, Server]) -> None:
    one, other = servers
    one.push(entry())
    changes.set_status(one.repository, HOLYGRAIL, ProjectStatus.DEPRECATED)
    remote_changes.update_index(other.repository)
    one.pull()
    with one.index.reading() as snapshot:
        row = snapshot.project(HOLYGRAIL)
    assert row is not None
    assert row.state.status is ProjectStatus.DEPRECATED


# --- what was missing and is back ----------------------------------------------------------------------------


def test_what_was_missing_comes_back_when_a_rebuild_finds_it(
    servers: tuple[Server, Server], store: MemoryStore, uploads: Uploads
) -> None:
    one, other = servers
    file = published(one, uploads, in_index=True)
    stored = store.files.pop(WHEEL)
    assert other.rebuild().removed == 1
    assert remote_content(store).deleted[file.storage_id].missing
    one.pull()
    assert one.listed() == {}
    store.files[WHEEL] = stored
    assert other.rebuild().added == 1
    one.pull()
    assert one.listed() == other.listed() == {WHEEL: file}
    assert remote_content(store).deleted == {}


def test_a_revival_that_is_written_after_a_deletion_brings_nothing_back(
    servers: tuple[Server, Server], store: MemoryStore, uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = servers
    file = published(one, uploads, in_index=True)
    stored = store.files.pop(WHEEL)
    other.rebuild()
    one.pull()
    store.files[WHEEL] = stored
    uploads.publish(one.repository)
    assert one.listed() == {WHEEL: file}, "it was there already, as the storage says"
    find_file, first = other.storage.find_file, [True]

    def slow(asked: DistributionFile) -> DistributionFile | None:
        found = find_file(asked)
        if first and first.pop():
            changes.delete(one.repository, HOLYGRAIL, version="1.0")
            remote_changes.fold(one.repository)
        return found

    monkeypatch.setattr(other.storage, "find_file", slow)
    other.rebuild()
    one.pull()
    assert one.listed() == other.listed() == {}
    assert not remote_content(store).deleted[file.storage_id].missing


def test_an_upload_in_the_place_of_what_somebody_took_away_tells_the_end_of_that(
    servers: tuple[Server, Server], store: MemoryStore, uploads: Uploads
) -> None:
    one, other = servers
    first = published(one, uploads)
    store.files.clear()
    again = published(one, uploads)
    assert again.storage_id != first.storage_id
    assert sorted(one.pending()) == [(PendingKind.MISS, True), (PendingKind.UPDATE, True)]
    remote_changes.fold(one.repository)
    for server in servers:
        server.pull()
        assert [it.storage_id for it in server.listed().values()] == [again.storage_id]
        assert server.pending() == []


def test_a_change_of_what_somebody_missed_is_looked_into_at_once(
    servers: tuple[Server, Server], store: MemoryStore, uploads: Uploads
) -> None:
    one, other = servers
    file = published(one, uploads, in_index=True)
    stored = store.files.pop(WHEEL)
    other.rebuild()
    store.files[WHEEL] = stored
    changes.yank(one.repository, HOLYGRAIL, "1.0", "bad")  # before it has read that the file was missing
    one.pull()
    assert one.pending() == [(PendingKind.REVIVE, False)]
    remote_recovery.resolve_intents(one.repository)
    assert one.pending() == [(PendingKind.REVIVE, True)]
    remote_changes.fold(one.repository)
    other.pull()
    assert [it.yanked for it in other.listed().values()] == ["bad"]
    store.files.clear()
    other.rebuild()
    with one.index.changing() as change:
        change.put_pending(one.store, PendingKind.UPDATE, file, made=True)
    one.pull()
    remote_recovery.resolve_intents(one.repository)
    one.pull()
    assert (one.listed(), one.pending()) == ({}, [])


# --- shards --------------------------------------------------------------------------------------------------


@pytest.fixture
def _sharded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_writing, "MOST_UNSHARDED", 2000)


@pytest.mark.usefixtures("_sharded")
def test_a_large_index_is_sharded_and_then_only_one_shard_is_written(
    servers: tuple[Server, Server], store: MemoryStore
) -> None:
    one, other = servers
    one.push(entry(1))
    assert store.index.keys() == {MAIN}
    one.push(*(entry(number, project) for project in ("holygrail", "swallow") for number in range(2, 9)))
    assert store.index.keys() == {MAIN, *SHARDS}
    assert other.pull().added == 15
    before = {name: revision for name, (_, revision) in store.index.items()}
    other.push(entry(9))
    changed = {name for name, (_, revision) in store.index.items() if before[name] != revision}
    assert changed == {MAIN, shard_of("holygrail")}
    one.pull()
    assert one.listed() == other.listed()
    assert len(one.listed()) == 16


@pytest.mark.usefixtures("_sharded")
def test_a_sharded_index_that_lost_its_main_part_is_written_anew(
    servers: tuple[Server, Server], store: MemoryStore
) -> None:
    one, _ = servers
    one.push(*(entry(1, f"project-{number}") for number in range(40)))
    del store.index[MAIN]
    with pytest.raises(NoRemoteIndex) as caught:
        one.pull()
    assert caught.value.replaces.keys() == set(SHARDS), "else every writer would be refused for ever"
    one.rebuild()
    assert MAIN in store.index


@pytest.mark.usefixtures("_sharded")
def test_a_sharded_index_whose_reader_died_half_way_is_read_to_its_end(
    servers: tuple[Server, Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = servers
    one.push(*(entry(1, f"project-{number}") for number in range(40)))
    list_some, calls = remote_listing.list_parts, iter(range(1000))

    def dying(*args: Any, **kwargs: Any) -> Any:
        if next(calls) == 5:
            raise KeyboardInterrupt
        return list_some(*args, **kwargs)

    with monkeypatch.context() as context:
        context.setattr(remote_reading, "list_parts", dying)
        with pytest.raises(KeyboardInterrupt):
            other.pull()
    assert other.repository.answer_for(normalise("publicthing")).answerer is Answerer.NOT_READY
    other.pull()
    assert len(other.listed()) == 40


@pytest.mark.usefixtures("_sharded")
def test_a_shard_that_was_deleted_by_hand_comes_back(servers: tuple[Server, Server], store: MemoryStore) -> None:
    one, _ = servers
    entries = [entry(number) for number in range(1, 9)]
    one.push(*entries)
    del store.index[shard_of("holygrail")]
    one.push(entry(9))
    shard = decode_shard(store.index[shard_of("holygrail")][0])
    assert entry(9).storage_id in shard.files


def test_messages_name_what_changed(servers: tuple[Server, Server], monkeypatch: pytest.MonkeyPatch) -> None:
    one, _ = servers
    one.push(entry(1), entry(2))
    messages: list[str] = []
    write_index = one.storage.write_index

    def noting(parts: Any, *, replaces: Any, message: str) -> Any:
        messages.append(message)
        return write_index(parts, replaces=replaces, message=message)

    monkeypatch.setattr(one.storage, "write_index", noting)
    one.push(entry(3), replace(entry(1), counter=1), *(entry(number, "swallow") for number in range(1, 25)))
    assert messages[0].splitlines()[0].startswith("Publish holygrail-3.0-py3-none-any.whl, swallow-1.0")
    assert messages[0].splitlines()[0].endswith("and 5 more")
    assert messages[0].splitlines()[1] == f"Update {WHEEL}"


def test_content_is_never_changed_in_place() -> None:
    content = apply(Content(), [entry(1)])
    apply(content, [entry(2)])
    assert len(content.files) == 1


# --- what is refused -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("most_unsharded", [10**7, 0], ids=["one part", "sharded"])
def test_what_a_rebuild_cannot_list_all_servers_can_tell(
    servers: tuple[Server, Server], monkeypatch: pytest.MonkeyPatch, most_unsharded: int
) -> None:
    monkeypatch.setattr(remote_writing, "MOST_UNSHARDED", most_unsharded)
    one, other = servers
    one.push(entry(1))
    one.storage.store.files[entry(1).filename] = stored = _Stored(entry(1), b"", {})
    found: list[Any] = [entry(1), Refused(entry(2).filename, "It is damaged."), Refused("v1.0", "It is no file.")]
    monkeypatch.setattr(one.storage, "scan", lambda _: iter(found))
    assert len(one.rebuild().refused) == 2
    for server in servers:
        server.pull()
        assert told(server) == [Refused(entry(2).filename, "It is damaged.")]
    other.push(entry(3))
    one.storage.store.files[entry(3).filename] = replace(stored, file=entry(3))
    one.pull()
    assert told(one) == told(other) == [Refused(entry(2).filename, "It is damaged.")], "another change keeps it"
    found[1:] = [entry(3)]
    one.rebuild()
    other.pull()
    assert told(one) == told(other) == []


def told(server: Server) -> list[Refused]:
    with server.index.reading() as snapshot:
        return snapshot.refused()
