"""What people do to releases on GitHub, and old word of them, must neither stop a synchronisation nor lose a file."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from github_backend.opened import Opened
from github_fake import FakeGitHub, Release, Repository
from pywharf_core import (
    AttachmentKind,
    DistributionFile,
    FileChanged,
    NotSupported,
    Refused,
    Secret,
    from_record,
    to_record,
    toml_text,
)
from pywharf_core.index.local import LocalIndex
from pywharf_core.index.remote_reading import pull
from pywharf_core.index.remote_rebuild import rebuild
from pywharf_core.testing import make_upload
from pywharf_github import releases
from pywharf_github.release_body import document_in
from pywharf_github.releases import Published
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


def with_numbers_for_classifiers(body: str) -> str:
    return with_record(body, lambda record: record["core_metadata"].update(classifiers=[1, 2]))


def with_the_highest_counter(body: str) -> str:
    return with_record(body, lambda record: record.update(counter=2**53 - 1))


def with_record(body: str, edit: Callable[[dict[str, Any]], object]) -> str:
    """The body with its record edited."""
    document = document_in({"body": body})
    assert document is not None
    edit(document["file"])
    return f"```toml\n{toml_text.dumps(document)}```\n"


@pytest.mark.parametrize(
    "edit",
    [damaged, of_a_newer_pywharf, with_numbers_for_classifiers, with_the_highest_counter],
    ids=lambda it: it.__name__,
)
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
    pull(index, storage, STORE)
    assert listed(index) == {added.filename}, "as it was"
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


JUNK = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.datetimes(),
    lambda it: st.lists(it, max_size=2) | st.dictionaries(st.sampled_from(["a", "sha256", "name"]), it, max_size=2),
    max_leaves=3,
)


@pytest.fixture(scope="module")
def written() -> tuple[dict[str, Any], dict[str, Any]]:
    """A release as GitHub tells it, and its document, in which every field of a record has a value."""
    with FakeGitHub.running() as fake, tempfile.TemporaryDirectory() as folder:
        fake.add_repo("acme", "packages")
        token = fake.token("writer", rights={"acme/packages": "write"})
        with Opened.on(fake.api_url, Path(folder) / "work", lambda: datetime.now(UTC)) as opening:
            storage = opening.storage(token)
            file, staged = make_upload(Path(folder), provenance=b"{}")
            full = replace(file, yanked="y", comment="c", requires_python=">=3", provenance_sha256="0" * 64)
            storage.add_file(full, staged)
        release = fake.events[-1].payload["release"]
    document = document_in(release)
    assert document is not None
    optional = {"storage_id", "fingerprint"}
    assert document["file"].keys() | optional == {field.name for field in dataclasses.fields(DistributionFile)}
    return release, document


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_whatever_is_written_into_a_field_of_a_record_is_refused_or_of_the_right_type(
    written: tuple[dict[str, Any], dict[str, Any]], data: st.DataObject
) -> None:
    release, document = copy.deepcopy(written)
    within: dict[str, Any] = data.draw(
        st.sampled_from([document, document["file"], document["file"]["hashes"], document["file"]["core_metadata"]])
    )
    field, value = data.draw(st.sampled_from(sorted(within))), data.draw(JUNK)
    event(field)
    within[field] = value
    found = releases.read({**release, "body": f"```toml\n{toml_text.dumps(document)}```\n"})
    if not isinstance(found, Published):
        return
    assert has_right_types(found.file), (field, value)
    assert from_record(json.loads(json.dumps(to_record(found.file))), fingerprint=found.file.fingerprint) == found.file


@pytest.mark.parametrize(
    "field", ["filename", "project", "version", "packagetype", "hashes", "upload_time", "requires_python", "yanked",
              "core_metadata", "core_metadata_sha256", "provenance_sha256", "comment", "size", "counter"],
)  # fmt: skip
@pytest.mark.parametrize("value", [True, 1.5, [1], {"a": 1}, -1], ids=repr)
def test_a_field_of_another_type_makes_a_record_unreadable(
    written: tuple[dict[str, Any], dict[str, Any]], field: str, value: object
) -> None:
    release, document = copy.deepcopy(written)
    document["file"][field] = value
    found = releases.read({**release, "body": f"```toml\n{toml_text.dumps(document)}```\n"})
    assert isinstance(found, Refused), f"{field} = {value!r}"


def has_right_types(file: DistributionFile) -> bool:
    texts = [file.filename, file.project, file.version, *file.hashes, *file.hashes.values(), file.storage_id]
    optional = (file.requires_python, file.yanked, file.comment, file.core_metadata_sha256, file.provenance_sha256)
    texts += [text for text in optional if text is not None]
    for name, value in (file.core_metadata or {}).items():
        texts += [name, *([value] if isinstance(value, str) else value)]
    numbers = (file.size, file.counter)
    return (
        file.upload_time.tzinfo is UTC
        and {*map(type, texts)} == {str}
        and {*map(type, numbers)} == {int}
        and min(numbers) >= 0
    )


def test_a_counter_so_high_that_no_change_can_be_written_keeps_the_file_as_it_is(
    storage: GitHubStorage, repository: Repository, tmp_path: Path
) -> None:
    added = storage.add_file(*make_upload(tmp_path))
    release = release_of(repository, added)
    release.body = with_record(str(release.body), lambda record: record.update(counter=2**52 - 1))
    [file] = [it for it in storage.scan({}) if isinstance(it, DistributionFile)]
    before = release.body
    with pytest.raises(NotSupported, match="too high a counter"):
        storage.update_file(replace(file, yanked="broken"))
    assert release.body == before
    assert storage.find_file(file) == file
    storage.delete_file(file)
    again = storage.add_file(*make_upload(tmp_path / "again"))
    assert storage.update_file(replace(again, yanked="broken")).yanked == "broken"


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
    storage: GitHubStorage, reopen: Callable[[], GitHubStorage], repository: Repository, tmp_path: Path
) -> None:
    added = storage.add_file(*make_upload(tmp_path))
    release = release_of(repository, added)
    release.body = str(release.body).replace("Name: ", "Nome: ")
    metadata = reopen().read_attachment(added, AttachmentKind.METADATA)
    assert hashlib.sha256(metadata).hexdigest() == added.core_metadata_sha256


def test_a_provenance_that_somebody_edited_is_not_given(
    storage: GitHubStorage, reopen: Callable[[], GitHubStorage], repository: Repository, tmp_path: Path
) -> None:
    added = storage.add_file(*make_upload(tmp_path, provenance=b'{"version": 1}'))
    release = release_of(repository, added)
    assert 'version\\": 1' in str(release.body)
    release.body = str(release.body).replace('version\\": 1', 'version\\": 2')
    with pytest.raises(FileChanged):
        reopen().read_attachment(added, AttachmentKind.PROVENANCE)
