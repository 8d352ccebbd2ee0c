"""What a scan costs in calls to the operating system."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from filesystem.stores import drop, listed
from pywharf_core import DistributionFile, Refused, Unchanged
from pywharf_core.testing import make_upload, make_wheel
from pywharf_filesystem import fingerprint, reading
from pywharf_filesystem.scanning import THOROUGH_EVERY
from pywharf_filesystem.storage import FileSystemStorage

PROJECTS, VERSIONS = 5, 4


class _Calls:
    listed_folders = 0
    read_files = 0
    hashed_files = 0


@contextmanager
def _counted(monkeypatch: pytest.MonkeyPatch, store: Path) -> Iterator[_Calls]:
    calls = _Calls()
    scandir, read_file, sha256_of = os.scandir, reading.read_file, fingerprint.sha256_of

    def counting_scandir(path: Any) -> Any:
        calls.listed_folders += Path(path).parent == store and not Path(path).name.startswith(".")
        return scandir(path)

    def counting_read(*args: Any, **kwargs: Any) -> Any:
        calls.read_files += 1
        return read_file(*args, **kwargs)

    def counting_sha256(*args: Any) -> Any:
        calls.hashed_files += 1
        return sha256_of(*args)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", counting_scandir)
        patch.setattr("pywharf_filesystem.scanning.read_file", counting_read)
        patch.setattr("pywharf_filesystem.reading.sha256_of", counting_sha256)
        yield calls


@pytest.fixture
def published(storage: FileSystemStorage, made: Path) -> dict[str, DistributionFile]:
    files = [
        storage.add_file(*make_upload(made, f"project-{project}", f"{version}.0"))
        for project in range(PROJECTS)
        for version in range(VERSIONS)
    ]
    return {file.filename: file for file in files}


def _known(files: dict[str, DistributionFile]) -> dict[str, str]:
    return {name: file.fingerprint for name, file in files.items()}


def test_a_rebuild_reads_sidecars_and_hashes_nothing(
    store: Path, work: Path, published: dict[str, DistributionFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    with _counted(monkeypatch, store) as calls:
        assert listed(FileSystemStorage(store, work)) == published
    assert (calls.listed_folders, calls.read_files, calls.hashed_files) == (PROJECTS, PROJECTS * VERSIONS, 0)


def test_a_first_scan_of_known_files_reads_none(
    store: Path, work: Path, published: dict[str, DistributionFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    with _counted(monkeypatch, store) as calls:
        results = list(FileSystemStorage(store, work).scan(_known(published)))
    assert {type(result) for result in results} == {Unchanged}
    assert (calls.listed_folders, calls.read_files) == (PROJECTS, 0)


def test_a_folder_that_did_not_change_is_not_even_listed(
    storage: FileSystemStorage, store: Path, published: dict[str, DistributionFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = _known(published)
    list(storage.scan(known))
    with _counted(monkeypatch, store) as calls:
        results = list(storage.scan(known))
    assert {result.filename for result in results if isinstance(result, Unchanged)} == set(published)
    assert calls.listed_folders == 0


def test_only_the_folder_that_changed_is_listed(
    storage: FileSystemStorage,
    store: Path,
    made: Path,
    published: dict[str, DistributionFile],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = _known(published)
    list(storage.scan(known))
    first, second, third, *_ = published.values()
    updated = storage.update_file(replace(first, yanked="x"))
    dropped = drop(make_wheel(made, "project-4", "9.0"), store / "project-4")
    with _counted(monkeypatch, store) as calls:
        results = listed(storage, known)
    assert set(results) == {first.filename, dropped.name}
    assert results[first.filename] == updated
    assert (calls.listed_folders, calls.read_files) == (2, 2)
    (store / "project-0" / second.filename).unlink()
    unchanged = {it.filename for it in storage.scan(known) if isinstance(it, Unchanged)}
    assert unchanged == set(published) - {first.filename, second.filename}
    assert third.filename in unchanged


def test_who_knows_less_is_told_in_full(storage: FileSystemStorage, published: dict[str, DistributionFile]) -> None:
    known = _known(published)
    list(storage.scan(known))
    missing, changed, *_ = published
    del known[missing]
    known[changed] = "something else"
    assert set(listed(storage, known)) == {missing, changed}
    assert set(listed(storage)) == set(published)


def test_a_folder_that_changed_just_now_is_not_trusted_yet(
    store: Path, work: Path, published: dict[str, DistributionFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = FileSystemStorage(store, work, settled_after_ns=3600 * 10**9)
    known = _known(published)
    list(patient.scan(known))
    with _counted(monkeypatch, store) as calls:
        list(patient.scan(known))
    assert calls.listed_folders == PROJECTS


def test_every_tenth_scan_finds_what_was_written_in_place(
    storage: FileSystemStorage, store: Path, published: dict[str, DistributionFile]
) -> None:
    known = _known(published)
    list(storage.scan(known))
    victim = next(iter(published.values()))
    path = store / victim.project / victim.filename
    path.write_bytes(path.read_bytes() + b"PK\x05\x06" + bytes(18))
    scans = [list(storage.scan(known)) for _ in range(THOROUGH_EVERY)]
    found = [{it.filename for it in results if isinstance(it, Refused)} for results in scans]
    assert found[:-1] == [set()] * (THOROUGH_EVERY - 1)
    assert found[-1] == {victim.filename}
