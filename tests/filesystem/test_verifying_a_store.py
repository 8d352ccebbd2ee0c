"""Every kind of damage in a real store: what ``pywharf verify`` says of it, and what a repair leaves."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.two_servers import Uploads, listed, repository_on
from core.verify.verifying import kinds, verify
from filesystem.stores import LONG_AGO
from pywharf_core import changes
from pywharf_core.errors import StorageUnavailable
from pywharf_core.filenames import normalise
from pywharf_core.missing_metadata import complete_metadata
from pywharf_core.model import DistributionFile
from pywharf_core.repository import Repository
from pywharf_core.testing import make_upload, make_wheel
from pywharf_filesystem.durable import locked
from pywharf_filesystem.storage import FileSystemStorage

GRAIL = normalise("holygrail")
WHEEL = "holygrail-1.0-py3-none-any.whl"
SDIST = "holygrail-2.0.tar.gz"


@dataclass(frozen=True)
class Store:
    """:ivar path: of the store; ``holygrail`` has a yanked wheel and an sdist there."""

    repository: Repository
    path: Path

    @property
    def wheel(self) -> Path:
        return self.path / "holygrail" / WHEEL

    @property
    def sdist(self) -> Path:
        return self.path / "holygrail" / SDIST

    def listed(self) -> dict[str, DistributionFile]:
        return listed(self.repository, GRAIL)

    def everything(self) -> dict[str, bytes]:
        """What is in the store, but for its locks."""
        files = (path for path in self.path.rglob("*") if path.is_file() and "lock" not in path.parts)
        return {path.relative_to(self.path).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def planted(tmp_path: Path) -> Iterator[Store]:
    storage = FileSystemStorage(tmp_path / "store", tmp_path / "work", settled_after_ns=0)
    uploads = Uploads(tmp_path / "uploads")
    with closing(repository_on(storage, tmp_path / "root")) as repository:
        repository.synchronise()
        changes.publish(repository, *make_upload(tmp_path / "made", provenance=b"{}", requires_python=">=3.8"))
        changes.yank(repository, GRAIL, "1.0", "Loses data")
        uploads.publish(repository, "holygrail", "2.0", sdist=True)
        uploads.publish(repository, "holygrail", "3.0")
        changes.delete(repository, GRAIL, version="3.0")
        assert verify(repository).findings == []
        yield Store(repository, tmp_path / "store")


def put_back(path: Path, content: bytes) -> None:
    """As ``cp`` and ``mv`` do it, or a restoring backup."""
    copy = path.with_name(".restored")
    copy.write_bytes(content)
    copy.rename(path)


def old(path: Path) -> None:
    os.utime(path, (LONG_AGO, LONG_AGO))


def sidecar(path: Path) -> Path:
    return path.with_name(f"{path.name}.meta")


# --- the file ---------------------------------------------------------------------------------------------


def flip(path: Path) -> None:
    """One bit, as a disk does it: nothing but the bytes tells of it."""
    stat = path.stat()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_a_flipped_bit_is_found_and_the_file_left_where_it_is(planted: Store) -> None:
    good = planted.wheel.read_bytes()
    flip(planted.wheel)
    before = planted.everything()
    for repair in (False, True):
        report = verify(planted.repository, repair=repair)
        assert (kinds(report), report.left) == ([("damaged", WHEEL)], 1)
        assert planted.everything() == before
    put_back(planted.wheel, good)
    planted.repository.synchronise()
    assert verify(planted.repository).findings == []
    assert planted.listed()[WHEEL].yanked == "Loses data", "the right bytes bring all back"


@pytest.mark.parametrize("kept", [0, 100, -1])
def test_a_truncated_file_is_refused_for_ever_and_comes_back_with_the_right_bytes(planted: Store, kept: int) -> None:
    good = planted.sdist.read_bytes()
    planted.sdist.write_bytes(good[:kept])
    for _ in range(2):  # before and after the index saw it
        report = verify(planted.repository, repair=True)
        assert (kinds(report), report.left) == ([("refused", SDIST)], 1)
        assert "is not the file that was uploaded" in report.findings[0].sentence
        planted.repository.synchronise()
        complete_metadata(planted.repository)
        assert set(planted.listed()) == {WHEEL}
    assert planted.sdist.read_bytes() == good[:kept]
    put_back(planted.sdist, good)
    planted.repository.synchronise()
    assert verify(planted.repository).findings == []
    assert set(planted.listed()) == {WHEEL, SDIST}


def test_a_truncated_wheel_is_refused_with_its_reason(planted: Store) -> None:
    planted.wheel.write_bytes(planted.wheel.read_bytes()[:-20])
    report = verify(planted.repository)
    assert kinds(report) == [("refused", WHEEL)]
    assert "no complete zip archive" in report.findings[0].sentence


def test_a_file_that_somebody_removed_is_found_with_the_sidecar_that_lost_it(planted: Store) -> None:
    content = planted.wheel.read_bytes()
    old(sidecar(planted.wheel))
    planted.wheel.unlink()
    alone = ("store", f"holygrail/{WHEEL}.meta")
    assert kinds(verify(planted.repository)) == [("missing", WHEEL), alone]
    report = verify(planted.repository, repair=True)
    assert (kinds(report), report.left) == ([("missing", WHEEL), alone], 1)
    assert sidecar(planted.wheel).exists(), "what was published may still be wanted"
    assert kinds(verify(planted.repository)) == [alone]
    put_back(planted.wheel, content)
    planted.repository.synchronise()
    assert verify(planted.repository).findings == []
    assert planted.listed()[WHEEL].yanked == "Loses data"


# --- its sidecar ------------------------------------------------------------------------------------------


def test_a_sidecar_that_somebody_removed_is_found_by_what_it_knew(planted: Store) -> None:
    sidecar(planted.wheel).unlink()
    report = verify(planted.repository)
    assert kinds(report) == [("provenance", WHEEL), ("differs", WHEEL)]
    for said in ("yanked", "provenance_sha256", "upload_time"):
        assert said in report.findings[1].sentence
    assert verify(planted.repository, repair=True).left == 0
    assert planted.listed()[WHEEL].yanked is None
    assert verify(planted.repository).findings == []


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"pywharf = 1\nstat = 'x'\n", b"nothing = 'of ours'\n"])
def test_a_sidecar_that_cannot_be_read_is_found(planted: Store, content: bytes) -> None:
    sidecar(planted.wheel).write_bytes(content)
    report = verify(planted.repository)
    assert kinds(report) == [("provenance", WHEEL), ("differs", WHEEL), ("store", f"holygrail/{WHEEL}.meta")]
    assert verify(planted.repository, repair=True).left == 1
    assert sidecar(planted.wheel).read_bytes() == content
    sidecar(planted.wheel).unlink()
    assert verify(planted.repository, repair=True).left == 0


def change_record(path: Path, change: Callable[[dict[str, object]], None]) -> None:
    """Edit the record in a sidecar, as by hand; the file beside it stays."""
    lines = sidecar(path).read_text().split("\n")
    for number, line in enumerate(lines):
        if line.startswith("record = "):
            record = json.loads(line.removeprefix("record = '").removesuffix("'"))
            change(record)
            lines[number] = f"record = '{json.dumps(record)}'"
    written = path.with_name(".edited")
    written.write_text("\n".join(lines))
    written.rename(sidecar(path))  # as editors do it


def test_wrong_metadata_in_a_sidecar_is_found_and_read_out_of_the_file_by_a_repair(planted: Store) -> None:
    right = planted.listed()[SDIST]
    change_record(planted.sdist, lambda record: record.update(core_metadata_sha256="0" * 64, requires_python=">=2"))
    planted.repository.synchronise()
    assert planted.listed()[SDIST].requires_python == ">=2"
    assert kinds(verify(planted.repository)) == [("metadata", SDIST)]
    report = verify(planted.repository, repair=True)
    assert (kinds(report), report.left) == ([("metadata", SDIST)], 0)
    now = planted.listed()[SDIST]
    assert (now.core_metadata_sha256, now.requires_python) == (right.core_metadata_sha256, right.requires_python)
    planted.repository.synchronise()
    assert planted.listed()[SDIST] == now, "the store has it so"
    assert verify(planted.repository).findings == []


def test_a_sidecar_that_tells_of_other_content_is_found(planted: Store) -> None:
    change_record(planted.sdist, lambda record: record.update(hashes={"sha256": "0" * 64}))
    assert ("damaged", SDIST) in kinds(verify(planted.repository))


# --- what else lies there ---------------------------------------------------------------------------------


def test_what_does_not_belong_there_is_named_and_left(planted: Store, tmp_path: Path) -> None:
    (planted.path / "holygrail" / "notes.txt").write_text("mine")
    make_wheel(tmp_path / "other", "spam", "1.0").rename(planted.path / "holygrail" / "spam-1.0-py3-none-any.whl")
    make_wheel(tmp_path / "other", "eggs", "1.0").rename(planted.path / "eggs-1.0-py3-none-any.whl")
    for path in planted.path.rglob("*.whl"):
        if path.name.startswith(("spam", "eggs")):
            old(path)
    half = planted.path / "holygrail" / "holygrail-4.0.tar.gz.part"
    half.write_bytes(b"half")
    old(half)
    before = planted.everything()
    report = verify(planted.repository, repair=True)
    assert kinds(report) == [
        ("refused", "eggs-1.0-py3-none-any.whl"),
        ("refused", "notes.txt"),
        ("refused", "spam-1.0-py3-none-any.whl"),
        ("store", "holygrail/holygrail-4.0.tar.gz.part"),
    ]
    assert report.left == 4
    assert planted.everything() == before
    report = verify(planted.repository, ["holy*"])
    assert [name for _, name in kinds(report)] == [], "names of nobody belong to no project that could be chosen"


def test_what_died_on_the_way_is_found_and_swept(planted: Store) -> None:
    project = planted.path / "holygrail"
    garbage = [
        project / f".{WHEEL}.part",
        project / f".{SDIST}.meta.tmp",
        project / "holygrail-3.0-py3-none-any.whl.meta",  # of the deleted file
        planted.path / ".pywharf" / "projects" / ".holygrail.toml.tmp",
        planted.path / ".pywharf" / ".0123456789abcdef.tmp",
        planted.path / ".pywharf" / "staging" / f"{'0' * 32}.upload",
    ]
    before = planted.everything()
    for path in garbage:
        path.write_bytes(b"half")
    assert verify(planted.repository).findings == [], "what is young may be somebody's who is at it"
    for path in garbage:
        old(path)
    report = verify(planted.repository)
    assert [kind for kind, _ in kinds(report)] == ["unfinished"] * len(garbage)
    assert all(path.exists() for path in garbage)
    report = verify(planted.repository, repair=True)
    assert (len(report.findings), report.left) == (len(garbage), 0)
    assert planted.everything() == before
    assert verify(planted.repository).findings == []


def test_a_sweep_waits_for_whoever_is_at_it(planted: Store) -> None:
    """A slow copy, whose file looks old, is not taken away under its writer's hands."""
    part = planted.path / "holygrail" / ".holygrail-5.0.tar.gz.part"
    swept: list[int] = []
    with locked(planted.path / ".pywharf" / "lock" / "holygrail"):
        part.write_bytes(b"half")
        old(part)
        sweeper = threading.Thread(target=lambda: swept.append(planted.repository.storage.sweep()))
        sweeper.start()
        sweeper.join(0.3)
        assert swept == []
        part.rename(part.with_name("holygrail-5.0.tar.gz.done"))
    sweeper.join()
    assert swept == [0]


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "lost its marker"), ('pywharf = 1\nid = "another"\n', "another one than before"), ("]", "is damaged")],
)
def test_a_store_with_a_wrong_marker_is_not_verified(planted: Store, content: str | None, said: str) -> None:
    marker = planted.path / ".pywharf" / "store.toml"
    if content is None:
        marker.unlink()
    else:
        marker.write_text(content)
    with pytest.raises(StorageUnavailable, match=said):
        verify(planted.repository, repair=True)


def test_notes_on_a_project_that_are_gone_are_written_again_as_far_as_the_index_knows(planted: Store) -> None:
    notes = planted.path / ".pywharf" / "projects" / "holygrail.toml"
    notes.unlink()
    report = verify(planted.repository)
    assert kinds(report) == [("tombstone", "holygrail-3.0-py3-none-any.whl")]
    for filename in (WHEEL, SDIST):
        changes.delete(planted.repository, None, filename=filename)
    notes.unlink()
    assert ("project", "holygrail") in kinds(verify(planted.repository))
    assert ("project", "holygrail") not in [
        (finding.kind.value, finding.name)
        for finding in verify(planted.repository, repair=True).findings
        if not finding.repaired
    ]
    assert "reserved = true" in notes.read_text()


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_named(planted: Store) -> None:
    planted.wheel.chmod(0)
    assert WHEEL in [name for _, name in kinds(verify(planted.repository))]


def test_what_came_by_a_copy_that_keeps_times_is_no_finding(planted: Store, tmp_path: Path) -> None:
    """A store that was restored from a backup has other inodes."""
    for path in (planted.wheel, planted.sdist):
        stat = path.stat()
        copy = path.with_name("copy")
        copy.write_bytes(path.read_bytes())
        os.utime(copy, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        copy.rename(path)
    assert verify(planted.repository).findings == []
    for path in (planted.wheel, planted.sdist):
        old(path)  # by a copy that does not keep them
    assert verify(planted.repository).findings == []
