"""Bytes from GitHub: by redirect, streamed through the disk cache, or read from any place."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
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
    NotAuthenticated,
    NotPermitted,
    RedirectTo,
    Secret,
    StorageUnavailable,
)
from pywharf_core.testing import make_upload
from pywharf_github.connection import Timeouts
from pywharf_github.signed_urls import SignedUrls, reusable_for
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


def test_who_waits_for_an_address_that_does_not_come_waits_once(
    fake: FakeGitHub, opened: Opened, writer: Token, added: DistributionFile
) -> None:
    storage = opened.storage(writer, timeouts=Timeouts(connect=5, api=5, transfer=60))  # all come within
    fake.faults.next(ASSET, stall="before", times=0)
    start = threading.Barrier(8)

    def locate() -> str:
        start.wait()
        try:
            return url_of(storage, added)
        except StorageUnavailable as error:
            return str(error)

    with fake.calls.during() as calls:
        with ThreadPoolExecutor(8) as threads:
            said = {threads.submit(locate) for _ in range(8)}
        fake.faults.clear()
        fake.settle()
    assert {future.result() for future in said} == {"GitHub does not answer (TimeoutError)."}
    assert calls.count(ASSET) == 1
    fake.violations.clear()  # of what was answered too late
    assert url_of(storage, added).startswith("http")


def test_a_token_that_is_no_longer_good_spoils_no_address_for_others(
    fake: FakeGitHub, opened: Opened, writer: Token, reader: Token, added: DistributionFile,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    server = opened.storage(None)
    asked, go_on = threading.Event(), threading.Event()
    comes = threading.Semaphore(0)
    get = SignedUrls.get

    def counted(self: SignedUrls, asset_id: int, ask: Callable[[], str | None]) -> str | None:
        comes.release()
        return get(self, asset_id, ask)

    monkeypatch.setattr(SignedUrls, "get", counted)

    def hold() -> None:
        asked.set()
        go_on.wait(60)

    fake.faults.next(ASSET, before=hold)
    writer.revoke()
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(server.acting_as(Secret(writer.value)).locate_file, added)
        try:
            assert asked.wait(20)
            assert comes.acquire(timeout=20)
            second = threads.submit(url_of, server.acting_as(Secret(reader.value)), added)
            assert comes.acquire(timeout=20)
        finally:
            go_on.set()
        assert second.result().startswith("http")
        with pytest.raises(NotAuthenticated):
            first.result()


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
        metadata = opened.storage(token).read_attachment(added, AttachmentKind.METADATA)
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


# --- attachments ------------------------------------------------------------------------------------------


def test_what_was_just_published_is_at_hand_without_github(
    fake: FakeGitHub, storage: GitHubStorage, added: DistributionFile, tmp_path: Path
) -> None:
    with fake.calls.during() as calls:
        metadata = storage.attachment_at_hand(added, AttachmentKind.METADATA)
        assert metadata == storage.read_attachment(added, AttachmentKind.METADATA)
    assert metadata is not None
    assert sha256_of(metadata) == added.core_metadata_sha256
    assert not len(calls)


def test_an_attachment_is_read_from_github_once(
    fake: FakeGitHub, opened: Opened, writer: Token, added: DistributionFile
) -> None:
    storage = opened.storage(writer)
    assert storage.attachment_at_hand(added, AttachmentKind.METADATA) is None
    first = storage.read_attachment(added, AttachmentKind.METADATA)
    with fake.calls.during() as calls:
        assert storage.read_attachment(added, AttachmentKind.METADATA) == first
    assert not len(calls)
