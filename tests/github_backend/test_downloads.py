"""Bytes from GitHub: by redirect, streamed through the disk cache, or read from any place."""

from __future__ import annotations

import hashlib
import io
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import urlopen

import pytest

from github_backend.opened import Opened
from github_fake import FakeGitHub, Hosts, Repository, Token, names_resolved
from pywharf_core import (
    AttachmentKind,
    DistributionFile,
    FileChanged,
    FileNotFound,
    LocalPath,
    NotPermitted,
    RedirectTo,
    StorageUnavailable,
)
from pywharf_core.testing import make_upload
from pywharf_github.disk_cache import DiskCache
from pywharf_github.signed_urls import reusable_for
from pywharf_github.storage import GitHubStorage

ASSET = "GET /repos/{o}/{r}/releases/assets/{id}"
BYTES = "GET storage"


@pytest.fixture
def added(storage: GitHubStorage, tmp_path: Path) -> DistributionFile:
    return storage.add_file(*make_upload(tmp_path, extra_files={"noise.bin": noise(700_000)}))


def noise(size: int) -> bytes:
    """Bytes that do not compress, the same each time."""
    return b"".join(hashlib.sha256(number.to_bytes(4)).digest() for number in range(size // 32))


def url_of(storage: GitHubStorage, file: DistributionFile) -> str:
    location = storage.locate_file(file)
    assert isinstance(location, RedirectTo)
    return location.url


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# --- redirects --------------------------------------------------------------------------------------------


def test_a_redirect_costs_one_call_in_four_minutes_for_all_readers(
    fake: FakeGitHub, storage: GitHubStorage, reader: Token, added: DistributionFile
) -> None:
    with fake.calls.during() as calls:
        with ThreadPoolExecutor(8) as threads:
            urls = set(threads.map(lambda _: url_of(storage, added), range(40)))
        assert len(urls) == 1
        fake.clock.advance(235)
        assert {url_of(storage, added)} == urls
    assert calls.count(ASSET) == len(calls) == 1
    with urlopen(urls.pop()) as answer:  # it lives for whoever gets it last
        assert sha256_of(answer.read()) == added.sha256
    fake.clock.advance(10)
    with fake.calls.during() as calls:
        url_of(storage, added)
    assert len(calls) == 1


def test_a_redirect_is_asked_for_with_the_caller_s_token(
    fake: FakeGitHub, opened: Opened, reader: Token, added: DistributionFile
) -> None:
    view = opened.storage(reader)
    with fake.calls.during() as calls:
        url_of(view, added)
    assert [call.token for call in calls] == ["reader"]


def test_a_stranger_gets_no_address(fake: FakeGitHub, opened: Opened, added: DistributionFile) -> None:
    stranger = opened.storage(fake.token("stranger"))
    with pytest.raises(NotPermitted):
        stranger.locate_file(added)
    with pytest.raises(NotPermitted):
        stranger.open_file(added)


def test_a_file_that_is_gone_is_not_found_and_a_hidden_repository_is_not_gone(
    fake: FakeGitHub, opened: Opened, writer: Token, repository: Repository, added: DistributionFile
) -> None:
    view = opened.storage(writer)
    repository.releases.clear()
    with pytest.raises(FileNotFound):
        view.locate_file(added)
    assert view.find_file(added) is None
    fake.grant("writer", "acme/packages", "none")
    for call in (view.locate_file, view.find_file, view.open_file):
        with pytest.raises(NotPermitted):
            call(added)


def test_a_server_that_gives_the_bytes_at_once_is_streamed(
    fake: FakeGitHub, storage: GitHubStorage, added: DistributionFile
) -> None:
    fake.world.redirects_downloads = False
    assert storage.locate_file(added) is None
    with storage.open_file(added) as stream:
        assert sha256_of(stream.read()) == added.sha256
        stream.seek(1000)
        assert len(stream.read(10)) == 10


@pytest.mark.parametrize(
    ("url", "seconds"),
    [
        ("https://x/a?X-Amz-Expires=300&X-Amz-Date=20261122T120000Z", 240),
        ("https://x/a?X-Amz-Expires=100", 40),
        ("https://x/a?X-Amz-Expires=30", 0),
        ("https://x/a?jwt=e30.eyJuYmYiOjEwMCwiZXhwIjoyMDB9.sig", 40),
        ("https://x/a?jwt=damaged", 240),
        ("https://x/a", 240),
    ],
)
def test_an_address_is_reused_well_within_its_life(url: str, seconds: float) -> None:
    assert reusable_for(url) == seconds


# --- no token to the storage host -------------------------------------------------------------------------


@pytest.fixture
def several_hosts() -> Iterator[FakeGitHub]:
    hosts = Hosts(api="api.github.test", uploads="uploads.github.test", storage="objects.elsewhere.test")
    with names_resolved(), FakeGitHub.running(hosts=hosts) as fake:
        fake.add_repo("acme", "packages")
        yield fake


@pytest.mark.parametrize("downloads", ["redirect", "stream"])
def test_no_token_reaches_the_storage_host(several_hosts: FakeGitHub, tmp_path: Path, downloads: str) -> None:
    fake = several_hosts
    token = fake.token("writer", rights={"acme/packages": "write"})
    with Opened.on(fake.api_url, tmp_path / "work", lambda: datetime.now(UTC)) as opened:
        storage = opened.storage(token, downloads=downloads)
        file, staged = make_upload(tmp_path, description="x" * 150_000)
        added = storage.add_file(file, staged)
        storage.locate_file(added)
        with storage.open_file(added) as stream:
            assert sha256_of(stream.read()) == added.sha256
        metadata = storage.read_attachment(added, AttachmentKind.METADATA)
        assert metadata == staged.attachments[AttachmentKind.METADATA]
    assert fake.calls.count(BYTES) >= 2
    assert not fake.tokens_at_storage


def test_an_upload_host_that_is_not_github_s_own_gets_no_token(tmp_path: Path) -> None:
    hosts = Hosts(api="api.github.test", uploads="uploads.evil.test", storage="objects.github.test")
    with names_resolved(), FakeGitHub.running(hosts=hosts) as fake:
        fake.add_repo("acme", "packages")
        token = fake.token("writer", rights={"acme/packages": "write"})
        with (
            Opened.on(fake.api_url, tmp_path / "work", lambda: datetime.now(UTC)) as opened,
            pytest.raises(StorageUnavailable, match="upload host"),
        ):
            opened.storage(token).add_file(*make_upload(tmp_path))
        assert fake.calls.count("POST /repos/{o}/{r}/releases/{id}/assets") == 0


# --- open_file --------------------------------------------------------------------------------------------


def test_metadata_is_read_out_of_a_wheel_without_reading_it_all(
    fake: FakeGitHub, opened: Opened, writer: Token, tmp_path: Path
) -> None:
    storage = opened.storage(writer)
    file, staged = make_upload(tmp_path, extra_files={"noise.bin": noise(4_000_000)})
    added = storage.add_file(file, replace(staged, attachments={}))
    with fake.calls.during() as calls:
        metadata = storage.read_attachment(added, AttachmentKind.METADATA)
    assert metadata == staged.attachments[AttachmentKind.METADATA]
    assert calls.charged == 2
    assert calls.count(BYTES) == 1


def test_a_stream_can_be_read_from_any_place(storage: GitHubStorage, added: DistributionFile) -> None:
    with storage.open_file(added) as stream:
        whole = stream.read()
        for position in (added.size - 10, 0, 5, 600_000, 300, added.size, added.size + 5):
            stream.seek(position)
            assert stream.tell() == position
            assert stream.read(100) == whole[position : position + 100]
        assert stream.seek(-7, 2) == added.size - 7
        assert stream.read() == whole[-7:]


def test_a_download_that_is_cut_goes_on_where_it_was(
    fake: FakeGitHub, storage: GitHubStorage, added: DistributionFile
) -> None:
    fake.faults.next(BYTES, cut_answer_at=300_000)
    with storage.open_file(added) as stream:
        assert sha256_of(stream.read()) == added.sha256
    assert not fake.faults.unmet


def test_a_download_that_is_cut_again_and_again_is_unavailable(
    fake: FakeGitHub, storage: GitHubStorage, added: DistributionFile
) -> None:
    fake.faults.next(BYTES, cut_answer_at=0, times=0)
    with storage.open_file(added) as stream, pytest.raises(StorageUnavailable):
        stream.read()


def test_an_address_that_expired_meanwhile_is_asked_for_again(
    fake: FakeGitHub, storage: GitHubStorage, added: DistributionFile
) -> None:
    with storage.open_file(added) as stream:
        assert len(stream.read(10)) == 10
        fake.clock.advance(400)
        stream.seek(added.size - 100)
        assert len(stream.read()) == 100


def test_other_bytes_than_were_published_are_found_out(
    storage: GitHubStorage, repository: Repository, added: DistributionFile
) -> None:
    release = repository.release(added.filename)
    assert release is not None
    (asset,) = release.assets.values()
    asset.content = bytes(len(asset.content))
    with storage.open_file(added) as stream, pytest.raises(FileChanged):
        stream.read()


# --- downloads = "stream" ---------------------------------------------------------------------------------


def test_a_streamed_file_is_fetched_once_for_many_who_wait_and_kept(
    fake: FakeGitHub, opened: Opened, writer: Token, added: DistributionFile, tmp_path: Path
) -> None:
    workers = [opened.storage(writer, downloads="stream", work=tmp_path / "one root") for _ in range(2)]
    start = threading.Barrier(12)

    def locate(number: int) -> Path:
        start.wait()
        location = workers[number % 2].locate_file(added)
        assert isinstance(location, LocalPath)
        return location.path

    with fake.calls.during() as calls:
        with ThreadPoolExecutor(12) as threads:
            (path,) = set(threads.map(locate, range(12)))
        assert locate_again(workers[0], added) == path
    assert calls.operations == [calls.operations[0], BYTES]
    assert sha256_of(path.read_bytes()) == added.sha256


def locate_again(storage: GitHubStorage, file: DistributionFile) -> Path:
    location = storage.locate_file(file)
    assert isinstance(location, LocalPath)
    return location.path


def test_a_damaged_download_is_not_kept(
    opened: Opened, writer: Token, repository: Repository, added: DistributionFile, tmp_path: Path
) -> None:
    storage = opened.storage(writer, downloads="stream", work=tmp_path / "work of its own")
    release = repository.release(added.filename)
    assert release is not None
    (asset,) = release.assets.values()
    good, asset.content = asset.content, bytes(len(asset.content))
    with pytest.raises((FileChanged, StorageUnavailable)):
        storage.locate_file(added)
    asset.content = good
    assert sha256_of(locate_again(storage, added).read_bytes()) == added.sha256


def test_the_disk_cache_forgets_what_was_unused_longest(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, max_bytes=250)
    contents = [bytes([number]) * 100 for number in range(3)]
    paths = []
    for age, content in zip((9000, 8000, 0), contents, strict=True):
        path = cache.get(sha256_of(content), lambda content=content: io.BytesIO(content))  # type: ignore[misc]
        if age:
            moment = path.stat().st_mtime - age
            os.utime(path, (moment, moment))
        paths.append(path)
    assert [path.exists() for path in paths] == [False, True, True]


def test_small_contents_are_kept_within_their_bound(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, max_bytes=1000, spared_for=0)
    contents = [number.to_bytes(2) * 50 for number in range(30)]
    for age, content in enumerate(contents):
        assert cache.read(sha256_of(content), lambda content=content: content) == content  # type: ignore[misc]
        for path in tmp_path.glob("??/*"):  # the order of their last uses, which a disk may not tell apart
            moment = path.stat().st_mtime - 1
            os.utime(path, (moment, moment))
        assert cache.read(sha256_of(contents[0]), lambda: contents[0]) == contents[0]
        assert sum(path.stat().st_size for path in tmp_path.glob("??/*")) <= 1000, age
    kept = {path.name for path in tmp_path.glob("??/*")}
    assert {sha256_of(contents[0]), sha256_of(contents[29])} <= kept
    assert sha256_of(contents[5]) not in kept


def test_small_contents_that_were_damaged_on_disk_are_fetched_again(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path)
    assert cache.read(sha256_of(b"good"), lambda: b"good") == b"good"
    [path] = tmp_path.glob("??/*")
    path.write_bytes(b"bad")
    assert cache.read(sha256_of(b"good"), lambda: b"good") == b"good"
    assert path.read_bytes() == b"good"


def test_an_attachment_is_read_from_github_once(
    fake: FakeGitHub, storage: GitHubStorage, added: DistributionFile
) -> None:
    first = storage.read_attachment(added, AttachmentKind.METADATA)
    with fake.calls.during() as calls:
        assert storage.read_attachment(added, AttachmentKind.METADATA) == first
    assert not len(calls)
