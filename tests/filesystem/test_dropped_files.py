"""Files that people put into the store, change there and take away."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from filesystem.stores import LONG_AGO, drop, listed, refused
from pywharf_core import (
    AttachmentKind,
    Deleted,
    DistributionFile,
    FileAlreadyExists,
    FileChanged,
    FileNotFound,
    Refused,
    Unchanged,
)
from pywharf_core.testing import make_sdist, make_upload, make_wheel
from pywharf_filesystem.storage import FileSystemStorage


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_dropped_file_is_listed_with_its_hash_and_the_time_it_was_made(
    storage: FileSystemStorage, store: Path, made: Path
) -> None:
    path = drop(make_wheel(made, "holy-grail", "1.0"), store / "holy-grail")
    file = listed(storage)[path.name]
    assert (file.project, file.version, file.packagetype) == ("holy-grail", "1.0", "bdist_wheel")
    assert (file.size, file.sha256) == (path.stat().st_size, _sha256(path))
    assert file.upload_time == datetime.fromtimestamp(LONG_AGO, UTC)
    assert file.core_metadata is None
    assert list(storage.scan({path.name: file.fingerprint})) == [Unchanged(path.name)]


@pytest.mark.parametrize("folder", ["Holy_Grail", "holy.grail", "HOLY-GRAIL"])
def test_a_folder_may_spell_its_project_as_it_likes(
    storage: FileSystemStorage, store: Path, made: Path, folder: str
) -> None:
    path = drop(make_wheel(made, "holy-grail", "1.0"), store / folder)
    file = listed(storage)[path.name]
    assert file.project == "holy-grail"
    with storage.open_file(file) as stream:
        assert hashlib.sha256(stream.read()).hexdigest() == file.sha256
    with pytest.raises(FileAlreadyExists):
        storage.add_file(*make_upload(made, "holy-grail", "1.0", summary="other"))
    assert storage.find_file(file) == file
    updated = storage.update_file(replace(file, yanked="no"))
    assert listed(storage) == {path.name: updated}
    storage.delete_file(updated)
    assert Deleted(path.name, file.sha256) in list(storage.scan({}))


def test_an_upload_finds_the_spelling_of_a_folder_that_no_scan_has_seen(
    storage: FileSystemStorage, store: Path, made: Path
) -> None:
    drop(make_wheel(made, "holy-grail", "1.0"), store / "Holy_Grail")
    with pytest.raises(FileAlreadyExists):
        storage.add_file(*make_upload(made, "holy-grail", "1.0", summary="other"))


def test_a_filename_in_two_folders_of_one_project_is_served_from_the_normalised_one(
    storage: FileSystemStorage, store: Path, made: Path
) -> None:
    good = drop(make_wheel(made, "holy-grail", "1.0", summary="good"), store / "holy-grail")
    drop(make_wheel(made, "holy-grail", "1.0", summary="twin"), store / "Holy_Grail")
    assert listed(storage)[good.name].sha256 == _sha256(good)
    assert "two folders" in refused(storage)[good.name]


@pytest.mark.parametrize(
    ("filename", "folder", "why"),
    [
        ("README.txt", "holygrail", "neither a wheel nor an sdist"),
        ("holygrail-nonsense.whl", "holygrail", "not a valid wheel filename"),
        ("spam-1.0-py3-none-any.whl", "holygrail", "should lie in the folder spam"),
        ("holygrail-1.0-py3-none-any.whl", ".", "beside the projects' folders"),
        ("holygrail-1.0-py3-none-any.whl", "holygrail", "half copied"),
        ("holygrail-1.0.zip", "holygrail", "half copied"),
    ],
)
def test_what_cannot_be_served_is_refused_with_a_reason(
    storage: FileSystemStorage, store: Path, filename: str, folder: str, why: str
) -> None:
    (store / folder).mkdir(parents=True)
    (store / folder / filename).write_bytes(b"PK half a file")
    assert not listed(storage)
    assert why in refused(storage)[filename]


@pytest.mark.parametrize("name", [".hidden.whl", "a-1.0.tar.gz.part", "a-1.0.tar.gz.tmp", "a-1.0.tar.gz.meta"])
def test_unfinished_and_hidden_files_are_not_even_refused(storage: FileSystemStorage, store: Path, name: str) -> None:
    (store / "a").mkdir(parents=True)
    (store / "a" / name).write_bytes(b"x")
    (store / "lost+found").mkdir()
    (store / "lost+found" / "a.whl").write_bytes(b"x")
    assert list(storage.scan({})) == []


def test_a_young_file_waits_for_the_next_scan(store: Path, work: Path, made: Path) -> None:
    patient = FileSystemStorage(store, work, settled_after_ns=3600 * 10**9)
    for name in ("holygrail", "spam"):
        path = store / name / f"{name}-1.0-py3-none-any.whl"
        path.parent.mkdir(parents=True)
        shutil.copy(make_wheel(made, "holygrail", "1.0"), path)
    assert list(patient.scan({})) == []
    assert set(listed(FileSystemStorage(store, work, settled_after_ns=0))) == {"holygrail-1.0-py3-none-any.whl"} | {
        "spam-1.0-py3-none-any.whl"
    }


def test_a_new_mode_or_link_does_not_hide_a_known_file(store: Path, work: Path, made: Path) -> None:
    path = drop(make_wheel(made, "holygrail", "1.0"), store / "holygrail")
    file = listed(FileSystemStorage(store, work, settled_after_ns=0))[path.name]
    path.chmod(0o600)
    patient = FileSystemStorage(store, work, settled_after_ns=3600 * 10**9)
    again = listed(patient, {path.name: file.fingerprint})[path.name]
    assert again.sha256 == file.sha256
    assert again.fingerprint != file.fingerprint
    with patient.open_file(file) as stream:  # by the entry that was listed before
        assert hashlib.sha256(stream.read()).hexdigest() == file.sha256


@pytest.mark.parametrize("way", ["in place", "by renaming"])
@pytest.mark.parametrize("keep_time", [True, False], ids=["same mtime", "new mtime"])
@pytest.mark.parametrize("published", [True, False], ids=["published", "dropped"])
def test_a_file_that_was_replaced_is_not_served_as_the_old_one(
    storage: FileSystemStorage, store: Path, work: Path, made: Path, way: str, keep_time: bool, published: bool
) -> None:
    if published:
        upload, staged = make_upload(made, summary="old text")
        old = storage.update_file(replace(storage.add_file(upload, staged), yanked="old"))
        path = store / "holygrail" / old.filename
    else:
        path = drop(make_wheel(made, "holygrail", "1.0", summary="old text"), store / "holygrail")
        old = listed(storage)[path.name]
    before = path.stat()
    other = make_wheel(made, "holygrail", "1.0", summary="new text")
    if way == "in place":
        path.write_bytes(other.read_bytes())
    else:
        other.rename(path)
    if keep_time:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(FileChanged):
        storage.open_file(old)
    with pytest.raises(FileChanged):
        storage.locate_file(old)
    restarted = FileSystemStorage(store, work, settled_after_ns=0)
    [result] = restarted.scan({old.filename: old.fingerprint})
    if published:  # never replaced: whoever meant it removes the sidecar too
        assert isinstance(result, Refused)
        assert "not the file that was uploaded" in result.reason
        (store / "holygrail" / f"{old.filename}.meta").unlink()
        [result] = restarted.scan({old.filename: old.fingerprint})
    assert isinstance(result, DistributionFile)
    assert result.fingerprint != old.fingerprint
    assert result.sha256 == _sha256(path)
    assert result.yanked is None


def test_a_dropped_file_may_be_replaced_by_hand_also_after_something_was_written_down_of_it(
    storage: FileSystemStorage, store: Path, made: Path
) -> None:
    path = drop(make_wheel(made, "holygrail", "1.0", summary="old text"), store / "holygrail")
    updated = storage.update_file(replace(listed(storage)[path.name], core_metadata={"name": "holygrail"}))
    drop(make_wheel(made, "holygrail", "1.0", summary="new text"), store / "holygrail")
    new = listed(storage, {updated.filename: updated.fingerprint})[path.name]
    assert (new.sha256, new.core_metadata) == (_sha256(path), None)


def test_a_sidecar_speaks_for_a_file_that_was_restored_with_another_time(
    storage: FileSystemStorage, store: Path, work: Path, made: Path
) -> None:
    yanked = storage.update_file(replace(storage.add_file(*make_upload(made)), yanked="bad"))
    os.utime(store / "holygrail" / yanked.filename, (LONG_AGO, LONG_AGO))
    again = listed(FileSystemStorage(store, work, settled_after_ns=0))[yanked.filename]
    assert again == replace(yanked, fingerprint=again.fingerprint)


def test_a_damaged_sidecar_costs_what_it_said_and_not_the_file(
    storage: FileSystemStorage, store: Path, made: Path
) -> None:
    added = storage.add_file(*make_upload(made))
    for content in (b"", b"\xff", b"pywharf = 1\nrecord = 'x'\n", b"pywharf = 1\nstat = '[1,2]'\nrecord = '{}'\n"):
        (store / "holygrail" / (added.filename + ".meta")).write_bytes(content)
        assert listed(storage)[added.filename].sha256 == added.sha256


def test_a_sidecar_of_a_later_version_is_not_guessed_at(storage: FileSystemStorage, store: Path, made: Path) -> None:
    added = storage.add_file(*make_upload(made))
    (store / "holygrail" / (added.filename + ".meta")).write_text("pywharf = 2\n")
    assert "later version" in refused(storage)[added.filename]


def test_a_sidecar_may_be_edited_by_hand(storage: FileSystemStorage, store: Path, made: Path) -> None:
    added = storage.add_file(*make_upload(made, provenance=b"{}"))
    sidecar = store / "holygrail" / (added.filename + ".meta")
    sidecar.write_text("# looked at by the operator\n\n" + sidecar.read_text())
    assert replace(listed(storage)[added.filename], fingerprint="") == replace(added, fingerprint="")
    assert storage.read_attachment(added, AttachmentKind.PROVENANCE) == b"{}"


def test_a_deleted_filename_dropped_with_other_content_is_refused(
    storage: FileSystemStorage, store: Path, made: Path
) -> None:
    added = storage.add_file(*make_upload(made, summary="first"))
    storage.delete_file(added)
    drop(make_wheel(made, "holygrail", "1.0", summary="second"), store / "holygrail")
    assert "same content" in refused(storage)[added.filename]
    assert Deleted(added.filename, added.sha256) in list(storage.scan({}))
    drop(make_wheel(made, "holygrail", "1.0", summary="first"), store / "holygrail")
    assert set(listed(storage)) == {added.filename}
    assert Deleted(added.filename, added.sha256) not in list(storage.scan({}))


@pytest.mark.parametrize("maker", [make_wheel, make_sdist])
def test_metadata_is_read_out_of_a_dropped_archive(
    storage: FileSystemStorage, store: Path, made: Path, maker: object
) -> None:
    assert callable(maker)
    path = drop(maker(made, "holygrail", "1.0", summary="out of the archive"), store / "holygrail")
    metadata = storage.read_attachment(listed(storage)[path.name], AttachmentKind.METADATA)
    assert b"Summary: out of the archive\n" in metadata


def test_what_is_found_out_about_a_dropped_file_survives(
    storage: FileSystemStorage, store: Path, work: Path, made: Path
) -> None:
    path = drop(make_wheel(made, "holygrail", "1.0"), store / "holygrail")
    file = listed(storage)[path.name]
    updated = storage.update_file(replace(file, core_metadata={"name": "holygrail"}, requires_python=">=3.9"))
    again = FileSystemStorage(store, work)
    assert listed(again) == {path.name: updated}
    assert updated.upload_time == file.upload_time


def test_a_link_to_itself_is_passed_over_like_a_broken_one(storage: FileSystemStorage, store: Path, made: Path) -> None:
    path = drop(make_wheel(made, "holygrail", "1.0"), store / "holygrail")
    for loop in (store / "loop", store / "holygrail" / "holygrail-2.0.tar.gz", path.with_name(f"{path.name}.meta")):
        loop.symlink_to(loop.name)
    assert set(listed(storage)) == {path.name}


def test_a_named_pipe_keeps_nobody_waiting(storage: FileSystemStorage, store: Path, made: Path) -> None:
    path = drop(make_wheel(made, "holygrail", "1.0"), store / "holygrail")
    file = listed(storage)[path.name]
    os.mkfifo(path.with_name(f"{path.name}.meta"))
    os.mkfifo(path.with_name("holygrail-2.0.tar.gz"))
    assert set(listed(storage)) == {path.name}
    assert storage.find_file(file) is not None
    path.unlink()
    os.mkfifo(path)
    assert storage.find_file(file) is None
    with pytest.raises(FileNotFound):
        storage.open_file(file)
