"""What an unlucky operator meets: a token that ends, or a rate limit, in the middle of the index's upkeep."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from github_backend.test_missing_index import server
from github_fake import FakeGitHub, Repository, Token
from pywharf_core import (
    NotAuthenticated,
    NotPermitted,
    StorageUnavailable,
    changes,
    normalise,
    remote_changes,
)
from pywharf_core.index.document import decode_main
from pywharf_core.repository import Repository as PackageRepository
from pywharf_core.testing import make_upload

HOLYGRAIL = normalise("holygrail")
RELEASES = "GET /repos/{o}/{r}/releases"
RELEASE = "GET /repos/{o}/{r}/releases/{id}"
PUT = "PUT /repos/{o}/{r}/contents/{p}"


@pytest.fixture
def admin(fake: FakeGitHub, repository: Repository) -> Token:
    return fake.token("admin", rights={"acme/packages": "write"})


@pytest.fixture
def wharf(fake: FakeGitHub, admin: Token, tmp_path: Path) -> Iterator[PackageRepository]:
    with server(fake, admin, tmp_path / "root") as opened:
        opened.synchronise()
        yield opened


def publish(wharf: PackageRepository, folder: Path, *versions: str) -> None:
    for version in versions:
        changes.publish(wharf, *make_upload(folder / version, version=version))


def listed(wharf: PackageRepository) -> set[str]:
    with wharf.index.reading() as snapshot:
        return {file.version for file in snapshot.files(HOLYGRAIL)}


def in_index(repository: Repository) -> set[str]:
    content = decode_main(repository.file("index.toml") or b"")
    assert content is not None
    return {file.version for file in content.files.values()}


def pending(wharf: PackageRepository) -> int:
    return wharf.status().pending


# --- a token that ends ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", [PUT, RELEASES], ids=["the write", "the listing"])
def test_a_token_revoked_while_the_index_is_made_loses_nothing(
    fake: FakeGitHub,
    repository: Repository,
    wharf: PackageRepository,
    admin: Token,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    operation: str,
) -> None:
    publish(wharf, tmp_path, "1.0", "2.0")
    fake.faults.next(operation, before=admin.revoke)
    with pytest.raises(NotAuthenticated):
        remote_changes.fold(wharf)
    assert repository.file("index.toml") is None
    assert listed(wharf) == {"1.0", "2.0"}
    assert pending(wharf) == 2
    admin.restore()
    monkeypatch.setattr("pywharf_core.index.remote_missing.monotonic", lambda: float("inf"))
    assert remote_changes.fold(wharf)
    assert in_index(repository) == {"1.0", "2.0"}
    assert pending(wharf) == 0


def test_a_token_revoked_while_changes_are_folded_keeps_them_waiting(
    fake: FakeGitHub, repository: Repository, wharf: PackageRepository, admin: Token, tmp_path: Path
) -> None:
    publish(wharf, tmp_path, "1.0")
    remote_changes.fold(wharf)
    publish(wharf, tmp_path, "2.0")
    fake.faults.next(PUT, before=admin.revoke)
    with pytest.raises(NotAuthenticated):
        remote_changes.fold(wharf)
    with pytest.raises(NotAuthenticated):
        wharf.synchronise(sparing=True)
    assert listed(wharf) == {"1.0", "2.0"}
    admin.restore()
    assert remote_changes.fold(wharf), "at once: no scan is needed for it"
    assert in_index(repository) == {"1.0", "2.0"}


@pytest.mark.parametrize("right", ["none", "read"])
def test_a_right_taken_away_in_the_middle_of_a_rebuild_buries_nothing(
    fake: FakeGitHub, repository: Repository, wharf: PackageRepository, tmp_path: Path, right: str
) -> None:
    publish(wharf, tmp_path, "1.0", "2.0")
    remote_changes.fold(wharf)
    before = repository.file("index.toml")
    # The listing shows nothing, and then nobody may see why.
    shown = dict(repository.releases)
    fake.faults.next(RELEASES, before=repository.releases.clear, then=lambda: repository.releases.update(shown))
    fake.faults.next(RELEASE, before=lambda: fake.grant("admin", "acme/packages", right))
    if right == "none":
        with pytest.raises(NotPermitted):
            remote_changes.update_index(wharf)
    else:
        remote_changes.update_index(wharf)
    assert repository.file("index.toml") == before
    assert listed(wharf) == {"1.0", "2.0"}


# --- the rate limit ------------------------------------------------------------------------------------------


def use_up(fake: FakeGitHub, token: Token) -> Callable[[], None]:
    def run() -> None:
        fake.limits.of(token).used = fake.limits.of(token).limit

    return run


def test_a_rate_limit_in_the_middle_of_a_rebuild_changes_nothing(
    fake: FakeGitHub, repository: Repository, wharf: PackageRepository, admin: Token, tmp_path: Path
) -> None:
    publish(wharf, tmp_path, "1.0")
    remote_changes.fold(wharf)
    before = repository.file("index.toml")
    for number in range(250):
        fake.add_release(repository, f"a-{number}.tar.gz", b"x")
    fake.faults.next(RELEASES, then=use_up(fake, admin), skip=1)
    with pytest.raises(StorageUnavailable, match="rate limit") as caught:
        remote_changes.update_index(wharf)
    assert caught.value.retry_after is not None
    assert caught.value.retry_after > 60
    assert repository.file("index.toml") == before
    assert listed(wharf) == {"1.0"}
    fake.limits.of(admin).used = 0
    remote_changes.update_index(wharf)
    assert wharf.status().files == 251


def test_a_rate_limit_in_the_middle_of_a_scan_removes_nothing_and_the_next_goes_on(
    fake: FakeGitHub, repository: Repository, wharf: PackageRepository, admin: Token, tmp_path: Path
) -> None:
    publish(wharf, tmp_path, "1.0")
    for number in range(250):
        fake.add_release(repository, f"a-{number}.tar.gz", b"x")
    fake.faults.next(RELEASES, then=use_up(fake, admin))
    with pytest.raises(StorageUnavailable, match="rate limit"):
        wharf.synchronise()
    assert listed(wharf) == {"1.0"}
    fake.limits.of(admin).used = 0
    wharf.synchronise(sparing=True)
    assert wharf.status().files == 251
    assert wharf.status().last_error is None


# --- several at once -----------------------------------------------------------------------------------------


def test_two_servers_and_the_workflow_that_all_make_the_index_make_one(
    fake: FakeGitHub, repository: Repository, admin: Token, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        one, other, workflow = (
            stack.enter_context(server(fake, admin, tmp_path / name)) for name in ("one", "other", "workflow")
        )
        for opened in (one, other, workflow):
            opened.synchronise()
        publish(one, tmp_path, "1.0")
        publish(other, tmp_path, "2.0")

        def meanwhile() -> None:
            fake.faults.next(PUT, before=lambda: remote_changes.update_index(workflow))
            remote_changes.fold(other)

        fake.faults.next(PUT, before=meanwhile)
        remote_changes.fold(one)
        for opened in (one, other):
            opened.synchronise(sparing=True)
            assert listed(opened) == {"1.0", "2.0"}
            assert pending(opened) == 0
        assert in_index(repository) == {"1.0", "2.0"}
