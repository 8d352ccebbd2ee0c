"""A storage on an object store keeps the contract, whatever lies in the store beside what it wrote."""

from __future__ import annotations

import io
import itertools
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

import pytest

from pywharf_core import ObjectStorage, open_ranges
from pywharf_core.errors import FileNotFound, StorageUnavailable
from pywharf_core.filenames import normalise
from pywharf_core.model import DistributionFile, ProjectState, ProjectStatus
from pywharf_core.storage import Storage
from pywharf_core.storage_answers import Deleted, Refused
from pywharf_core.testing import StorageContract, make_upload

DAY = 24 * 3600


@dataclass
class Bucket:
    """:ivar read: keys of what was read, in order."""

    objects: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    read: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))


class BucketStorage(ObjectStorage):
    """On objects in memory."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket

    def list_objects(self, prefix: str) -> Iterator[tuple[str, str]]:
        with self.bucket.lock:
            found = [(key, revision) for key, (_, revision) in self.bucket.objects.items()]
        yield from ((key, revision) for key, revision in found if key.startswith(prefix))

    def read_object(self, key: str) -> tuple[bytes, str] | None:
        self.bucket.read.append(key)
        return self.bucket.objects.get(key)

    def write_object(self, key: str, content: BinaryIO, size: int, *, replaces: str | None) -> str | None:
        written = content.read()
        assert len(written) == size
        with self.bucket.lock:
            if self.bucket.objects.get(key, (b"", None))[1] != replaces:
                return None
            revision = f"r{next(self.bucket.numbers)}"
            self.bucket.objects[key] = written, revision
            return revision

    def open_object(self, key: str) -> BinaryIO | None:
        found = self.bucket.objects.get(key)
        return None if found is None else open_ranges(len(found[0]), lambda start, stop: found[0][start:stop])

    def remove_object(self, key: str) -> None:
        with self.bucket.lock:
            self.bucket.objects.pop(key, None)


class TestBucketStorage(StorageContract):
    def new_store(self, folder: Path) -> Callable[[], Storage]:
        bucket = Bucket()
        return lambda: BucketStorage(bucket)

    @pytest.fixture
    def crashing(self) -> None:
        """Memory does not outlive a process; the example backend of the docs is killed."""


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


@pytest.fixture
def storage(bucket: Bucket) -> BucketStorage:
    return BucketStorage(bucket)


def publish(storage: Storage, folder: Path, version: str = "1.0") -> DistributionFile:
    return storage.add_file(*make_upload(folder, version=version))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"not JSON", "Expecting value"),
        (b"[]", "not a document"),
        (b'{"file": {"filename": "x"}}', "not a document"),
        (b'{"deleted": {"filename": "other-1.0.tar.gz", "sha256": "00"}}', "it is about other-1.0.tar.gz"),
        (b"\xff", "decode"),
    ],
)
def test_a_damaged_document_is_refused_and_leaves_the_others_listed(
    storage: BucketStorage, bucket: Bucket, tmp_path: Path, content: bytes, why: str
) -> None:
    good, bad = publish(storage, tmp_path), publish(storage, tmp_path, "2.0")
    bucket.objects[f"file/{bad.filename}"] = content, "damaged"
    bucket.objects["project/grail"] = b"{}", "damaged too"
    listed, refused, project = storage.scan({})
    assert listed == good
    assert isinstance(refused, Refused)
    assert refused.filename == bad.filename
    assert why in refused.reason
    assert isinstance(project, Refused)
    assert list(storage.scan({good.filename: good.fingerprint}))[1:] == [refused, project]
    for call in (storage.open_file, storage.find_file, storage.update_file, storage.delete_file):
        with pytest.raises(StorageUnavailable, match=bad.filename):
            call(bad)


def test_a_file_whose_content_is_gone_is_not_found(storage: BucketStorage, bucket: Bucket, tmp_path: Path) -> None:
    added = publish(storage, tmp_path)
    (content,) = [key for key in bucket.objects if key.startswith("content/")]
    storage.remove_object(content)
    with pytest.raises(FileNotFound, match="content"):
        storage.open_file(added)


def test_a_scan_reads_nothing_that_it_has_told_before(storage: BucketStorage, bucket: Bucket, tmp_path: Path) -> None:
    kept, gone = publish(storage, tmp_path), publish(storage, tmp_path, "2.0")
    storage.delete_file(gone)
    first = list(storage.scan({}))
    bucket.read.clear()
    known = {kept.filename: kept.fingerprint}
    assert list(storage.scan(known))[1:] == first[1:] == [
        Deleted(gone.filename, gone.sha256),
        ProjectState(name=gone.project, reserved=True),
    ]  # fmt: skip
    assert bucket.read == []
    BucketStorage(bucket).update_project(ProjectState(name=gone.project, status=ProjectStatus.ARCHIVED))
    assert ProjectState(name=gone.project, status=ProjectStatus.ARCHIVED, reserved=True) in storage.scan(known)


def test_old_content_that_no_file_has_is_a_flaw_and_is_swept(
    storage: BucketStorage, bucket: Bucket, tmp_path: Path
) -> None:
    added, deleted = publish(storage, tmp_path), publish(storage, tmp_path, "2.0")
    storage.delete_file(deleted)
    names = ("never-1.0.tar.gz", added.filename, deleted.filename)
    left = {f"content/{name}/{int(time.time()) - 2 * DAY}-{uuid.uuid4().hex}" for name in names}
    young = f"content/never-1.0.tar.gz/{int(time.time())}-{uuid.uuid4().hex}"
    for key in (*left, young, "content/somebody's own/notes"):
        storage.write_object(key, io.BytesIO(b""), 0, replaces=None)
    flaws = list(storage.flaws())
    assert {flaw.name for flaw in flaws} == left
    assert all(flaw.swept for flaw in flaws)
    assert storage.sweep() == 3
    assert list(storage.flaws()) == []
    assert young in bucket.objects
    with storage.open_file(added) as stream:
        assert stream.read()


def test_a_project_that_has_its_state_already_is_not_written_again(storage: BucketStorage, bucket: Bucket) -> None:
    state = ProjectState(name=normalise("grail"), reserved=True)
    storage.update_project(state)
    before = dict(bucket.objects)
    storage.update_project(replace(state, reserved=False))
    assert bucket.objects == before


def test_a_stream_of_ranges_ends_where_its_answers_end_and_is_closed_once() -> None:
    closed = []
    with open_ranges(10, lambda start, stop: b"abc"[start:stop], lambda: closed.append(1)) as stream:
        assert stream.read() == b"abc"
        assert stream.seek(-1, io.SEEK_END) == 9
        assert stream.seek(-4, io.SEEK_CUR) == 5
        assert stream.read(1) == b""
    stream.close()
    assert closed == [1]
