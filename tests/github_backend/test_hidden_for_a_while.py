"""What GitHub has published comes back by itself, whatever made it look gone for a while; an old word hides nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.verify.verifying import verify
from github_backend.acme_servers import Acme, acme_on, shown
from github_backend.real_server import wharf_on
from github_backend.test_missing_index import server
from github_fake import FakeGitHub, Repository, Token
from pywharf_core import DistributionFile, FileNotFound, Secret, changes, remote_changes, remote_recovery
from pywharf_core.clock import Clock
from pywharf_core.repository import Repository as PackageRepository
from pywharf_core.testing import make_upload, make_wheel
from support.running_server import wait_until

ASSET = "GET /repos/{o}/{r}/releases/assets/{id}"
RELEASE = "GET /repos/{o}/{r}/releases/{id}"


@pytest.fixture
def acme(fake: FakeGitHub, repository: Repository, writer: Token, tmp_path: Path) -> Iterator[Acme]:
    with acme_on(fake, repository, writer, tmp_path) as opened:
        yield opened


@pytest.fixture
def file(acme: Acme) -> DistributionFile:
    published = acme.publish()
    acme.synchronise()
    return published


# --- what makes a file look gone; in the end GitHub has it published ------------------------------------------

Hide = Callable[[Acme, DistributionFile, Secret], None]


def momentarily_gone(fake: FakeGitHub) -> None:
    """To the reader who asks for the file, and to whoever then looks for its release."""
    fake.faults.next(ASSET, status=404, message="Not Found")
    fake.faults.next(RELEASE, times=2, status=404, message="Not Found")


def momentary_404s(acme: Acme, file: DistributionFile, reader: Secret) -> None:
    momentarily_gone(acme.fake)
    with pytest.raises(FileNotFound):
        acme.here.open_file(file, reader)


def a_download_of_a_draft(acme: Acme, file: DistributionFile, reader: Secret) -> None:
    release = acme.fake.unpublish(acme.repository, file.filename)
    with pytest.raises(FileNotFound):
        acme.here.open_file(file, reader)
    acme.fake.publish(acme.repository, release)


def a_notice_of_a_draft(acme: Acme, file: DistributionFile, _: Secret) -> None:
    release = acme.fake.unpublish(acme.repository, file.filename)
    acme.tell(acme.fake.events[-1])
    assert acme.shown() == [set(), set()]
    acme.fake.publish(acme.repository, release)


def a_rebuild_of_a_draft(acme: Acme, file: DistributionFile, _: Secret) -> None:
    release = acme.fake.unpublish(acme.repository, file.filename)
    acme.rebuild()
    assert acme.shown() == [set(), set()]
    acme.fake.publish(acme.repository, release)


def nothing_at_all(*_: object) -> None:
    pass


def folding(acme: Acme) -> None:
    for opened in (acme.here, acme.there):
        remote_changes.fold(opened)
    acme.synchronise()


ways_to_hide = pytest.mark.parametrize(
    "hide",
    [momentary_404s, a_download_of_a_draft, a_notice_of_a_draft, a_rebuild_of_a_draft],
    ids=lambda it: it.__name__,
)
meanwhile = pytest.mark.parametrize("then", [nothing_at_all, folding], ids=["at once", "after the index says it"])


# --- and what brings it back ----------------------------------------------------------------------------------


def assert_all_have_it(acme: Acme, file: DistributionFile, admin: Token) -> None:
    """Now, when everything came to rest, after a rebuild, and on a new ROOT."""
    both = [{file.sha256}, {file.sha256}]
    for _ in range(2):
        folding(acme)
        acme.synchronise()
        assert acme.shown() == both
        assert acme.rebuild().removed == 0
        assert acme.shown() == both
    for opened in (acme.here, acme.there):
        assert opened.status().pending == 0
    with server(acme.fake, admin, acme.folder / "newcomer") as newcomer:
        newcomer.synchronise()
        assert shown(newcomer) == {file.sha256}
        newcomer.open_file(file)


@ways_to_hide
@meanwhile
def test_the_next_rebuild_brings_it_back(
    acme: Acme, file: DistributionFile, reader: Token, writer: Token, hide: Hide, then: Callable[[Acme], None]
) -> None:
    hide(acme, file, Secret(reader.value))
    then(acme)
    acme.rebuild()
    folding(acme)
    acme.rebuild()
    assert_all_have_it(acme, file, writer)


@ways_to_hide
@meanwhile
def test_a_notice_brings_it_back_at_once(
    acme: Acme, file: DistributionFile, reader: Token, writer: Token, hide: Hide, then: Callable[[Acme], None]
) -> None:
    hide(acme, file, Secret(reader.value))
    then(acme)
    acme.tell(acme.fake.release_event(acme.repository, file.filename, "published"))
    assert acme.shown() == [{file.sha256}, {file.sha256}]
    acme.synchronise()
    assert acme.shown() == [{file.sha256}, {file.sha256}], "and it stays so"
    assert_all_have_it(acme, file, writer)


@ways_to_hide
@meanwhile
@pytest.mark.parametrize("at", ["here", "there"])
def test_an_upload_of_the_same_file_brings_it_back_at_once(
    acme: Acme, file: DistributionFile, reader: Token, writer: Token, hide: Hide, then: Callable[[Acme], None], at: str
) -> None:
    hide(acme, file, Secret(reader.value))
    then(acme)
    opened: PackageRepository = getattr(acme, at)
    again = changes.publish(opened, *make_upload(acme.folder, summary="the first"))
    assert (again.new, again.file.storage_id) == (False, file.storage_id)
    assert shown(opened) == {file.sha256}
    opened.synchronise()
    assert shown(opened) == {file.sha256}, "and it stays so"
    folding(acme)
    remote_recovery.resolve_intents(opened)  # what the other server missed after this one had answered
    assert_all_have_it(acme, file, writer)


@ways_to_hide
@meanwhile
def test_verify_with_repair_brings_it_back(
    acme: Acme, file: DistributionFile, reader: Token, writer: Token, hide: Hide, then: Callable[[Acme], None]
) -> None:
    hide(acme, file, Secret(reader.value))
    then(acme)
    report = verify(acme.here, repair=True, clock=Clock(lambda _: None))
    assert report.left == 0, report.findings
    assert shown(acme.here) == {file.sha256}
    assert verify(acme.here, clock=Clock(lambda _: None)).findings == []
    assert_all_have_it(acme, file, writer)


@ways_to_hide
def test_a_server_that_never_writes_the_index_finds_it_again_by_itself(
    acme: Acme,
    file: DistributionFile,
    reader: Token,
    writer: Token,
    hide: Hide,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hide(acme, file, Secret(reader.value))
    acme.rebuild()
    monkeypatch.setattr(remote_recovery, "_STILL_RUNNING", -1.0)
    for opened in (acme.here, acme.there):
        remote_recovery.resolve_intents(opened)
    assert acme.shown() == [{file.sha256}, {file.sha256}]
    acme.synchronise()
    assert acme.shown() == [{file.sha256}, {file.sha256}]


# --- what must not hide it at all -----------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["unpublished", "deleted"])
def test_an_old_notice_of_its_end_that_is_sent_again_hides_nothing(
    acme: Acme, file: DistributionFile, writer: Token, action: str
) -> None:
    acme.tell(acme.fake.release_event(acme.repository, file.filename, action))
    assert acme.shown() == [{file.sha256}, {file.sha256}]
    assert_all_have_it(acme, file, writer)


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 1, 0), (1, 0, 1)], ids=str)
def test_notices_of_both_count_in_whatever_order_they_come(
    acme: Acme, file: DistributionFile, writer: Token, order: tuple[int, ...]
) -> None:
    acme.fake.publish(acme.repository, acme.fake.unpublish(acme.repository, file.filename))
    told = acme.fake.events[-2:]
    acme.tell(*(told[number] for number in order))
    assert acme.shown() == [{file.sha256}, {file.sha256}]
    assert_all_have_it(acme, file, writer)


def test_what_the_server_s_own_secret_sees_is_not_hidden_by_a_reader_s_404s(
    acme: Acme, file: DistributionFile, reader: Token
) -> None:
    for operation in (ASSET, RELEASE):
        acme.fake.faults.next(operation, status=404, message="Not Found")
    with pytest.raises(FileNotFound):
        acme.here.open_file(file, Secret(reader.value))
    assert shown(acme.here) == {file.sha256}
    acme.here.open_file(file, Secret(reader.value))
    assert acme.here.status().pending == 0


def test_a_notice_that_cannot_be_confirmed_now_hides_nothing_and_is_taken(
    acme: Acme, file: DistributionFile, writer: Token
) -> None:
    event = acme.fake.release_event(acme.repository, file.filename, "unpublished")
    writer.revoke()
    acme.tell(event)
    assert acme.shown() == [{file.sha256}, {file.sha256}]
    writer.restore()


def test_published_again_while_its_end_is_being_confirmed_it_comes_back_by_itself(
    acme: Acme, file: DistributionFile, writer: Token
) -> None:
    release = acme.fake.unpublish(acme.repository, file.filename)
    gone = acme.fake.events[-1]

    def meanwhile() -> None:
        acme.fake.publish(acme.repository, release)
        acme.tell(acme.fake.events[-1])

    acme.fake.faults.next(RELEASE, then=meanwhile)
    acme.tell(gone)
    assert_all_have_it(acme, file, writer)


# --- on a real server -----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.usefixtures("repository")
def test_a_server_lists_again_what_two_404s_hid_and_believes_no_old_notice(
    fake: FakeGitHub, writer: Token, reader: Token, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path / "dist", "holygrail", "1.0")
    with wharf_on(fake, tmp_path / "root", webhook_secret="hook") as wharf:
        assert wharf.upload(wheel, writer).status == 200
        wait_until(lambda: wheel.name.encode() in (wharf.repository.file("index.toml") or b""), "it is in the index")
        for action in ("unpublished", "deleted"):
            event = fake.release_event(wharf.repository, wheel.name, action)
            assert event.send(f"{wharf.server.url}/webhook/acme/", "hook") == 202
            assert wheel.name in wharf.listed("holygrail", reader)
        momentarily_gone(fake)
        path = f"/simple/holygrail/{wheel.name}"
        assert wharf.server.ask(path, ("acme", reader.value)).status == 404
        wait_until(lambda: wheel.name in wharf.listed("holygrail", reader), "it is listed again", 120)
        assert wharf.server.ask(path, ("acme", reader.value)).status == 302
