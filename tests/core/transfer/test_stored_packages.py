"""What is taken over from another repository, and what is not believed of it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, ClassVar

import pytest

from core.transfer.between import Between, opened
from core.two_servers import listed
from pywharf_core.errors import FileChanged, StorageUnavailable
from pywharf_core.filenames import normalise
from pywharf_core.model import AttachmentKind, DistributionFile, ProjectState, ProjectStatus
from pywharf_core.repository import Repository
from pywharf_core.storage_answers import Refused, ScanResult
from pywharf_core.testing import MemoryStorage, make_upload

GRAIL = normalise("holygrail")


class OddStorage(MemoryStorage):
    """:ivar damage: bytes are not what was published; ``attachments``: these are not.
    :ivar fails: how many calls of ``open_file`` do, from now on.
    :ivar refused: what a scan tells of beside its files.
    """

    def __init__(self) -> None:
        super().__init__()
        self.damage = self.attachments_too = False
        self.fails = 0
        self.error: Exception = StorageUnavailable("The disk is away.")
        self.refused: list[Refused] = []

    def scan(self, known: object) -> Iterator[ScanResult]:
        yield from super().scan(known)  # type: ignore[arg-type]  # passed through
        yield from self.refused

    def open_file(self, file: DistributionFile) -> BinaryIO:
        if self.fails:
            self.fails -= 1
            raise self.error
        content = super().open_file(file).read()
        return io.BytesIO(content[:-1] + b"?" if self.damage else content)

    def read_attachment(self, file: DistributionFile, kind: AttachmentKind) -> bytes:
        content = super().read_attachment(file, kind)
        return content + b"?" if self.attachments_too else content


@pytest.fixture
def storage() -> OddStorage:
    return OddStorage()


@pytest.fixture
def source(storage: OddStorage, tmp_path: Path) -> Iterator[Repository]:
    with closing(opened(storage, tmp_path / "source")) as repository:
        yield repository


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Repository]:
    with closing(opened(MemoryStorage(), tmp_path / "target")) as repository:
        yield repository


def test_metadata_that_nobody_read_yet_is_read_on_the_way(
    storage: OddStorage, source: Repository, target: Repository, tmp_path: Path
) -> None:
    file, staged = make_upload(tmp_path, summary="A cup", requires_python=">=3.9")
    unread = replace(file, core_metadata=None, core_metadata_sha256=None, requires_python=None)
    storage.add_file(unread, replace(staged, attachments={}))
    noise, noise_staged = make_upload(tmp_path, "noise")
    noise_staged.path.write_bytes(b"no archive")
    sha256 = hashlib.sha256(b"no archive").hexdigest()
    noise = replace(noise, core_metadata=None, core_metadata_sha256=None, size=10, hashes={"sha256": sha256})
    storage.add_file(noise, replace(noise_staged, attachments={}))
    assert Between().copy(source, target).taken == 2
    copied = listed(target, GRAIL)[file.filename]
    assert copied.core_metadata is not None
    assert copied.core_metadata["summary"] == "A cup"
    assert copied.core_metadata_sha256 == file.core_metadata_sha256
    assert copied.requires_python == ">=3.9"
    assert target.core_metadata(copied) == staged.attachments[AttachmentKind.METADATA]
    assert listed(target, normalise("noise"))[noise.filename].core_metadata is None


def test_damage_is_not_spread(storage: OddStorage, source: Repository, target: Repository, tmp_path: Path) -> None:
    storage.add_file(*make_upload(tmp_path))
    storage.damage = True
    summary = Between().copy(source, target)
    ((_, reason),) = summary.refused
    assert "the file was damaged on the way or in the source" in reason
    storage.damage, storage.attachments_too = False, True
    summary = Between().copy(source, target)
    ((_, reason),) = summary.refused
    assert reason.startswith("The metadata of holygrail-1.0-py3-none-any.whl is damaged in local")
    storage.attachments_too = False
    assert Between().copy(source, target).taken == 1


def test_a_file_that_changed_meanwhile_is_refused(
    storage: OddStorage, source: Repository, target: Repository, tmp_path: Path
) -> None:
    storage.add_file(*make_upload(tmp_path))
    storage.fails, storage.error = 2, FileChanged("It is another.")
    ((_, reason),) = Between().copy(source, target).refused
    assert reason == "It is another."
    storage.fails = 1  # it was yanked meanwhile
    assert Between().copy(source, target).taken == 1


def test_a_source_that_is_away_for_a_moment_is_waited_for_and_not_for_ever(
    storage: OddStorage, source: Repository, target: Repository, tmp_path: Path
) -> None:
    storage.add_file(*make_upload(tmp_path))
    source.synchronise()
    storage.fails = 100
    between = Between()
    with pytest.raises(StorageUnavailable, match="The disk is away"):
        between.copy(source, target)
    assert between.clock.said == [
        f"waiting {span}: The disk is away." for span in ("1 second", "2 seconds", "4 seconds")
    ]
    assert not between.summary.complete
    storage.fails, storage.error = 2, StorageUnavailable("The disk is away.", retry_after=600)
    between = Between()
    assert between.copy(source, target).taken == 1
    assert between.clock.said == ["waiting 10 minutes: The disk is away."] * 2
    assert between.summary.complete


def test_patience_ends_where_max_wait_says(
    storage: OddStorage, source: Repository, target: Repository, tmp_path: Path
) -> None:
    storage.add_file(*make_upload(tmp_path))
    storage.fails, storage.error = 100, StorageUnavailable("The disk is away.", retry_after=600)
    between = Between(max_wait=1300)
    with pytest.raises(StorageUnavailable):
        between.copy(source, target)
    assert len(between.clock.said) == 2


def test_what_the_source_cannot_serve_is_passed_over(
    storage: OddStorage, source: Repository, target: Repository, tmp_path: Path
) -> None:
    storage.add_file(*make_upload(tmp_path))
    storage.refused = [Refused("v1.0", "not of a distribution file")]
    summary = Between().copy(source, target)
    assert (summary.taken, summary.passed_over) == (1, [("v1.0", "not of a distribution file")])


def test_a_target_that_keeps_no_status_is_told_of_once(storage: OddStorage, source: Repository, tmp_path: Path) -> None:
    class Simple(MemoryStorage):
        can_update: ClassVar[bool] = False

    storage.add_file(*make_upload(tmp_path))
    storage.update_project(ProjectState(name=GRAIL, status=ProjectStatus.DEPRECATED))
    storage.update_project(ProjectState(name=normalise("gone"), reserved=True))
    with closing(opened(Simple(), tmp_path / "simple")) as target:
        summary = Between().copy(source, target)
    assert summary.taken == 1
    assert summary.warnings == [
        "The storage of local keeps no status of projects and no reserved names: gone, holygrail stay without."
    ]
    assert summary.complete
