"""``POST /webhook/<repository>/``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pywharf_core.index.content import Content
from pywharf_core.index.document import encode_main
from pywharf_core.secret import Secret
from pywharf_core.storage_answers import Change, ChangeKind
from pywharf_core.testing import signed_notice
from server.in_process import CONFIG, Application, application
from server.indexed_store import Store, new_store, send, served, synchronised_at
from support.running_server import wait_until

WHEEL = "holygrail-1.0-py3-none-any.whl"
SERVICE = ['index_updates = "service"']  # nobody folds here, so what is seen is the notice's effect


@pytest.fixture
def store() -> Iterator[Store]:
    with new_store() as made:
        yield made


@pytest.fixture
def app(store: Store, tmp_path: Path) -> Iterator[Application]:
    with served(store, tmp_path / "root", SERVICE) as asked:
        yield asked


def index_without(store: Store) -> None:
    """A remote index that shows nothing of what is published: the service is slow."""

    revisions = {name: revision for name, (_, revision) in store.memory.index.items()}
    content = encode_main(Content(), mtime=0)
    store.elsewhere.write_index({"index": content}, replaces=revisions, message="")


def test_a_file_published_elsewhere_is_listed_at_once_and_stays_until_the_remote_index_shows_it(
    app: Application, store: Store, tmp_path: Path
) -> None:
    file = store.publish_elsewhere(tmp_path)
    index_without(store)
    assert send(app, Change(ChangeKind.PUBLISHED, file.filename, file)).status_code == 202
    assert app.listed("holygrail") == {WHEEL: file.sha256}
    before = synchronised_at(app)
    send(app, Change(ChangeKind.UNKNOWN))
    wait_until(lambda: synchronised_at(app) > before, "synchronised again")
    assert app.listed("holygrail") == {WHEEL: file.sha256}


def test_a_file_removed_elsewhere_is_gone_at_once(app: Application, store: Store, tmp_path: Path) -> None:
    file = store.publish_elsewhere(tmp_path)
    send(app, Change(ChangeKind.PUBLISHED, file.filename, file))
    store.elsewhere.delete_file(file)
    assert send(app, Change(ChangeKind.REMOVED, file.filename, file)).status_code == 202
    assert app.listed("holygrail") == {}
    assert app.get("/simple/holygrail/").status_code == 404  # reserved: the extra index is not asked


def test_a_removed_file_of_which_only_the_name_is_said_is_asked_for(
    app: Application, store: Store, tmp_path: Path
) -> None:
    file = store.publish_elsewhere(tmp_path)
    send(app, Change(ChangeKind.PUBLISHED, file.filename, file))
    send(app, Change(ChangeKind.REMOVED, file.filename))
    assert app.listed("holygrail") == {WHEEL: file.sha256}, "it is still there"
    store.elsewhere.delete_file(file)
    send(app, Change(ChangeKind.REMOVED, file.filename))
    assert app.listed("holygrail") == {}


def test_notices_that_come_late_and_twice_change_nothing(app: Application, store: Store, tmp_path: Path) -> None:
    file = store.publish_elsewhere(tmp_path)
    published = Change(ChangeKind.PUBLISHED, file.filename, file)
    yanked = store.elsewhere.update_file(file)
    send(app, Change(ChangeKind.PUBLISHED, yanked.filename, yanked))
    send(app, published)
    assert app.listed("holygrail") == {WHEEL: file.sha256}
    store.elsewhere.delete_file(file)
    send(app, Change(ChangeKind.REMOVED, file.filename, file))
    assert send(app, published).status_code == 202
    assert app.listed("holygrail") == {}


def test_word_of_something_unknown_starts_a_synchronisation_in_the_process_that_does_them(
    store: Store, tmp_path: Path
) -> None:
    with (
        served(store, tmp_path / "root", SERVICE) as leader,
        served(store, tmp_path / "root", configured=True) as other,
    ):
        before = synchronised_at(leader)
        assert send(other, Change(ChangeKind.UNKNOWN)).status_code == 202
        wait_until(lambda: synchronised_at(leader) > before, "synchronised again")


def test_a_notice_of_nothing_is_204(app: Application) -> None:
    answer = send(app)
    assert answer.status_code == 204
    assert answer.content == b""


def test_a_wrong_signature_is_403_and_changes_nothing(app: Application, store: Store, tmp_path: Path) -> None:
    file = store.publish_elsewhere(tmp_path)
    change = Change(ChangeKind.PUBLISHED, file.filename, file)
    assert send(app, change, secret=Secret("guessed")).status_code == 403
    headers, body = signed_notice([change], Secret("signs notices"))
    assert app.client.post("/webhook/local/", content=body + b" ", headers=dict(headers)).status_code == 403
    assert app.client.post("/webhook/local/", content=body).status_code == 403
    assert app.listed("holygrail") == {}


def test_without_a_webhook_secret_nobody_listens_and_unknown_repositories_look_the_same(
    app: Application, tmp_path: Path
) -> None:
    with application(tmp_path / "plain", CONFIG) as plain:
        refusals = [send(plain, to="/webhook/local/"), send(plain, to="/webhook/nowhere/"), send(app, to="/webhook/x/")]
    assert {answer.status_code for answer in refusals} == {404}
    assert len({answer.text.splitlines()[0] for answer in refusals}) == 1


def test_the_body_is_bounded(app: Application) -> None:
    assert app.client.post("/webhook/local/", content=b"x" * (5 * 1024 * 1024 + 1)).status_code == 413


def test_a_get_is_405(app: Application) -> None:
    assert app.client.get("/webhook/local/").status_code == 405
