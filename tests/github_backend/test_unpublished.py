"""Releases that a person takes back on GitHub, as drafts or for good, and publishes again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.verify.verifying import verify
from github_backend.acme_servers import HOLYGRAIL, Acme, acme_on
from github_fake import FakeGitHub, Repository, Token
from pywharf_core import (
    FileAlreadyExists,
    changes,
    remote_changes,
    remote_recovery,
)
from pywharf_core.index.remote_rebuild import RebuildReport
from pywharf_core.names import Answerer
from pywharf_core.testing import make_upload
from pywharf_core.verify.findings import FindingKind
from pywharf_github.storage import GitHubStorage

HOUR = 3600


@pytest.fixture
def acme(fake: FakeGitHub, repository: Repository, writer: Token, tmp_path: Path) -> Iterator[Acme]:
    with acme_on(fake, repository, writer, tmp_path) as opened:
        yield opened


def test_a_release_that_was_taken_back_and_published_again_is_listed_again(acme: Acme) -> None:
    file = acme.publish()
    release = acme.fake.unpublish(acme.repository, file.filename)
    assert acme.rebuild().removed == 1
    assert acme.shown() == [set(), set()]
    assert acme.here.answer_for(HOLYGRAIL).answerer is Answerer.RESERVED
    acme.fake.publish(acme.repository, release)
    assert acme.rebuild().added == 1
    assert acme.shown() == [{file.sha256}, {file.sha256}]
    assert acme.rebuild() == RebuildReport(added=0, changed=0, removed=0, refused=[])


def test_it_can_be_taken_back_time_and_again(acme: Acme) -> None:
    file = acme.publish()
    for _ in range(3):
        release = acme.fake.unpublish(acme.repository, file.filename)
        acme.rebuild()
        assert acme.shown() == [set(), set()]
        acme.fake.publish(acme.repository, release)
        acme.rebuild()
        assert acme.shown() == [{file.sha256}, {file.sha256}]


def test_webhooks_tell_of_both_at_once_and_it_stays_so(acme: Acme) -> None:
    file = acme.publish()
    acme.synchronise()
    release = acme.fake.unpublish(acme.repository, file.filename)
    acme.tell(acme.fake.events[-1])
    assert acme.shown() == [set(), set()]
    remote_changes.fold(acme.here)
    acme.synchronise()
    acme.fake.publish(acme.repository, release)
    acme.tell(acme.fake.events[-1])
    assert acme.shown() == [{file.sha256}, {file.sha256}]
    acme.synchronise()
    assert acme.shown() == [{file.sha256}, {file.sha256}], "though the index does not say so yet"
    remote_changes.fold(acme.here)
    acme.synchronise()
    assert acme.shown() == [{file.sha256}, {file.sha256}]
    with acme.there.index.reading() as snapshot:
        assert not snapshot.pending(acme.there.store)


def test_an_old_notice_of_its_publication_brings_nothing_back(acme: Acme) -> None:
    file = acme.publish()
    published = acme.fake.events[-1]
    acme.fake.unpublish(acme.repository, file.filename)
    acme.rebuild()
    acme.tell(published)
    assert acme.shown() == [set(), set()]


def test_where_there_is_no_index_it_comes_back_by_the_next_scan(acme: Acme) -> None:
    file = acme.publish()
    acme.fake.put_file(acme.repository, "index.toml", None)
    release = acme.fake.unpublish(acme.repository, file.filename)
    acme.synchronise()
    assert acme.shown() == [set(), set()]
    acme.fake.publish(acme.repository, release)
    acme.synchronise()
    assert acme.shown() == [{file.sha256}, {file.sha256}]
    acme.rebuild()
    remote_changes.fold(acme.here)
    acme.synchronise()
    assert acme.shown() == [{file.sha256}, {file.sha256}]


def test_what_was_uploaded_again_meanwhile_is_one_file(acme: Acme) -> None:
    file = acme.publish()
    acme.fake.unpublish(acme.repository, file.filename)
    acme.rebuild()
    again = acme.publish()
    assert again.storage_id != file.storage_id
    acme.rebuild()
    assert acme.shown() == [{file.sha256}, {file.sha256}]


def test_other_content_under_its_name_is_refused_with_a_sentence(acme: Acme) -> None:
    file = acme.publish()
    del acme.repository.releases[acme.fake.unpublish(acme.repository, file.filename).id]
    acme.rebuild()
    with pytest.raises(FileAlreadyExists, match="was deleted"):
        acme.publish("another")
    acme.fake.add_release(acme.repository, file.filename, b"another")
    acme.tell(acme.fake.release_event(acme.repository, file.filename))
    assert acme.shown() == [set(), set()]
    for _ in range(2):
        [refused] = acme.rebuild().refused
        assert refused.filename == file.filename
        assert "is back with other content" in refused.reason
        assert acme.shown() == [set(), set()]
        for opened in (acme.here, acme.there):  # as `check` tells it, also where nothing was rebuilt
            assert opened.status().refused == 1
            assert list(remote_changes.condition(opened).warnings) == [refused.reason]
    del acme.repository.releases[acme.fake.unpublish(acme.repository, file.filename).id]
    assert acme.rebuild().refused == []
    assert acme.here.status().refused == 0
    assert not remote_changes.condition(acme.here).warnings


def test_verify_says_of_what_is_refused_why_it_is(acme: Acme) -> None:
    other, dead = "another", acme.publish()
    del acme.repository.releases[acme.fake.unpublish(acme.repository, dead.filename).id]
    acme.rebuild()
    acme.fake.add_release(acme.repository, dead.filename, other.encode())
    for repair in (False, True, False):
        [finding] = verify(acme.here, repair=repair).findings
        assert (finding.kind, finding.repaired) == (FindingKind.REFUSED, False)
        assert "is back with other content" in finding.sentence


def test_verify_says_of_what_was_dug_out_why_it_stays_dead(acme: Acme) -> None:
    dead = acme.publish()
    release = acme.repository.release(dead.filename)
    assert release is not None
    body, assets = release.body, dict(release.assets)
    changes.delete(acme.here, HOLYGRAIL, version="1.0")
    remote_changes.fold(acme.here)
    acme.synchronise()
    release.body, release.assets = body, assets
    for repair in (True, False):
        [finding] = verify(acme.here, repair=repair).findings
        assert (finding.kind, finding.repaired) == (FindingKind.REFUSED, False)
        assert "put it back past pywharf" in finding.sentence


def test_without_an_index_other_content_is_refused_too(acme: Acme) -> None:
    file = acme.publish()
    acme.fake.put_file(acme.repository, "index.toml", None)
    acme.synchronise()
    del acme.repository.releases[acme.fake.unpublish(acme.repository, file.filename).id]
    acme.synchronise()
    acme.fake.add_release(acme.repository, file.filename, b"another")
    acme.synchronise()
    assert acme.shown() == [set(), set()]
    with acme.here.index.reading() as snapshot:
        assert ["is back with other content" in it.reason for it in snapshot.refused()] == [True]


def test_the_same_file_in_another_release_made_by_hand_comes_back(acme: Acme) -> None:
    file = acme.publish()
    with acme.here.storage.acting_as(acme.here.configuration.admin_secret).open_file(file) as stream:
        content = stream.read()
    del acme.repository.releases[acme.fake.unpublish(acme.repository, file.filename).id]
    acme.rebuild()
    acme.fake.add_release(acme.repository, file.filename, content)
    acme.rebuild()
    assert acme.shown() == [{file.sha256}, {file.sha256}]


def test_what_was_deleted_through_pywharf_is_not_dug_out(acme: Acme) -> None:
    file = acme.publish()
    release = acme.repository.release(file.filename)
    assert release is not None
    body, assets = release.body, dict(release.assets)
    changes.delete(acme.here, HOLYGRAIL, version="1.0")
    remote_changes.fold(acme.here)
    release.body, release.assets = body, assets
    [refused] = acme.rebuild().refused
    assert "put it back past pywharf" in refused.reason
    assert acme.shown() == [set(), set()]


def test_an_upload_of_what_is_there_again_brings_it_back(acme: Acme, monkeypatch: pytest.MonkeyPatch) -> None:
    file = acme.publish()
    release = acme.fake.unpublish(acme.repository, file.filename)
    acme.rebuild()
    acme.fake.publish(acme.repository, release)
    again = acme.publish()
    assert again.storage_id == file.storage_id
    acme.here.synchronise()
    monkeypatch.setattr(remote_recovery, "_STILL_RUNNING", -1.0)
    remote_recovery.resolve_intents(acme.here)
    assert acme.shown()[0] == {file.sha256}
    remote_changes.fold(acme.here)
    acme.synchronise()
    assert acme.shown() == [{file.sha256}, {file.sha256}]


# --- drafts --------------------------------------------------------------------------------------------------


def test_a_release_that_was_taken_back_is_told_and_never_swept(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository, tmp_path: Path
) -> None:
    added = storage.add_file(*make_upload(tmp_path))
    release = fake.unpublish(repository, added.filename)
    fake.clock.advance(100 * HOUR)
    [flaw] = storage.flaws()
    assert (flaw.name, flaw.swept) == (added.filename, False)
    assert "publish it again" in flaw.reason
    assert storage.sweep() == 0
    assert list(storage.scan({})) == []
    assert storage.sweep() == 0
    assert release.id in repository.releases
    assert release.assets


def test_people_are_told_by_its_title_that_a_draft_is_an_upload(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository, tmp_path: Path
) -> None:
    titles: list[str | None] = []
    upload = "POST /repos/{o}/{r}/releases/{id}/assets"
    fake.faults.next(upload, before=lambda: titles.extend(it.name for it in repository.releases.values()))
    added = storage.add_file(*make_upload(tmp_path))
    assert titles == [f"{added.filename} (upload under way)"]
    release = repository.release(added.filename)
    assert release is not None
    assert release.name == added.filename
