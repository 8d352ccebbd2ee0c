"""The server brings its changes into the remote index, if it may."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pywharf import folding
from pywharf_core import remote_changes
from pywharf_core.testing import IndexedMemoryStorage, make_wheel
from server.in_process import Application
from server.indexed_store import Store, new_store, served, synchronised_at
from support.running_server import wait_until

WHEEL = "holygrail-1.0-py3-none-any.whl"


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_changes, "QUIET", 0.2)
    monkeypatch.setattr(remote_changes, "PACE", 1.0)
    monkeypatch.setattr(folding, "_LOOK_EVERY", 0.05)


@pytest.fixture
def store() -> Iterator[Store]:
    with new_store() as made:
        yield made


def publish(app: Application, folder: Path, version: str = "1.0") -> None:
    assert app.upload(make_wheel(folder, "holygrail", version)).status_code == 200


def test_an_upload_a_yank_and_a_deletion_come_into_the_remote_index(store: Store, tmp_path: Path) -> None:
    with served(store, tmp_path / "root") as app:
        publish(app, tmp_path)
        wait_until(lambda: store.remote_names() == {WHEEL}, "folded")
        app.client.post("/manage/holygrail/1.0/yank", auth=("local", "writes"))
        wait_until(lambda: [file.yanked for file in store.remote().files.values()] == [""], "yanked there")
        app.client.post("/manage/holygrail/1.0/delete", auth=("local", "writes"))
        wait_until(lambda: not store.remote_names(), "deleted there")
        assert store.remote().projects["holygrail"].reserved


def test_uploads_in_a_row_are_one_change_of_the_remote_index(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = []
    write_index = IndexedMemoryStorage.write_index

    def noting(self: IndexedMemoryStorage, parts, *, replaces, message):  # type: ignore[no-untyped-def]
        messages.append(message)
        return write_index(self, parts, replaces=replaces, message=message)

    monkeypatch.setattr(remote_changes, "QUIET", 1.0)
    monkeypatch.setattr(IndexedMemoryStorage, "write_index", noting)
    with served(store, tmp_path / "root") as app:
        for minor in range(3):
            publish(app, tmp_path, f"1.{minor}")
        wait_until(lambda: len(store.remote_names()) == 3, "folded")
    assert len(messages) == 1
    assert messages[0].startswith("Publish holygrail-1.")


def test_changes_of_every_process_are_folded_by_the_one_that_synchronises(store: Store, tmp_path: Path) -> None:
    with served(store, tmp_path / "root"), served(store, tmp_path / "root", configured=True) as other:
        publish(other, tmp_path)
        wait_until(lambda: store.remote_names() == {WHEEL}, "folded")


def test_what_was_pending_at_a_stop_is_folded_after_the_next_start(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patient:
        patient.setattr(remote_changes, "QUIET", 3600.0)
        patient.setattr(remote_changes, "PACE", 3600.0)
        with served(store, tmp_path / "root") as app:
            publish(app, tmp_path)
    assert store.remote_names() == set()
    with served(store, tmp_path / "root"):
        wait_until(lambda: store.remote_names() == {WHEEL}, "folded")


def test_two_servers_see_each_others_uploads(store: Store, tmp_path: Path) -> None:
    often = ["sync_index_interval = 0.3"]
    with served(store, tmp_path / "one", often) as one, served(store, tmp_path / "other", often) as other:
        publish(one, tmp_path, "1.0")
        publish(other, tmp_path, "2.0")
        for app in (one, other):
            wait_until(lambda app=app: len(app.listed("holygrail")) == 2, "both listed")  # type: ignore[misc]


def test_where_the_service_does_it_the_server_writes_nothing(store: Store, tmp_path: Path) -> None:
    store.begin_index()
    with served(store, tmp_path / "root", ['index_updates = "service"', "sync_index_interval = 0.2"]) as app:
        publish(app, tmp_path)
        before = synchronised_at(app)
        wait_until(lambda: synchronised_at(app) > before + 1, "time enough to fold")
        assert app.listed("holygrail").keys() == {WHEEL}
    assert store.remote_names() == set()


def test_a_secret_that_may_not_write_is_logged_once_and_uploads_go_on(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folding, "_WITHOUT_THE_RIGHT", 0.1)
    store.begin_index()
    tries = []

    def refusing(self: IndexedMemoryStorage, parts, *, replaces, message):  # type: ignore[no-untyped-def]
        tries.append(message)
        self.may_write_index = False
        return write_index(self, parts, replaces=replaces, message=message)

    write_index = IndexedMemoryStorage.write_index
    monkeypatch.setattr(IndexedMemoryStorage, "write_index", refusing)
    with served(store, tmp_path / "root") as app:
        publish(app, tmp_path)
        wait_until(lambda: len(tries) >= 3, "tried again")
        assert app.listed("holygrail").keys() == {WHEEL}
    lines = [json.loads(line) for path in app.root.log.glob("*") for line in path.read_text().splitlines()]
    assert sum("left to the storage's own service" in str(line) for line in lines) <= 1
