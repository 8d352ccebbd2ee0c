"""The backend itself before what GitHub really answered others. The recordings are fetched, and kept nowhere.

Whatever the backend asks must be what was recorded, in its order: a request that nobody recorded is answered 599.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from github_backend.recorded_github import RecordedGitHub
from github_fake.evidence.recordings import Recorded, octokit_archive, of_octokit, of_pygithub, pygithub_archive
from github_fake.evidence.test_evidence import fetched
from pywharf_core import Access, NotAuthenticated, NotPermitted, Refused, Secret, StorageUnavailable, WharfError
from pywharf_core.testing import make_upload
from pywharf_github import releases
from pywharf_github.access import access_of
from pywharf_github.answers import refusal
from pywharf_github.branch import Branch, Head, HeadMemory, blob_hash
from pywharf_github.client import Client
from pywharf_github.condition import _expiry, _rate_limit
from pywharf_github.connection import Timeouts
from pywharf_github.connections import Connections
from pywharf_github.package_repository import login_of
from pywharf_github.publishing import Publisher
from pywharf_github.release_assets import digest_of, is_uploaded
from pywharf_github.release_body import Body
from pywharf_github.release_requests import ReleaseRequests
from pywharf_github.signed_urls import REUSED_FOR, reusable_for

pytestmark = pytest.mark.slow

SECRET = Secret("ghp_" + "x" * 36)

#: Families that the stand-in is held to and the backend never asks: it seals no secrets, starts no workflow by itself,
#: and takes a caller's rights from the repository and the write, not from the list of collaborators. Contents it reads
#: in the raw form, which nobody recorded.
NEVER_ASKED = ("CreateRepoActionsSecret", "CreateRepositoryDispatch", "CreateDispatch", "CollaboratorPermission")


@pytest.fixture(scope="module")
def pygithub(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Sequence[Recorded]]:
    archive = fetched(pygithub_archive, tmp_path_factory.mktemp("pygithub"))
    families = (
        "GitRelease|ReleaseModify|ReleaseAsset|GitReleaseAsset|PublicReleaseAsset|GitRef|ConditionalRequestUpdate"
    )
    wanted = rf"({families}|Retry|SpecificExceptions|Exceptions)\.\w+|Repository\.test(Create|Update)File"
    return of_pygithub(archive, re.compile(wanted))


@pytest.fixture(scope="module")
def octokit(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Sequence[Recorded]]:
    archive = fetched(octokit_archive, tmp_path_factory.mktemp("octokit"))
    return of_octokit(archive, ("create-file", "release-assets", "release-assets-conflict", "rename-repository"))


@contextmanager
def replayed(recording: Sequence[Recorded], owner: str, repo: str) -> Iterator[tuple[RecordedGitHub, Client]]:
    with RecordedGitHub.answering(recording) as github:
        connections = Connections(github.base, Timeouts(connect=5, api=5, transfer=5))
        yield github, Client(connections, owner, repo, SECRET)
        connections.close()


def requests_of(client: Client) -> ReleaseRequests:
    return ReleaseRequests(client)


def publisher_of(client: Client) -> Publisher:
    return Publisher(client, ReleaseRequests(client), lambda: datetime.now(UTC))


# --- releases -------------------------------------------------------------------------------------------------


def test_releases_that_people_made_are_listed_and_refused_with_a_reason(
    pygithub: Mapping[str, Sequence[Recorded]],
) -> None:
    with replayed(pygithub["ReleaseAsset.setUp"], "edhollandAL", "PyGithub") as (_, client):
        listed = [releases.read(it.release) for it in requests_of(client).listed()]
    assert len(listed) >= 1
    assert all(isinstance(found, Refused) and "its tag should be a filename" in found.reason for found in listed)


@pytest.mark.parametrize(
    ("name", "owner", "repo", "tag"),
    [
        ("GitRelease.testGetRelease", "rickrickston123", "RepoTest", "v1.0"),
        ("GitRelease.testGetReleaseByTag", "EnricoMi", "PyGithub", "v1.55"),
    ],
)
def test_a_release_is_found_by_its_tag_and_its_assets_are_whole(
    pygithub: Mapping[str, Sequence[Recorded]], name: str, owner: str, repo: str, tag: str
) -> None:
    with replayed(pygithub[name], owner, repo) as (github, client):
        release = requests_of(client).by_tag(tag)
        assert release is not None
        assert release["tag_name"] == tag
        assert isinstance(releases.read(release), Refused)
        assert all(is_uploaded(asset) for asset in release["assets"])
        assert {digest_of(asset) for asset in release["assets"]} <= {None}, "they are older than GitHub's digests"
    assert github.asked == [f"GET /repos/{owner}/{repo}/releases/tags/{tag}"]


def test_a_release_that_is_gone_is_none_and_its_repository_is_asked_for(
    pygithub: Mapping[str, Sequence[Recorded]],
) -> None:
    recording = [*pygithub["ReleaseModify.testDelete"]]
    with replayed(recording, "rickrickston123", "RepoTest") as (github, client):
        requests_of(client).delete(28530290)
        assert requests_of(client).by_id(28530290) is None
    assert github.asked[-1] == "GET /repos/rickrickston123/RepoTest", "else it could be hidden"


def test_a_release_s_edit_is_read_back(pygithub: Mapping[str, Sequence[Recorded]]) -> None:
    with replayed(pygithub["ReleaseModify.testUpdate"], "rickrickston123", "RepoTest") as (github, client):
        edited = requests_of(client).edit(28530292, {"body": "x"})
    assert edited is not None
    assert edited["id"] == 28530292
    assert github.sent == [{"body": "x", "make_latest": "false"}]


# --- assets ---------------------------------------------------------------------------------------------------


def test_a_draft_an_asset_and_the_end_of_both(pygithub: Mapping[str, Sequence[Recorded]], tmp_path: Path) -> None:
    recording = pygithub["GitRelease.testUploadAssetFromMemory"]
    [size] = [exchange.answer["size"] for exchange in recording if exchange.host == "uploads.github.com"]
    with replayed(recording, "rickrickston123", "RepoTest") as (github, client):
        publisher, requests = publisher_of(client), requests_of(client)
        file, _ = make_upload(tmp_path)
        draft = publisher._draft(file, Body("body"))
        [name] = [exchange.answer["name"] for exchange in recording if exchange.host == "uploads.github.com"]
        asset = publisher._upload(draft, name, io.BytesIO(bytes(size)), size, None, "application/zip")
        assert [found["id"] for found in requests.assets_of(draft["id"])] == [asset["id"]]
        requests.delete(draft["id"])
    assert [line.split()[0] for line in github.asked] == ["POST", "POST", "GET", "DELETE"]
    assert github.sent[0]["draft"] is True
    assert github.sent[1] == bytes(size)


def test_an_asset_in_the_way_is_removed_and_the_upload_sent_again(octokit: Mapping[str, Sequence[Recorded]]) -> None:
    recording = octokit["release-assets-conflict"]
    content = b"Hello, world!\n"
    # Of the one that is in the way nobody else knows how long it is; here it is half of ours.
    [listing] = [exchange for exchange in recording if isinstance(exchange.answer, list)]
    half = replace(listing, answer=[{**listing.answer[0], "size": 7}])
    recording = [half if exchange is listing else exchange for exchange in recording]
    with replayed(recording, "octokit-fixture-org", "release-assets-conflict") as (github, client):
        release = requests_of(client).by_tag("v1.0.0")
        assert release is not None
        asset = publisher_of(client)._upload(
            release, "test-upload.txt", io.BytesIO(content), len(content), None, "text/plain"
        )
    assert asset["id"] == 1001
    base = "/repos/octokit-fixture-org/release-assets-conflict/releases"
    assert github.asked == [
        f"GET {base}/tags/v1.0.0",
        f"POST /uploads{base}/1000/assets",
        f"GET {base}/1000/assets",
        f"DELETE {base}/assets/1000",
        f"POST /uploads{base}/1000/assets",
    ]
    assert github.sent[1] == github.sent[4] == content


def test_an_asset_that_is_ours_already_is_not_sent_again(octokit: Mapping[str, Sequence[Recorded]]) -> None:
    content = b"Hello, world!\n"
    with replayed(octokit["release-assets-conflict"], "octokit-fixture-org", "release-assets-conflict") as (
        github,
        client,
    ):
        release = requests_of(client).by_tag("v1.0.0")
        assert release is not None
        asset = publisher_of(client)._upload(
            release, "test-upload.txt", io.BytesIO(content), len(content), None, "text/plain"
        )
    assert asset["id"] == 1000
    assert len(github.asked) == 3


def test_an_asset_is_deleted(octokit: Mapping[str, Sequence[Recorded]]) -> None:
    with replayed(octokit["release-assets"], "octokit-fixture-org", "release-assets") as (github, client):
        requests_of(client).delete_asset(1000)
    assert github.asked == ["DELETE /repos/octokit-fixture-org/release-assets/releases/assets/1000"]


@pytest.mark.parametrize(
    ("name", "owner", "repo", "asset"),
    [
        ("GitReleaseAsset.testDownloadAssetStream", "EnricoMi", "PyGithub", 224868540),
        ("PublicReleaseAsset.testDownload", "stellarcarbon", "sorocarbon", 261582854),
    ],
)
def test_a_signed_address_of_either_storage_host_is_followed_and_reused_for_four_minutes(
    pygithub: Mapping[str, Sequence[Recorded]], name: str, owner: str, repo: str, asset: int
) -> None:
    with replayed(pygithub[name], owner, repo) as (github, client):
        address = client.open_asset(asset)
        assert isinstance(address, str)
        assert reusable_for(address) == REUSED_FOR
        assert reusable_for(address.replace("300", "100").replace("jwt=", "x=")) <= REUSED_FOR
        with client.open_storage(address, 0) as response:
            assert response.status_code == HTTPStatus.OK
            content = response.content
    [recorded] = [it for it in pygithub[name] if it.target.partition("?")[0] in github.asked[1]][:1]
    assert len(content) > 10
    assert hashlib.sha256(content).hexdigest()
    assert "authorization" not in {header.lower() for header in recorded.headers}


# --- the branch -----------------------------------------------------------------------------------------------


def test_several_files_are_one_commit(pygithub: Mapping[str, Sequence[Recorded]]) -> None:
    recording = pygithub["GitRef.testExample"]
    [parent] = [it.answer["sha"] for it in recording if it.method == "GET" and "/git/commits/" in it.target]
    with replayed(recording, "EnricoMi", "PyGithub") as (github, client):
        branch = Branch(client, "commit-with-multiple-files", (), HeadMemory())
        head = Head("", b"", parent, parent, {})
        files = {"path/to/file_one.txt": b"content of file one", "path/to/file_two.txt": b"content of file two"}
        assert branch.commit(head, files, "Add multiple files in one commit")
    [tree, commit, ref] = github.sent
    recorded = {it.target.rpartition("/git/")[2].partition("/")[0]: it.body for it in recording if it.body}
    assert tree == recorded["trees"]
    assert commit == recorded["commits"]
    assert ref == {**recorded["refs"], "force": False}


@pytest.mark.parametrize("name", ["Repository.testCreateFile", "Repository.testUpdateFile"])
def test_a_file_is_written(pygithub: Mapping[str, Sequence[Recorded]], name: str) -> None:
    [recorded] = [exchange for exchange in pygithub[name] if exchange.method == "PUT"]
    path = recorded.target.rpartition("/contents/")[2]
    with replayed([recorded], "PyGithub", "PyGithub") as (github, client):
        branch = Branch(client, recorded.body.get("branch"), (), HeadMemory())
        assert branch.put(path, b"x", recorded.body.get("sha"), recorded.body["message"])
    assert set(github.sent[0]) <= set(recorded.body) | {"branch"}


def test_octokits_file_is_written_and_its_hash_is_what_we_compute(octokit: Mapping[str, Sequence[Recorded]]) -> None:
    [recorded] = octokit["create-file"]
    with replayed([recorded], "octokit-fixture-org", "create-file") as (_, client):
        assert Branch(client, None, (), HeadMemory()).put("test.txt", b"Test content", None, "create test.txt")
    assert recorded.answer["content"]["size"] == len(b"Test content")
    assert len(blob_hash(b"Test content")) == len(recorded.answer["content"]["sha"])


def test_what_did_not_change_is_no_error(pygithub: Mapping[str, Sequence[Recorded]]) -> None:
    with replayed(pygithub["ConditionalRequestUpdate.testDidNotUpdate"], "akfish", "PyGithub") as (_, client):
        answer = client.ask("GET", headers={"If-None-Match": '"x"'}, also=(HTTPStatus.NOT_MODIFIED,))
    assert (answer.status, answer.data) == (304, None)


# --- the repository, its callers and its limits ---------------------------------------------------------------


def test_a_renamed_repository_is_followed_whether_it_is_read_or_written(
    octokit: Mapping[str, Sequence[Recorded]],
) -> None:
    recording = octokit["rename-repository"][1:]
    with replayed(recording, "octokit-fixture-org", "rename-repository") as (github, client):
        assert client.check_visible().full_name == "octokit-fixture-org/rename-repository-newname"
        assert client.ask("PATCH", body={"description": "test description"}).data["id"] == 1000
    assert [line.split()[1] for line in github.asked] == [
        "/repos/octokit-fixture-org/rename-repository",
        "/repositories/1000",
    ] * 2


def test_a_user_is_named(pygithub: Mapping[str, Sequence[Recorded]]) -> None:
    with RecordedGitHub.answering(pygithub["SpecificExceptions.testUnknownObject"]) as github:
        connections = Connections(github.base)
        assert login_of(connections, SECRET) == "jacquev6"
        connections.close()


def test_the_owner_of_a_public_repository_reads_and_may_write(pygithub: Mapping[str, Sequence[Recorded]]) -> None:
    recording = [it for it in pygithub["GitRef.testExample"] if it.target == "/repos/EnricoMi/PyGithub"]
    with RecordedGitHub.answering(recording) as github:
        connections = Connections(github.base)
        fine_grained = Client(connections, "EnricoMi", "PyGithub", Secret("github_pat_x"))
        assert access_of(fine_grained).access is Access.MAY_WRITE, "GitHub tells no scopes of it"
        connections.close()


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        ("GitRef.testExample", datetime(2026, 9, 19, 8, 26, 39, tzinfo=UTC)),
        ("GitRelease.testGetReleaseByTag", datetime(2026, 5, 16, 9, 52, 29, tzinfo=UTC)),
    ],
)
def test_the_end_of_a_token_and_the_rate_limit_are_read_from_the_headers(
    pygithub: Mapping[str, Sequence[Recorded]], name: str, ends: datetime
) -> None:
    with replayed(pygithub[name], "EnricoMi", "PyGithub") as (_, client):
        answer = client.ask("GET")
    assert _expiry(answer) == ends
    limit = _rate_limit(answer)
    assert limit["rate_limit"] == 5000
    assert 4900 < int(limit["rate_limit_left"]) <= 5000


REFUSALS: dict[str, tuple[str, type[WharfError], str]] = {
    "a wrong token": ("Exceptions.testBadAuthentication", NotAuthenticated, "Bad credentials"),
    "two factors wanted": ("SpecificExceptions.test2FARequired", NotAuthenticated, "two-factor"),
    "no such repository": ("SpecificExceptions.testUnknownObject", NotPermitted, "no such repository"),
    "no User-Agent": ("SpecificExceptions.testBadUserAgent", NotPermitted, "User Agent"),
    "the hour is used up": ("SpecificExceptions.testRateLimitExceeded", StorageUnavailable, "API Rate Limit Exceeded"),
    "too many at once": (
        "SpecificExceptions.testAuthenticatedRateLimitExceeded",
        StorageUnavailable,
        "abuse detection",
    ),
    "a page instead of JSON": ("Exceptions.testNonJsonDataReturnedByGithub", StorageUnavailable, "status 503"),
    "not on the list": ("Retry.testShouldNotRetryWhenStatusNotOnList", StorageUnavailable, "status 400"),
}


@pytest.mark.parametrize(("name", "kind", "words"), REFUSALS.values(), ids=list(REFUSALS))
def test_github_s_refusals_are_understood(
    pygithub: Mapping[str, Sequence[Recorded]], name: str, kind: type[WharfError], words: str
) -> None:
    last = pygithub[name][-1]
    with RecordedGitHub.answering([last] * 3) as github:
        connections = Connections(github.base, Timeouts(connect=5, api=5, transfer=5))
        with pytest.raises(kind, match=words) as caught:
            raise refusal(connections.mine().ask(SECRET, last.method, last.target.partition("?")[0]))
        connections.close()
    if "limit" in str(caught.value).lower():
        assert isinstance(caught.value, StorageUnavailable)
        assert caught.value.retry_after == 60


Call = Callable[[Client], Any]


def test_a_moment_s_502_is_asked_again_and_a_longer_one_is_not_waited_for(
    pygithub: Mapping[str, Sequence[Recorded]],
) -> None:
    with replayed(pygithub["Retry.testReturnsRepoAfter1Retry"], "PyGithub", "PyGithub") as (github, client):
        assert client.check_visible().full_name == "PyGithub/PyGithub"
        assert len(github.asked) == 2
    with (
        replayed(pygithub["Retry.testRaisesRetryErrorAfterMaxRetries"], "PyGithub", "PyGithub") as (github, client),
        pytest.raises(StorageUnavailable, match="status 502"),
    ):
        client.check_visible()
    assert len(github.asked) == 3
