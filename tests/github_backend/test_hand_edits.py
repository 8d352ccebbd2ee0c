"""What people do to releases on GitHub, and old word of them, must neither stop a synchronisation nor lose a file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from github_fake import FakeGitHub, Release, Repository
from pywharf_core import AttachmentKind, DistributionFile, FileChanged, Refused, Secret
from pywharf_core.index.local import LocalIndex
from pywharf_core.index.remote import pull, rebuild
from pywharf_core.testing import make_upload
from pywharf_github.storage import GitHubStorage

STORE = "the store"
SECRET = Secret("of the webhook")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[LocalIndex]:
    opened = LocalIndex(tmp_path / "index.sqlite3", tmp_path / "index.lock")
    yield opened
    opened.close()


def release_of(repository: Repository, file: DistributionFile) -> Release:
    release = repository.release(file.filename)
    assert release is not None
    assert release.body is not None
    return release


def listed(index: LocalIndex) -> set[str]:
    with index.reading() as snapshot:
        return {file.filename for name in snapshot.states() for file in snapshot.files(name)}


def damaged(body: str) -> str:
    return body.replace("[file]", "[fil]")


def of_a_newer_pywharf(body: str) -> str:
    return body.replace("pywharf = 1", "pywharf = 2")


@pytest.mark.parametrize("edit", [damaged, of_a_newer_pywharf])
def test_a_record_that_cannot_be_read_now_is_no_deletion(
    storage: GitHubStorage, repository: Repository, index: LocalIndex, tmp_path: Path, edit: Callable[[str], str]
) -> None:
    added = storage.add_file(*make_upload(tmp_path))
    rebuild(index, storage, STORE)
    release = release_of(repository, added)
    as_written = str(release.body)
    release.body = edit(as_written)
    report = rebuild(index, storage, STORE)
    assert [it.filename for it in report.refused] == [added.filename], "it is told"
    assert report.removed == 0
    release.body = as_written
    rebuild(index, storage, STORE)
    pull(index, storage, STORE)
    assert listed(index) == {added.filename}


def test_the_tombstone_of_another_file_buries_nothing(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository, tmp_path: Path
) -> None:
    gone = storage.add_file(*make_upload(tmp_path / "gone", version="1.0"))
    kept = storage.add_file(*make_upload(tmp_path / "kept", version="2.0"))
    storage.delete_file(gone)
    release_of(repository, kept).body = release_of(repository, gone).body
    assert [it for it in storage.scan({}) if isinstance(it, Refused) and it.filename == kept.filename]
    event = fake.release_event(repository, kept.filename, "edited")
    changes = storage.read_notice(event.headers(SECRET.reveal()), event.body(), SECRET) or ()
    assert [change.file for change in changes] == [None]
    storage.sweep()
    assert release_of(repository, kept).assets, "its file is left alone"


NESTED = "```toml\npywharf = 1\nx = " + "[" * 5000 + "\n```"


@pytest.mark.parametrize("body", [NESTED, NESTED.replace("```toml\npywharf = 1\n", "").replace("\n```", "")])
def test_a_body_that_is_deeply_nested_stops_no_scan(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository, tmp_path: Path, body: str
) -> None:
    added = storage.add_file(*make_upload(tmp_path))
    fake.add_release(repository, "a-1.0.tar.gz", b"x", body=body)
    assert added.filename in {it.filename for it in storage.scan({}) if isinstance(it, DistributionFile)}


@pytest.mark.parametrize(
    ("written", "edited"),
    [
        ("counter = 0", "counter = 99999999999999999999"),
        ("counter = 0", "counter = 9223372036854775807"),
        ('project = "holygrail"', 'project = "Holy Grail/.."'),
        ('project = "holygrail"', "project = 1"),
        ('version = "1.0"', 'version = "not one"'),
        ('packagetype = "bdist_wheel"', "packagetype = 3"),
        ('upload_time = "2', 'upload_time = "0001-01-01T00:00:00+23:00"\nx = "'),
        ('upload_time = "2', 'upload_time = "2020-01-01T00:00:00"\nx = "'),
        ("counter = 0", "counter = 0\nyanked = 7"),
        ("counter = 0", "counter = 0\nyanked = {a = 1}"),
        ("counter = 0", "counter = 0\nrequires_python = [1]"),
    ],
)
def test_a_record_edited_by_hand_stops_no_rebuild(
    storage: GitHubStorage, repository: Repository, index: LocalIndex, tmp_path: Path, written: str, edited: str
) -> None:
    other = storage.add_file(*make_upload(tmp_path / "other", version="2.0"))
    added = storage.add_file(*make_upload(tmp_path))
    release = release_of(repository, added)
    assert written in str(release.body)
    release.body = str(release.body).replace(written, edited)
    rebuild(index, storage, STORE)
    pull(index, storage, STORE)
    assert other.filename in listed(index)
    with index.reading() as snapshot:
        for name in snapshot.states():
            assert sorted(file.upload_time for file in snapshot.files(name))


def test_the_whole_index_of_a_renamed_repository_is_read(
    fake: FakeGitHub, storage: GitHubStorage, reopen: Callable[[], GitHubStorage]
) -> None:
    parts = {"index": b"a = 1\n", "ab": b"b = 1\n", "0c": b"c = 1\n"}
    storage.write_index(parts, replaces={}, message="Write")
    fake.rename_repo("acme/packages", "wheels")
    stored = reopen().read_index({})
    assert stored is not None
    assert stored.parts == parts


def test_a_default_branch_that_was_changed_gets_no_half_of_the_index(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository
) -> None:
    revisions = storage.write_index({"index": b"a = 1\n"}, replaces={}, message="Write")
    storage.read_index({})
    refs = repository.git.refs
    refs["refs/heads/trunk"] = next(iter(repository.git.commits))
    repository.default_branch = "trunk"
    written = storage.write_index({"index": b"a = 2\n"}, replaces=revisions, message="Write")
    stored = storage.read_index({})
    assert stored is not None
    assert stored.revisions == written, "what was written is what is read"


def test_metadata_that_somebody_edited_are_read_out_of_the_archive(
    storage: GitHubStorage, repository: Repository, tmp_path: Path
) -> None:
    added = storage.add_file(*make_upload(tmp_path))
    release = release_of(repository, added)
    release.body = str(release.body).replace("Name: ", "Nome: ")
    metadata = storage.read_attachment(added, AttachmentKind.METADATA)
    assert hashlib.sha256(metadata).hexdigest() == added.core_metadata_sha256


def test_a_provenance_that_somebody_edited_is_not_given(
    storage: GitHubStorage, repository: Repository, tmp_path: Path
) -> None:
    added = storage.add_file(*make_upload(tmp_path, provenance=b'{"version": 1}'))
    release = release_of(repository, added)
    assert 'version\\": 1' in str(release.body)
    release.body = str(release.body).replace('version\\": 1', 'version\\": 2')
    with pytest.raises(FileChanged):
        storage.read_attachment(added, AttachmentKind.PROVENANCE)
