"""What is wrong is found, whatever the storage; what is right is not; and a repair makes right what can be."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from core.two_servers import Uploads, listed, repository_on
from core.verify.verifying import kinds, verify
from pywharf_core import changes
from pywharf_core.clock import Clock
from pywharf_core.errors import NotFound, StorageUnavailable
from pywharf_core.filenames import normalise
from pywharf_core.model import AttachmentKind, DistributionFile, ProjectState, ProjectStatus
from pywharf_core.repository import Repository
from pywharf_core.storage import Storage
from pywharf_core.storage_answers import Deleted
from pywharf_core.testing import IndexedMemoryStorage, MemoryStorage, MemoryStore
from pywharf_filesystem.storage import FileSystemStorage

GRAIL = normalise("holygrail")
WHEEL = "holygrail-1.0-py3-none-any.whl"
SDIST = "holygrail-2.0.tar.gz"
GONE = "gone-1.0-py3-none-any.whl"


#: Damage is planted in memory here; tests/filesystem plants it in files.
IN_MEMORY = pytest.mark.parametrize("storage", ["memory", "indexed memory"], indirect=True)
#: Where a scan is dear, the index itself remembers deletions, names and statuses.
WHERE_THE_STORAGE_REMEMBERS = pytest.mark.parametrize("storage", ["memory", "file system"], indirect=True)
WHERE_MEMORY_REMEMBERS = pytest.mark.parametrize("storage", ["memory"], indirect=True)


def memory(repository: Repository) -> MemoryStore:
    """For damage that is planted in memory."""
    assert isinstance(repository.storage, MemoryStorage)
    return repository.storage.store


def change_stored(repository: Repository, filename: str, **fields: Any) -> None:
    """Of the file in the storage; its fingerprint stays. Fields of any type."""
    store = memory(repository)
    entry = store.files[filename]
    store.files[filename] = replace(entry, file=replace(entry.file, **fields))


def change_listed(repository: Repository, filename: str, **fields: Any) -> None:
    """Of the file in the index; its fingerprint stays. Fields of any type."""
    with repository.index.changing() as change:
        file = change.file(filename)
        assert file is not None
        change.put_file(replace(file, **fields))


# --- nothing wrong ----------------------------------------------------------------------------------------


def test_a_repository_without_fault_has_no_findings(repository: Repository) -> None:
    for repair in (False, True):
        report = verify(repository, repair=repair)
        assert (report.findings, report.left, report.files) == ([], 0, 2)
        assert report.bytes == sum(file.size for file in listed(repository, GRAIL).values())


def test_nothing_is_changed_without_repair(repository: Repository) -> None:
    change_listed(repository, WHEEL, requires_python=">=4")
    with repository.index.reading() as snapshot:
        before = snapshot.revision(), snapshot.files(GRAIL), snapshot.states()
    results = list(repository.storage.scan({}))
    assert verify(repository).left
    with repository.index.reading() as snapshot:
        assert (snapshot.revision(), snapshot.files(GRAIL), snapshot.states()) == before
    assert list(repository.storage.scan({})) == results


def test_an_empty_repository_has_no_findings(tmp_path: Path) -> None:
    repository = repository_on(MemoryStorage(), tmp_path / "root")
    repository.synchronise()
    assert verify(repository).findings == []
    repository.close()


def test_what_happens_meanwhile_is_no_finding(repository: Repository, uploads: Uploads) -> None:
    prepared = [uploads.make("busy", f"{number}.0") for number in range(40)]
    done = threading.Event()
    problems: list[object] = []

    def work() -> None:
        for number, (file, staged) in enumerate(prepared):
            changes.publish(repository, file, staged)
            if number % 3 == 1:
                changes.yank(repository, file.project, file.version, "x")
            if number % 4 == 3:
                changes.delete(repository, file.project, version=file.version)
        done.set()

    worker = threading.Thread(target=work)
    worker.start()
    while not done.is_set():
        problems += verify(repository, clock=Clock(lambda _: None)).findings
    worker.join()
    assert problems == []
    assert verify(repository).findings == []


# --- bytes ------------------------------------------------------------------------------------------------


@IN_MEMORY
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda content: b"\0" + content[1:], "has not the bytes that were published"),
        (lambda content: content[:-1], "bytes instead of"),
        (lambda content: content + b"x", "bytes instead of"),
        (lambda content: content[:0], "has 0 bytes instead of"),
    ],
)
def test_damaged_bytes_are_found_and_left_as_they_are(
    repository: Repository, damage: Callable[[bytes], bytes], said: str
) -> None:
    store = memory(repository)
    entry = store.files[WHEEL]
    store.files[WHEEL] = replace(entry, content=damage(entry.content))
    for repair in (False, True):
        report = verify(repository, repair=repair)
        assert (kinds(report), report.left) == ([("damaged", WHEEL)], 1)
        assert said in report.findings[0].sentence
        assert "docs/verify.md" in report.findings[0].sentence
    assert store.files[WHEEL].content == damage(entry.content)
    store.files[WHEEL] = entry
    assert verify(repository).findings == []


@IN_MEMORY
def test_a_file_that_the_storage_lost_is_found_and_leaves_the_index_by_a_repair(repository: Repository) -> None:
    del memory(repository).files[SDIST]
    report = verify(repository)
    assert (kinds(report), report.left) == ([("missing", SDIST)], 1)
    report = verify(repository, repair=True)
    assert (kinds(report), report.left) == ([("missing", SDIST)], 0)
    assert set(listed(repository, GRAIL)) == {WHEEL}
    assert verify(repository).findings == []


@IN_MEMORY
def test_content_that_was_replaced_is_found(repository: Repository, uploads: Uploads) -> None:
    store = memory(repository)
    file, staged = uploads.make("holygrail", "2.0", sdist=True, content="another")
    entry = store.files[SDIST]
    other = replace(file, storage_id=entry.file.storage_id, fingerprint="other")
    store.files[SDIST] = replace(entry, file=other, content=staged.path.read_bytes())
    [finding] = verify(repository).findings
    assert (finding.kind, finding.name) == ("damaged", SDIST)
    assert file.sha256 in finding.sentence
    assert entry.file.sha256 in finding.sentence


# --- index and storage ------------------------------------------------------------------------------------


def test_a_file_that_is_not_listed_is_found_and_listed_by_a_repair(repository: Repository) -> None:
    with repository.index.changing() as change:
        change.remove_file(SDIST)
    report = verify(repository)
    assert (kinds(report), report.files) == ([("unlisted", SDIST)], 2), "and read as well"
    report = verify(repository, repair=True)
    assert (kinds(report), report.left) == ([("unlisted", SDIST)], 0)
    assert set(listed(repository, GRAIL)) == {WHEEL, SDIST}
    assert verify(repository).findings == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"yanked": None}, "yanked"),
        ({"requires_python": ">=4"}, "requires_python"),
        ({"size": 1}, "size"),
        ({"comment": "not mine"}, "comment"),
        ({"provenance_sha256": "0" * 64}, "provenance_sha256"),
        ({"yanked": "", "version": "1.1"}, "version, yanked"),
    ],
)
def test_a_row_that_differs_from_the_storage_is_found_and_made_right_by_a_repair(
    repository: Repository, fields: Mapping[str, Any], said: str
) -> None:
    before = listed(repository, GRAIL)[WHEEL]
    change_listed(repository, WHEEL, **fields)
    found = {finding.kind.value: finding for finding in verify(repository).findings}
    assert said in found["differs"].sentence
    assert set(found) <= {"differs", "metadata", "damaged", "provenance"}
    report = verify(repository, repair=True)
    assert ("differs", WHEEL) in kinds(report)
    assert report.left == 0, "what is read again is read by the row that was made right"
    after = listed(repository, GRAIL)[WHEEL]
    assert replace(after, counter=before.counter, fingerprint=before.fingerprint) == before
    assert verify(repository).findings == []


def test_a_deleted_file_that_is_listed_again_is_found(repository: Repository) -> None:
    with repository.index.reading() as snapshot:
        tombstone = snapshot.tombstone(GONE)
    assert tombstone is not None
    wheel = listed(repository, GRAIL)[WHEEL]
    ghost = replace(
        wheel, filename=GONE, project=normalise("gone"), hashes={"sha256": tombstone.sha256}, storage_id="x"
    )
    with repository.index.changing() as change:
        change.put_file(ghost)
    assert kinds(verify(repository)) == [("tombstone", GONE)]
    report = verify(repository, repair=True)
    assert (kinds(report), report.left) == ([("tombstone", GONE)], 0)
    with repository.index.reading() as snapshot:
        assert (snapshot.file(GONE), snapshot.tombstone(GONE)) == (None, tombstone)
    assert verify(repository).findings == []


@WHERE_THE_STORAGE_REMEMBERS
def test_a_deletion_that_the_index_does_not_know_is_found(repository: Repository) -> None:
    repository.index._database._writer.execute("delete from tombstone where filename = ?", (GONE,))
    assert kinds(verify(repository)) == [("tombstone", GONE)]
    report = verify(repository, repair=True)
    assert (kinds(report), report.left) == ([("tombstone", GONE)], 0)
    assert verify(repository).findings == []


@WHERE_MEMORY_REMEMBERS
def test_a_deletion_that_the_storage_forgot_is_found_and_its_cure_said(
    repository: Repository, uploads: Uploads
) -> None:
    del memory(repository).deleted[GONE]
    report = verify(repository, repair=True)
    assert (kinds(report), report.left) == ([("tombstone", GONE)], 1)
    assert "publish the same file and delete it again" in report.findings[0].sentence
    uploads.publish(repository, "gone", "1.0")
    changes.delete(repository, normalise("gone"), version="1.0")
    assert verify(repository).findings == []


@WHERE_MEMORY_REMEMBERS
@pytest.mark.parametrize(
    "state",
    [
        ProjectState(name=GRAIL, status=ProjectStatus.ARCHIVED, reserved=True),
        ProjectState(name=GRAIL, status=ProjectStatus.DEPRECATED, reason="Other", reserved=True),
        None,
    ],
    ids=["another status", "another reason", "forgotten"],
)
def test_a_status_that_differs_is_found_and_made_the_same(repository: Repository, state: ProjectState | None) -> None:
    store = memory(repository)
    before = store.states.pop(GRAIL)
    if state is not None:
        store.states[GRAIL] = state
    assert kinds(verify(repository)) == [("project", "holygrail")]
    report = verify(repository, repair=True)
    assert (kinds(report), report.left) == ([("project", "holygrail")], 0)
    with repository.index.reading() as snapshot:
        row = snapshot.project(GRAIL)
    assert row is not None
    assert row.state == (state or before) == store.states[GRAIL]
    assert verify(repository).findings == []


@WHERE_MEMORY_REMEMBERS
def test_a_reservation_that_one_of_both_forgot_is_made_good(repository: Repository) -> None:
    store, gone = memory(repository), normalise("gone")
    store.states[gone] = ProjectState(name=gone)
    assert kinds(verify(repository)) == [("project", "gone")]
    assert verify(repository, repair=True).left == 0
    assert store.states[gone].reserved
    repository.index._database._writer.execute("update project set reserved = 0 where name = 'gone'")
    assert kinds(verify(repository)) == [("project", "gone")]
    assert verify(repository, repair=True).left == 0
    with repository.index.reading() as snapshot:
        row = snapshot.project("gone")
    assert row is not None
    assert row.state.reserved
    assert verify(repository).findings == []


# --- what is announced ------------------------------------------------------------------------------------


@IN_MEMORY
@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"core_metadata_sha256": "0" * 64}, "the hash of its core metadata"),
        ({"core_metadata_sha256": None}, "the hash of its core metadata"),
        ({"requires_python": ">=2"}, "Requires-Python"),
        ({"requires_python": None}, "Requires-Python"),
        ({"core_metadata": {"name": "other", "version": "1.0"}}, "the field name"),
    ],
)
def test_what_is_announced_wrongly_is_found_and_read_out_of_the_file_by_a_repair(
    repository: Repository, fields: Mapping[str, Any], said: str
) -> None:
    before = listed(repository, GRAIL)[WHEEL]
    change_stored(repository, WHEEL, **fields)
    change_listed(repository, WHEEL, **fields)
    report = verify(repository)
    assert kinds(report) == [("metadata", WHEEL)]
    assert said in report.findings[0].sentence
    report = verify(repository, repair=True)
    assert (kinds(report), report.left) == ([("metadata", WHEEL)], 0)
    repository.synchronise()
    after = listed(repository, GRAIL)[WHEEL]
    assert after.core_metadata_sha256 == before.core_metadata_sha256
    assert after.requires_python == before.requires_python
    assert after.core_metadata is not None
    assert before.core_metadata is not None
    assert before.core_metadata.items() <= after.core_metadata.items()
    assert (after.yanked, after.provenance_sha256) == (before.yanked, before.provenance_sha256)
    assert verify(repository).findings == []


@IN_MEMORY
def test_a_wrong_hash_beside_the_right_one_is_found_and_computed_again(repository: Repository) -> None:
    before = listed(repository, GRAIL)[SDIST]
    wrong = {**before.hashes, "md5": "0" * 32}
    change_stored(repository, SDIST, hashes=wrong)
    change_listed(repository, SDIST, hashes=wrong)
    report = verify(repository)
    assert kinds(report) == [("metadata", SDIST)]
    assert "md5" in report.findings[0].sentence
    assert verify(repository, repair=True).left == 0
    assert listed(repository, GRAIL)[SDIST].hashes == before.hashes
    assert verify(repository).findings == []


@IN_MEMORY
def test_metadata_that_the_storage_gives_wrongly_is_written_anew(repository: Repository) -> None:
    store = memory(repository)
    entry = store.files[SDIST]
    right = entry.attachments[AttachmentKind.METADATA]
    for wrong in ({AttachmentKind.METADATA: b"Name: other"}, {}):
        store.files[SDIST] = replace(store.files[SDIST], attachments=wrong)
        assert kinds(verify(repository)) == [("metadata", SDIST)]
        assert verify(repository, repair=True).left == 0
        assert store.files[SDIST].attachments[AttachmentKind.METADATA] == right
    assert verify(repository).findings == []


@IN_MEMORY
def test_provenance_that_is_lost_or_wrong_is_found_and_cannot_be_repaired(repository: Repository) -> None:
    store = memory(repository)
    entry = store.files[WHEEL]
    metadata = {AttachmentKind.METADATA: entry.attachments[AttachmentKind.METADATA]}
    for wrong in (metadata, {**metadata, AttachmentKind.PROVENANCE: b"{}"}):
        store.files[WHEEL] = replace(entry, attachments=wrong)
        report = verify(repository, repair=True)
        assert (kinds(report), report.left) == ([("provenance", WHEEL)], 1)


@IN_MEMORY
def test_metadata_that_nobody_read_yet_is_no_finding_and_read_by_a_repair(repository: Repository) -> None:
    change_stored(repository, SDIST, core_metadata=None, core_metadata_sha256=None)
    change_listed(repository, SDIST, core_metadata=None, core_metadata_sha256=None)
    assert verify(repository).findings == []
    assert verify(repository, repair=True).findings == []
    assert listed(repository, GRAIL)[SDIST].core_metadata_sha256 is not None


# --- the store as a whole ---------------------------------------------------------------------------------


@IN_MEMORY
def test_what_uploads_left_that_died_is_found_and_swept_by_a_repair(repository: Repository) -> None:
    store = memory(repository)
    store.unfinished.add("half an upload")
    report = verify(repository)
    assert (kinds(report), report.left) == ([("unfinished", "half an upload")], 1)
    report = verify(repository, repair=True)
    assert (kinds(report), report.left) == ([("unfinished", "half an upload")], 0)
    assert store.unfinished == set()


@IN_MEMORY
def test_a_choice_of_projects_leaves_all_others_alone(repository: Repository, uploads: Uploads) -> None:
    uploads.publish(repository, "other", "1.0")
    store = memory(repository)
    store.unfinished.add("half an upload")
    for filename in (WHEEL, "other-1.0-py3-none-any.whl"):
        entry = store.files[filename]
        store.files[filename] = replace(entry, content=b"")
    report = verify(repository, ["OTH*"])
    assert (kinds(report), report.files) == ([("damaged", "other-1.0-py3-none-any.whl")], 1)
    assert len(verify(repository).findings) == 3


class Failing(MemoryStorage):
    """Does not give some of its files.

    :ivar failing: what is raised instead, by filename.
    """

    def __init__(self) -> None:
        super().__init__()
        self.failing: dict[str, Exception] = {}

    def open_file(self, file: DistributionFile) -> BinaryIO:
        stream = super().open_file(file)
        error = self.failing.get(file.filename)
        if isinstance(error, StorageUnavailable):
            raise error
        if error is not None:
            return _BrokenDisk(error)  # type: ignore[return-value]  # as much of a stream as is looked at
        return stream


class _BrokenDisk:
    def __init__(self, error: Exception) -> None:
        self._error = error

    def __enter__(self) -> _BrokenDisk:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def fileno(self) -> int:
        raise OSError("none")

    def read(self, size: int) -> bytes:
        raise self._error


@pytest.mark.slow
@pytest.mark.parametrize(
    "error", [StorageUnavailable("Not this one."), OSError(5, "Input/output error")], ids=["unavailable", "broken disk"]
)
def test_a_file_that_cannot_be_read_now_is_found_and_all_others_are_read(
    tmp_path: Path, uploads: Uploads, error: Exception
) -> None:
    storage = Failing()
    repository = repository_on(storage, tmp_path / "root")
    repository.synchronise()
    for version in ("1.0", "2.0", "3.0"):
        uploads.publish(repository, "holygrail", version)
    storage.failing[WHEEL] = error
    report = verify(repository)
    assert (kinds(report), report.files) == ([("unreadable", WHEEL)], 3)
    repository.close()


@pytest.mark.slow
def test_a_storage_that_is_gone_is_one_sentence_and_no_findings(tmp_path: Path, uploads: Uploads) -> None:
    storage = Failing()
    repository = repository_on(storage, tmp_path / "root")
    repository.synchronise()
    for number in range(15):
        uploads.publish(repository, "holygrail", f"{number}.0")
        storage.failing[f"holygrail-{number}.0-py3-none-any.whl"] = StorageUnavailable("The disk is gone.")
    with pytest.raises(StorageUnavailable, match="The disk is gone"):
        verify(repository, jobs=15)
    repository.close()


def test_a_repository_whose_storage_cannot_be_changed_says_so(tmp_path: Path, uploads: Uploads) -> None:
    class ReadOnly(MemoryStorage):
        can_update = False

        def update_file(
            self, file: DistributionFile, attachments: Mapping[AttachmentKind, bytes] | None = None
        ) -> DistributionFile:
            return Storage.update_file(self, file, attachments)

    repository = repository_on(ReadOnly(), tmp_path / "root")
    repository.synchronise()
    uploads.publish(repository)
    change_stored(repository, WHEEL, requires_python=">=2")
    change_listed(repository, WHEEL, requires_python=">=2")
    report = verify(repository, repair=True)
    assert (kinds(report), report.left) == ([("metadata", WHEEL)], 1)
    assert "Not repaired: This storage cannot change what it published." in report.findings[0].sentence
    repository.close()


def test_an_index_that_others_keep_is_repaired_where_it_is_kept(tmp_path: Path, uploads: Uploads) -> None:
    """On a storage that keeps its index, other servers see what was repaired."""
    store = MemoryStore()
    ours = repository_on(IndexedMemoryStorage(store), tmp_path / "ours")
    ours.synchronise()
    uploads.publish(ours, "holygrail", "1.0")
    MemoryStorage(store).add_file(*uploads.make("holygrail", "2.0"))  # whoever did this told no index
    assert kinds(verify(ours)) == [("unlisted", "holygrail-2.0-py3-none-any.whl")]
    assert verify(ours, repair=True).left == 0
    theirs = repository_on(IndexedMemoryStorage(store), tmp_path / "theirs")
    theirs.synchronise()
    assert set(listed(theirs, GRAIL)) == {WHEEL, "holygrail-2.0-py3-none-any.whl"}
    for repository in (ours, theirs):
        assert verify(repository).findings == []
        repository.close()


def test_a_project_that_only_the_storage_has_can_be_chosen_and_one_that_nobody_has_cannot(
    tmp_path: Path, uploads: Uploads
) -> None:
    store = MemoryStore()
    with closing(repository_on(MemoryStorage(store), tmp_path / "root")) as repository:
        repository.synchronise()
        uploads.publish(repository, "holygrail", "1.0")
        MemoryStorage(store).add_file(*uploads.make("swallow", "2.0"))
        assert kinds(verify(repository, ["swallow"])) == [("unlisted", "swallow-2.0-py3-none-any.whl")]
        for misspelt in (["swalow"], ["swalow*"], ["holygrail", "swalow"]):
            with pytest.raises(NotFound, match=r"has no project swalow\*?; did you mean swallow\?"):
                verify(repository, misspelt)


def test_an_index_that_was_never_complete_is_compared_all_the_same(tmp_path: Path, uploads: Uploads) -> None:
    storage = FileSystemStorage(tmp_path / "store", tmp_path / "work")
    for version in ("1.0", "2.0"):
        storage.add_file(*uploads.make("holygrail", version))
    repository = repository_on(storage, tmp_path / "root")
    assert {kind for kind, _ in kinds(verify(repository))} == {"unlisted"}
    assert verify(repository, repair=True).left == 0
    assert repository.status().files == 2
    repository.close()


def test_tombstones_of_files_that_came_back_are_no_finding(repository: Repository, uploads: Uploads) -> None:
    uploads.publish(repository, "gone", "1.0")
    assert verify(repository).findings == []
    with repository.index.reading() as snapshot:
        assert not isinstance(snapshot.tombstone(GONE), Deleted)
