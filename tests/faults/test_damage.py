"""Files of ROOT or of the store are gone, damaged or not mounted."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from pywharf_core.errors import StorageUnavailable
from pywharf_core.index.local import LocalIndex
from pywharf_core.index.sync import synchronise_by_scan
from pywharf_core.storage_answers import ScanResult
from pywharf_core.testing import make_upload, make_wheel
from pywharf_core.upload.staging import StagingArea
from pywharf_filesystem.storage import FileSystemStorage
from server.in_process import ADMIN_SECRET, CONFIG, Application, application
from support.running_server import wait_until

OFTEN = CONFIG.replace("[other]", "sync_index_interval = 0.2\n\n[other]")


def _publish(app: Application, folder: Path) -> dict[str, str]:
    for number in range(30):
        assert app.upload(make_wheel(folder, "kept", f"1.{number}", description="x" * 2000)).status_code == 200
    return dict(app.listed("kept"))


def _delete(index: Path) -> None:
    for path in index.parent.iterdir():
        path.unlink()


def _delete_only_the_database(index: Path) -> None:
    index.unlink()


def _garbage(index: Path) -> None:
    index.write_bytes(os.urandom(index.stat().st_size))


def _garbage_in_the_middle(index: Path) -> None:
    size = index.stat().st_size
    with index.open("r+b") as file:
        file.seek(4096 * 2)
        file.write(os.urandom(size - 4096 * 3))


def _half(index: Path) -> None:
    os.truncate(index, index.stat().st_size // 2)


def _empty(index: Path) -> None:
    os.truncate(index, 0)


def _of_another_format(index: Path) -> None:
    connection = sqlite3.connect(index)
    connection.execute("pragma user_version = 4711")
    connection.close()


@pytest.mark.parametrize(
    "damage",
    [_delete, _delete_only_the_database, _garbage, _garbage_in_the_middle, _half, _empty, _of_another_format],
)
def test_an_index_that_is_gone_or_damaged_is_built_anew_by_a_restart(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    root = tmp_path / "root"
    with application(root) as app:
        before = _publish(app, tmp_path / "dist")
    damage(app.root.index_database("local"))
    with application(root) as app:
        assert app.listed("kept") == before
        assert app.projects() == ["kept"]
        wheel = make_wheel(tmp_path, "kept", "2.0")
        assert app.upload(wheel).status_code == 200
        assert wheel.name in app.listed("kept")


def test_running_processes_follow_an_index_that_another_one_had_to_build_anew(tmp_path: Path) -> None:
    root = tmp_path / "root"
    with application(root, OFTEN) as running:
        before = _publish(running, tmp_path / "dist")
        assert running.listed("kept") == before
        _garbage(running.root.index_database("local"))
        with application(root, None) as replaced:  # as the parent replaces a worker that died
            for asked in (running, replaced):
                asked.wait_until_ready()
                assert asked.listed("kept") == before
            for number, asked in enumerate((running, replaced)):
                wheel = make_wheel(tmp_path, "kept", f"2.{number}")
                assert asked.upload(wheel).status_code == 200
                assert wheel.name in running.listed("kept")
                assert wheel.name in replaced.listed("kept")


def test_while_the_store_is_not_mounted_known_pages_go_on_and_nothing_unknown_is_sent_elsewhere(
    tmp_path: Path,
) -> None:
    with application(tmp_path / "root", OFTEN, ADMIN_SECRET) as app:
        before = _publish(app, tmp_path / "dist")
        assert app.get("/simple/unknown/").status_code == 307
        away = app.store().with_name("away")
        app.store().rename(away)
        app.store().mkdir()  # an empty mount point
        wait_until(lambda: app.get("/simple/unknown/").status_code == 503, "the failure is known")
        answer = app.get("/simple/unknown/")
        assert 1 <= int(answer.headers["retry-after"]) <= 5
        assert "location" not in answer.headers
        assert app.listed("kept") == before
        assert app.projects() == ["kept"]
        assert app.get("/simple/unknown/", ("other", "reads-other")).status_code == 404  # its storage is there
        assert app.client.get("/readyz").json()["repositories"][0]["failing"] is True
        for suffix in ("", ".metadata"):
            assert app.get(f"/simple/kept/{next(iter(before))}{suffix}").status_code == 503
        assert app.listed("kept") == before, "a file that could not be reached is still listed"
        answer = app.upload(make_wheel(tmp_path, "late", "1.0"))
        assert answer.status_code == 503
        assert [path.name for path in app.store().rglob("*")] == []

        app.store().rmdir()
        away.rename(app.store())
        wait_until(lambda: app.get("/simple/unknown/").status_code == 307, "back again")
        assert app.listed("kept") == before
        assert app.get(f"/simple/kept/{next(iter(before))}").status_code == 200


def test_a_start_without_its_store_and_index_answers_for_nobody(tmp_path: Path) -> None:
    root = tmp_path / "root"
    with application(root) as app:
        before = _publish(app, tmp_path / "dist")
    store = app.store()
    store.rename(store.with_name("away"))
    _delete(app.root.index_database("local"))
    with application(root, ready=False) as app:
        for path in ("/simple/", "/simple/kept/", "/simple/unknown/", f"/simple/kept/{next(iter(before))}"):
            answer = app.get(path)
            assert answer.status_code == 503, path
            assert "location" not in answer.headers
        assert app.client.get("/readyz").status_code == 503
        assert app.client.get("/healthz").status_code == 200
        wait_until(lambda: app.get("/simple/", ("other", "reads-other")).status_code == 200, "the other one ready")


def test_a_failed_storage_stays_failed_over_a_restart_until_it_is_read_again(tmp_path: Path) -> None:
    root = tmp_path / "root"
    with application(root, OFTEN) as app:
        _publish(app, tmp_path / "dist")
        app.store().rename(app.store().with_name("away"))
        wait_until(lambda: app.get("/simple/unknown/").status_code == 503, "the failure is known")
    with application(root, None) as app:
        assert app.get("/simple/kept/").status_code == 200
        assert app.get("/simple/unknown/").status_code == 503


def test_what_a_dead_upload_left_is_swept(tmp_path: Path) -> None:
    root = tmp_path / "root"
    with application(root) as app:
        staging = app.store() / ".pywharf" / "staging"
        file = StagingArea(staging).create(1000)
        file.write(b"half an upload")
        left = file.path.with_name("0" * 32 + ".upload")
        os.link(file.path, left)  # as after a kill: there, and nobody holds its lock
        file.discard()
        long_ago = time.time() - 3600
        os.utime(left, (long_ago, long_ago))
    with application(root) as app:
        wait_until(lambda: not left.exists(), "swept")
        assert app.projects() == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_store_that_cannot_be_written_refuses_uploads_and_goes_on_reading(tmp_path: Path) -> None:
    with application(tmp_path / "root") as app:
        before = _publish(app, tmp_path / "dist")
        staging = app.store() / ".pywharf" / "staging"
        staging.chmod(0o500)
        try:
            assert app.upload(make_wheel(tmp_path, "late", "1.0")).status_code == 503
            assert app.listed("kept") == before
        finally:
            staging.chmod(0o700)


def test_a_file_damaged_in_the_store_is_never_served_under_its_old_hash(tmp_path: Path) -> None:
    with application(tmp_path / "root", OFTEN, ADMIN_SECRET) as app:
        before = _publish(app, tmp_path / "dist")
        filename = next(iter(before))
        stored = app.store() / "kept" / filename
        stored.chmod(0o600)
        stored.write_bytes(stored.read_bytes()[:-10] + b"0123456789")
        assert app.get(f"/simple/kept/{filename}").status_code in (404, 503)
        assert before[filename] not in app.listed("kept").values()


def test_names_that_are_no_utf_8_keep_nothing_else_from_being_listed(tmp_path: Path) -> None:
    with application(tmp_path / "root", OFTEN) as app:
        folder = app.store() / "dropped"
        folder.mkdir()
        wheel = make_wheel(tmp_path, "dropped", "1.0")
        os.utime(wheel, (1_600_000_000, 1_600_000_000))
        wheel.rename(folder / wheel.name)
        for name in (b"dropped-2.0\xff.tar.gz", b"dropped-2.0\xfe.tar.gz"):
            path = os.fsencode(folder) + b"/" + name
            Path(os.fsdecode(path)).write_bytes(b"")
            os.utime(path, (1_600_000_000, 1_600_000_000))
        Path(os.fsdecode(os.fsencode(app.store()) + b"/\xff.whl")).write_bytes(b"")
        wait_until(lambda: list(app.listed("dropped")) == [wheel.name], "listed")
        wait_until(lambda: app.client.get("/readyz").json()["repositories"][0]["failing"] is False, "synchronised")


def test_an_index_removed_while_the_server_runs_comes_back_by_itself(tmp_path: Path) -> None:
    with application(tmp_path / "root", OFTEN) as app:
        before = _publish(app, tmp_path / "dist")
        _delete_only_the_database(app.root.index_database("local"))
        wheel = make_wheel(tmp_path, "kept", "2.0")  # 503 while a reader finds no index; the writer builds it anew
        wait_until(lambda: app.upload(wheel).status_code == 200, "the upload is taken")
        wait_until(lambda: len(app.listed("kept")) == len(before) + 1, "all listed again")


def test_an_index_built_anew_during_a_synchronisation_is_not_taken_for_complete(tmp_path: Path) -> None:
    database, lock = tmp_path / "index.sqlite3", tmp_path / "lock"
    store = FileSystemStorage(tmp_path / "store", tmp_path / "work")
    store.add_file(*make_upload(tmp_path, "kept", "1.0"))
    index = LocalIndex(database, lock)
    synchronise_by_scan(index, store, "this")

    class Removing(FileSystemStorage):
        def scan(self, known: Mapping[str, str]) -> Iterator[ScanResult]:
            yield from super().scan(known)
            database.unlink()

    with pytest.raises(StorageUnavailable, match="built anew"):
        synchronise_by_scan(index, Removing(tmp_path / "store", tmp_path / "work"), "this")
    with index.reading() as snapshot:
        assert snapshot.synchronised_at("this") is None
    assert synchronise_by_scan(index, store, "this").added == 1
    index.close()
