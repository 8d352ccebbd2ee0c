"""An export of files: all that ``import`` needs, nothing twice, nothing of somebody else's lost."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import portalocker
import pytest

from core.export.exporting import document, export, is_complete, written
from core.two_servers import Uploads, listed, repository_on
from pywharf_core import changes
from pywharf_core.errors import StorageUnavailable, WharfError
from pywharf_core.filenames import normalise
from pywharf_core.model import DistributionFile, from_record
from pywharf_core.repository import Repository
from pywharf_core.storage import Storage
from pywharf_core.testing import MemoryStorage, MemoryStore
from pywharf_filesystem.storage import FileSystemStorage

GRAIL = normalise("holygrail")
WHEEL = "holygrail-1.0-py3-none-any.whl"
SDIST = "holygrail-2.0.tar.gz"
SUSPECT = "suspect-1.0-py3-none-any.whl"


def test_all_that_is_known_is_in_the_folder(full: Repository, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    report = export(full, folder)
    assert (report.copied, report.there, report.problems, report.stale) == (3, 0, [], [])
    assert sorted(written(folder)) == sorted(
        [
            "gone/index.json",
            *(f"holygrail/{name}" for name in ("index.json", WHEEL, f"{WHEEL}.metadata", f"{WHEEL}.provenance")),
            *(f"holygrail/{name}" for name in (SDIST, f"{SDIST}.metadata")),
            *(f"suspect/{name}" for name in ("index.json", SUSPECT, f"{SUSPECT}.metadata")),
        ]
    )
    assert is_complete(folder)
    page = document(folder, "holygrail")
    assert page["project-status"] == {"status": "deprecated", "reason": "See grail"}
    assert page["versions"] == ["1.0", "2.0"]
    assert {entry["url"]: entry["yanked"] for entry in page["files"]} == {WHEEL: "Loses data", SDIST: False}
    assert [entry["filename"] for entry in document(folder, "suspect")["files"]] == [SUSPECT]
    assert document(folder, "suspect")["project-status"] == {"status": "quarantined"}


def test_records_of_an_export_are_the_files_themselves(full: Repository, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    export(full, folder)
    expected = listed(full, GRAIL)
    for entry in document(folder, "holygrail")["files"]:
        file = from_record(entry["_pywharf"])
        original = expected.pop(entry["filename"])
        assert file == replace(original, storage_id="", counter=0, fingerprint="")
        content = (folder / "holygrail" / file.filename).read_bytes()
        assert hashlib.sha256(content).hexdigest() == file.sha256
        if file.provenance_sha256 is not None:
            assert (folder / "holygrail" / f"{file.filename}.provenance").read_bytes() == b'{"version": 1}'
    assert expected == {}


def test_names_that_were_deleted_keep_their_meaning(full: Repository, tmp_path: Path) -> None:
    export(full, tmp_path / "export")
    own = document(tmp_path / "export", "gone")["_pywharf"]
    assert (own["format"], own["reserved"]) == (1, True)
    [deleted] = own["deleted"]
    with full.index.reading() as snapshot:
        tombstone = snapshot.tombstone("gone-1.0-py3-none-any.whl")
    assert tombstone is not None
    assert deleted == {"filename": tombstone.filename, "sha256": tombstone.sha256}


def test_a_second_export_fetches_and_writes_nothing(full: Repository, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    export(full, folder)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if "pywharf-export" not in path.name}
    report = export(full, folder)
    assert (report.copied, report.bytes, report.there, report.removed) == (0, 0, 3, [])
    assert before == {path: path.stat().st_mtime_ns for path in folder.rglob("*") if "pywharf-export" not in path.name}


def test_what_was_half_written_is_written_anew_and_leaves_nothing(full: Repository, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    export(full, folder)
    expected = written(folder)
    (folder / "holygrail" / WHEEL).rename(folder / "holygrail" / f".{WHEEL}.part")
    (folder / "holygrail" / "index.json").unlink()
    report = export(full, folder)
    assert (report.copied, report.there) == (1, 2)
    assert written(folder) == expected


def test_a_dry_run_says_what_would_be_done_and_does_nothing(full: Repository, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    report = export(full, folder, dry_run=True)
    assert (report.copied, report.there) == (3, 0)
    assert not folder.exists()
    export(full, folder)
    (folder / "holygrail" / WHEEL).unlink()
    stale = folder / "holygrail" / "holygrail-0.1.tar.gz"
    stale.write_bytes(b"old")
    before = written(folder)
    report = export(full, folder, dry_run=True, prune=True)
    assert (report.copied, report.there, report.removed) == (1, 2, ["holygrail/holygrail-0.1.tar.gz"])
    assert written(folder) == before


def test_other_content_under_a_files_name_is_left_alone_unless_that_is_asked_for(
    full: Repository, tmp_path: Path
) -> None:
    folder = tmp_path / "export"
    export(full, folder)
    expected = written(folder)
    theirs = folder / "holygrail" / WHEEL
    theirs.write_bytes(b"somebody's")
    report = export(full, folder)
    [problem] = report.problems
    assert problem.name == WHEEL
    assert "has other content and was left alone" in problem.sentence
    assert theirs.read_bytes() == b"somebody's"
    assert not is_complete(folder)
    assert [entry["filename"] for entry in document(folder, "holygrail")["files"]] == [SDIST]
    report = export(full, folder, overwrite=True)
    assert (report.problems, report.copied) == ([], 1)
    assert written(folder) == expected
    assert is_complete(folder)


def test_old_files_stay_until_they_are_pruned_and_what_is_not_ours_stays_for_ever(
    full: Repository, uploads: Uploads, tmp_path: Path
) -> None:
    folder = tmp_path / "export"
    uploads.publish(full, "passing", "1.0")
    export(full, folder)
    (folder / "holygrail" / "notes.txt").write_text("mine")
    (folder / "README").write_text("mine")
    changes.delete(full, GRAIL, version="1.0")
    changes.delete(full, normalise("passing"), version="1.0")
    report = export(full, folder)
    old = [f"holygrail/{WHEEL}", f"holygrail/{WHEEL}.metadata", f"holygrail/{WHEEL}.provenance"]
    passing = "passing/passing-1.0-py3-none-any.whl"
    assert report.stale == [*old, passing, f"{passing}.metadata"]
    assert set(report.stale) <= set(written(folder))
    report = export(full, folder, prune=True)
    assert (report.stale, report.removed) == ([], [*old, passing, f"{passing}.metadata"])
    names = set(written(folder))
    assert not names & {*old, passing}
    assert {"holygrail/notes.txt", "README", "passing/index.json"} <= names, "a reserved name is worth a document"


def test_globs_choose_projects_by_their_normalised_names(full: Repository, uploads: Uploads, tmp_path: Path) -> None:
    uploads.publish(full, "acme-tools", "1.0")
    report = export(full, tmp_path / "export", projects=["ACME.*", "holy-*"])
    assert report.copied == 1
    assert {path.partition("/")[0] for path in written(tmp_path / "export")} == {"acme-tools"}
    report = export(full, tmp_path / "export", projects=["holygrail"])
    assert "acme-tools/index.json" in report.stale, "another choice does not remove what the last one brought"


def _marker(**fields: object) -> Mapping[str, str]:
    return {"pywharf-export.json": json.dumps({"pywharf-export": 1, "form": "files", "repository": "local", **fields})}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"notes.txt": "x"}, "is no export, but is not empty (notes.txt is there)"),
        (_marker(repository="other"), "is an export of the repository other"),
        (_marker(form="simple"), "was exported with --simple"),
        (_marker(**{"pywharf-export": 2}), "was exported by a later version of pywharf"),
        ({"pywharf-export.json": "{"}, "is damaged"),
        ({"pywharf-export.json": "[]"}, "is damaged"),
    ],
)
def test_a_folder_that_is_something_else_is_not_touched(
    full: Repository, tmp_path: Path, content: Mapping[str, str], sentence: str
) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    for name, text in content.items():
        (folder / name).write_text(text)
    for dry_run in (True, False):
        with pytest.raises(WharfError) as raised:
            export(full, folder, dry_run=dry_run)
        assert sentence in str(raised.value)
    assert {path.name: path.read_text() for path in folder.iterdir()} == content


def test_what_a_new_file_system_and_hidden_files_put_there_is_no_obstacle(full: Repository, tmp_path: Path) -> None:
    (tmp_path / "disk" / "lost+found").mkdir(parents=True)
    (tmp_path / "disk" / ".directory").touch()
    assert export(full, tmp_path / "disk").problems == []


def test_two_exports_into_one_folder_do_not_meet(full: Repository, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    export(full, folder)
    with (folder / ".pywharf-export.lock").open("ab") as lock:
        portalocker.lock(lock, portalocker.LockFlags.EXCLUSIVE)
        with pytest.raises(WharfError, match="Another export writes into"):
            export(full, folder)
    assert export(full, folder).problems == []


def test_a_file_that_the_storage_lost_is_named_and_all_others_are_exported(full: Repository, tmp_path: Path) -> None:
    _lose(full.storage, tmp_path, listed(full, GRAIL)[WHEEL])
    report = export(full, tmp_path / "export")
    assert [problem.name for problem in report.problems] == [WHEEL]
    assert report.copied == 2
    assert not is_complete(tmp_path / "export")


def test_a_copy_that_is_there_already_outlives_its_original(full: Repository, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    export(full, folder)
    content = (folder / "holygrail" / WHEEL).read_bytes()
    _lose(full.storage, tmp_path, listed(full, GRAIL)[WHEEL])
    export(full, folder)
    assert (folder / "holygrail" / WHEEL).read_bytes() == content


def test_damaged_bytes_are_named_and_never_written(full: Repository, tmp_path: Path) -> None:
    _damage(full.storage, tmp_path, listed(full, GRAIL)[WHEEL])
    report = export(full, tmp_path / "export")
    assert [problem.name for problem in report.problems] == [WHEEL]
    assert f"holygrail/{WHEEL}" not in written(tmp_path / "export")
    assert not list((tmp_path / "export").rglob("*.part"))


class Interfering(MemoryStorage):
    """Does something just before a file is opened."""

    def __init__(self, store: MemoryStore | None = None) -> None:
        super().__init__(store)
        self.before_opening: dict[str, list[object]] = {}

    def open_file(self, file: DistributionFile) -> BinaryIO:
        for action in self.before_opening.pop(file.filename, []):
            assert callable(action)
            action()
        return super().open_file(file)


@pytest.fixture
def busy(tmp_path: Path) -> tuple[Interfering, Repository]:
    storage = Interfering()
    repository = repository_on(storage, tmp_path / "busy")
    repository.synchronise()
    return storage, repository


def test_what_happens_to_a_file_meanwhile_is_no_problem(
    busy: tuple[Interfering, Repository], uploads: Uploads, tmp_path: Path
) -> None:
    storage, repository = busy
    for version in ("1.0", "2.0", "3.0"):
        uploads.publish(repository, "holygrail", version)
    storage.before_opening[WHEEL] = [lambda: changes.yank(repository, GRAIL, "1.0", "now")]
    storage.before_opening["holygrail-2.0-py3-none-any.whl"] = [
        lambda: changes.delete(repository, GRAIL, version="2.0"),
        lambda: uploads.publish(repository, "holygrail", "4.0"),
    ]
    report = export(repository, tmp_path / "export", jobs=1)
    assert (report.problems, report.copied) == ([], 2)
    names = [entry["filename"] for entry in document(tmp_path / "export", "holygrail")["files"]]
    assert names == [WHEEL, "holygrail-3.0-py3-none-any.whl"]
    repository.close()


def test_a_storage_that_asks_for_patience_gets_it(
    busy: tuple[Interfering, Repository], uploads: Uploads, tmp_path: Path
) -> None:
    storage, repository = busy
    uploads.publish(repository)

    def not_now() -> None:
        raise StorageUnavailable("Too much at once.", retry_after=1)

    storage.before_opening[WHEEL] = [not_now]
    assert export(repository, tmp_path / "export").problems == []
    repository.close()


@pytest.mark.slow
def test_a_storage_that_is_gone_ends_the_export_and_another_run_goes_on(
    busy: tuple[Interfering, Repository], uploads: Uploads, tmp_path: Path
) -> None:
    storage, repository = busy
    for number in range(30):
        uploads.publish(repository, "holygrail", f"{number}.0")

    def gone() -> None:
        storage.store.available = False

    storage.before_opening["holygrail-9.0-py3-none-any.whl"] = [gone]
    with pytest.raises(StorageUnavailable):
        export(repository, tmp_path / "export", jobs=8)
    assert not is_complete(tmp_path / "export")
    storage.store.available = True
    there = len(list((tmp_path / "export").rglob("*.whl")))
    report = export(repository, tmp_path / "export")
    assert (report.problems, report.there, report.copied) == ([], there, 30 - there)
    repository.close()


def test_an_export_while_uploads_run_has_only_whole_files(
    repository: Repository, uploads: Uploads, tmp_path: Path
) -> None:
    prepared = [uploads.make("busy", f"{number}.0") for number in range(40)]
    for file, staged in prepared[:10]:
        changes.publish(repository, file, staged)

    def upload() -> None:
        for file, staged in prepared[10:]:
            changes.publish(repository, file, staged)

    uploading = threading.Thread(target=upload)
    uploading.start()
    reports = []
    while uploading.is_alive():
        reports.append(export(repository, tmp_path / "export"))
    uploading.join()
    reports.append(export(repository, tmp_path / "export"))
    assert [problem for report in reports for problem in report.problems] == []
    assert sum(report.copied for report in reports) == 40
    for entry in document(tmp_path / "export", "busy")["files"]:
        content = (tmp_path / "export" / "busy" / entry["filename"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["hashes"]["sha256"]


def test_the_export_knows_what_lies_in_the_store_now(tmp_path: Path, uploads: Uploads) -> None:
    """Also what was put there by hand since somebody looked."""
    storage = FileSystemStorage(tmp_path / "store", tmp_path / "work", settled_after_ns=0)
    repository = repository_on(storage, tmp_path / "root")
    repository.synchronise()
    _, staged = uploads.make("dropped", "1.0")
    (tmp_path / "store" / "dropped").mkdir()
    os.utime(staged.path, (1_600_000_000, 1_600_000_000))
    staged.path.rename(tmp_path / "store" / "dropped" / "dropped-1.0-py3-none-any.whl")
    report = export(repository, tmp_path / "export")
    assert (report.copied, report.problems) == (1, [])
    repository.close()


def test_the_marker_says_what_the_folder_is(full: Repository, tmp_path: Path) -> None:
    export(full, tmp_path / "export", projects=["holy*"])
    assert json.loads((tmp_path / "export" / "pywharf-export.json").read_bytes()) == {
        "pywharf-export": 1,
        "form": "files",
        "repository": "local",
        "projects": ["holy*"],
        "complete": True,
    }


def _lose(storage: Storage, tmp_path: Path, file: DistributionFile) -> None:
    """As by somebody who knows nothing of pywharf."""
    if isinstance(storage, MemoryStorage):
        del storage.store.files[file.filename]
    else:
        (tmp_path / "store" / file.project / file.filename).unlink()


def _damage(storage: Storage, tmp_path: Path, file: DistributionFile) -> None:
    """So that nothing but the bytes tells of it."""
    if isinstance(storage, MemoryStorage):
        entry = storage.store.files[file.filename]
        storage.store.files[file.filename] = replace(entry, content=b"\0" + entry.content[1:])
    else:
        path = tmp_path / "store" / file.project / file.filename
        stat = path.stat()
        with path.open("r+b") as stream:
            stream.write(b"\0")
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_a_link_in_a_projects_place_is_not_followed(full: Repository, tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "export", tmp_path / "elsewhere"
    export(full, folder)
    elsewhere.mkdir()
    mine = ["mine-1.0-py3-none-any.whl", ".mine.part"]
    for name in mine:
        (elsewhere / name).write_text("precious")
    (folder / "old").symlink_to(elsewhere)
    export(full, folder, prune=True)
    (folder / "old").rename(folder / "brand-new")
    shutil.rmtree(folder / "holygrail")
    (folder / "holygrail").symlink_to(elsewhere)
    with pytest.raises(WharfError, match="is a link to somewhere else"):
        export(full, folder, prune=True)
    assert sorted(path.name for path in elsewhere.iterdir()) == sorted(mine)
