"""What each kind of token may do, as far as GitHub tells."""

from __future__ import annotations

import json
from typing import Any

import pytest

from github_backend.opened import Opened
from github_fake import FakeGitHub, Repository, Token
from github_fake.exchange import Answer as FaultyAnswer
from pywharf_core import Access, NotPermitted, Secret, StorageUnavailable
from pywharf_github.access import BELIEVED_FOR, DISBELIEVED_FOR, DOWN_FOR
from pywharf_github.storage import GitHubStorage

WRITE, READ = {"acme/packages": "write"}, {"acme/packages": "read"}

METADATA, ISSUES = {"metadata": "read"}, {"metadata": "read", "issues": "write"}

TOKENS: dict[str, tuple[dict[str, Any], Access]] = {
    "classic of a writer": ({"rights": WRITE}, Access.WRITE),
    "classic of an administrator": ({"rights": {"acme/packages": "admin"}}, Access.WRITE),
    "classic of a reader": ({"rights": READ}, Access.READ),
    "classic of a stranger": ({}, Access.NONE),
    "classic without the scope": ({"rights": WRITE, "scopes": {"read:org"}}, Access.NONE),
    "fine-grained of a writer": ({"kind": "fine_grained", "rights": WRITE}, Access.MAY_WRITE),
    "fine-grained of a reader": ({"kind": "fine_grained", "rights": READ}, Access.READ),
    "fine-grained that shows no contents": (
        {"kind": "fine_grained", "rights": WRITE, "permissions": METADATA},
        Access.NONE,
    ),
    "installation of an app": ({"kind": "installation", "rights": WRITE}, Access.MAY_WRITE),
    "installation of an app for issues": (
        {"kind": "installation", "rights": WRITE, "permissions": ISSUES},
        Access.NONE,
    ),
    "job of Actions": ({"kind": "actions", "rights": WRITE}, Access.MAY_WRITE),
    "job of Actions without contents": ({"kind": "actions", "rights": WRITE, "permissions": METADATA}, Access.NONE),
}


@pytest.mark.parametrize(("token", "expected"), TOKENS.values(), ids=list(TOKENS))
def test_each_kind_of_token(
    fake: FakeGitHub, repository: Repository, opened: Opened, token: dict[str, Any], expected: Access
) -> None:
    verdict = opened.storage(fake.token("someone", **token)).access()
    assert verdict.access is expected
    assert verdict.believed_for == (DISBELIEVED_FOR if expected is Access.NONE else BELIEVED_FOR)
    assert len(fake.calls) == (1 if token.get("kind", "classic") == "classic" else 2)


@pytest.mark.parametrize(
    "token", [{"rights": READ}, {"kind": "fine_grained", "rights": READ}], ids=["classic", "other"]
)
def test_asking_again_is_free_of_the_rate_limit_while_nothing_changed(
    fake: FakeGitHub, repository: Repository, opened: Opened, token: dict[str, Any]
) -> None:
    view = opened.storage(fake.token("someone", **token))
    first = view.access()
    with fake.calls.during() as calls:
        assert view.access() == first
    assert calls.charged == 0
    assert {call.status for call in calls} == {304}


def test_what_a_token_was_granted_less_is_noticed_at_the_next_question(
    fake: FakeGitHub, repository: Repository, opened: Opened
) -> None:
    token = fake.token("someone", kind="fine_grained", rights=READ)
    view = opened.storage(token)
    assert view.access().access is Access.READ
    token.permissions = METADATA
    verdict = view.access()
    assert verdict.access is Access.NONE
    assert verdict.reason == (
        "GitHub does not let it read there: Resource not accessible by personal access token (needed: contents=read)"
    )


def test_a_token_that_lacks_single_sign_on_is_told_so(fake: FakeGitHub, repository: Repository, opened: Opened) -> None:
    token = fake.token("someone", rights=READ)
    token.single_sign_on_missing = True
    verdict = opened.storage(token).access()
    assert verdict.access is Access.NONE
    assert verdict.reason == "it must be authorised for the organisation's single sign-on first"


@pytest.mark.parametrize("kind", ["classic", "fine_grained", "installation"])
def test_of_a_public_repository_everybody_with_a_token_is_a_reader(fake: FakeGitHub, opened: Opened, kind: str) -> None:
    fake.repo("acme/packages").private = False
    token = fake.token("someone", kind=kind, permissions={} if kind == "classic" else METADATA)
    assert opened.storage(token).access().access >= Access.READ
    assert len(fake.calls) == 1


def test_nobody_writes_to_an_archived_repository(fake: FakeGitHub, opened: Opened) -> None:
    repository = fake.repo("acme/packages")
    token = fake.token("writer", rights=WRITE)
    if not hasattr(repository, "archived"):
        pytest.skip("the stand-in knows no archived repositories")
    repository.archived = True
    assert opened.storage(token).access().access is Access.READ


def test_a_wrong_token_is_unknown(opened: Opened, fake: FakeGitHub) -> None:
    root = opened.storage(None)
    assert root.acting_as(Secret("ghp_" + "x" * 36)).access().access is Access.UNKNOWN
    assert len(fake.calls) == 1


@pytest.mark.parametrize(
    "text", ["", "with space", "line\nbreak", "line\n", "é", "tab\t", "correct-horse!", "{token}", "=x", "x" * 5000]
)
def test_what_cannot_be_a_token_is_unknown_without_a_call(opened: Opened, fake: FakeGitHub, text: str) -> None:
    root = opened.storage(None)
    assert root.acting_as(Secret(text)).access().access is Access.UNKNOWN
    assert root.access().access is Access.UNKNOWN
    assert len(fake.calls) == 0


def test_a_right_that_was_taken_away_is_gone_at_the_next_question(
    fake: FakeGitHub, repository: Repository, opened: Opened
) -> None:
    token = fake.token("leaving", rights=WRITE)
    view = opened.storage(token)
    assert view.access().access is Access.WRITE
    fake.grant("leaving", "acme/packages", "read")
    assert view.access().access is Access.READ
    fake.grant("leaving", "acme/packages", "none")
    assert view.access().access is Access.NONE
    token.revoke()
    assert view.access().access is Access.UNKNOWN


def test_an_outage_is_no_verdict(fake: FakeGitHub, storage: GitHubStorage) -> None:
    fake.faults.next("*", status=503, times=0)
    with pytest.raises(StorageUnavailable):
        storage.access()
    fake.faults.clear()


def test_a_moment_s_outage_is_not_noticed(fake: FakeGitHub, storage: GitHubStorage) -> None:
    fake.faults.next("GET /repos/{o}/{r}", status=502)
    assert storage.access().access is Access.WRITE


def test_html_instead_of_json_is_an_outage(fake: FakeGitHub, storage: GitHubStorage) -> None:
    fake.faults.next("GET /repos/{o}/{r}", status=200, html=True, times=0)
    with pytest.raises(StorageUnavailable, match="JSON"):
        storage.access()
    fake.faults.clear()
    fake.violations.clear()


def test_a_github_that_is_down_is_not_asked_by_everybody(fake: FakeGitHub, opened: Opened, writer: Token) -> None:
    root = opened.storage(None)
    reader = fake.token("reader", rights=READ)
    fake.faults.next("*", status=503, times=0)
    with pytest.raises(StorageUnavailable, match="status 503"):
        root.acting_as(Secret(reader.value)).access()
    with fake.calls.during() as calls, pytest.raises(StorageUnavailable, match="status 503") as told:
        root.acting_as(Secret(writer.value)).access()
    assert not len(calls)
    assert told.value.retry_after == DOWN_FOR
    fake.faults.clear()
    fake.clock.advance(DOWN_FOR)
    assert root.acting_as(Secret(writer.value)).access().access is Access.WRITE


def test_one_token_s_rate_limit_is_not_the_others_outage(fake: FakeGitHub, opened: Opened, writer: Token) -> None:
    root = opened.storage(None)
    reader = fake.token("reader", rights=READ)
    fake.limits.exhaust(reader)
    with pytest.raises(StorageUnavailable, match="rate limit"):
        root.acting_as(Secret(reader.value)).access()
    assert root.acting_as(Secret(writer.value)).access().access is Access.WRITE


def test_logins_that_github_blocks_are_no_verdict_and_not_tried_on(
    fake: FakeGitHub, opened: Opened, writer: Token
) -> None:
    view = opened.storage(writer)
    message = "Maximum number of login attempts exceeded. Please try again later."
    fake.faults.next("GET /repos/{o}/{r}", status=403, message=message)
    with pytest.raises(StorageUnavailable, match="takes no token from this server for a while") as told:
        view.access()
    assert told.value.retry_after == 60
    with fake.calls.during() as calls, pytest.raises(StorageUnavailable, match="takes no token"):
        view.access()
    assert not len(calls)
    fake.clock.advance(60)
    assert view.access().access is Access.WRITE


_WHOLE = {"id": 1, "full_name": "acme/packages", "private": True, "default_branch": "main"}


@pytest.mark.parametrize(
    "document",
    [{}, [], None, "x", 1, {**_WHOLE, "id": "1"}, {**_WHOLE, "id": True}, {**_WHOLE, "private": None},
     {**_WHOLE, "permissions": []}, {**_WHOLE, "permissions": {"push": 1}}, {**_WHOLE, "archived": 0}],
)  # fmt: skip
def test_an_answer_that_is_not_what_github_promises_is_no_right(
    fake: FakeGitHub, opened: Opened, writer: Token, document: object
) -> None:
    fault = fake.faults.next("GET /repos/{o}/{r}", status=200)
    fault.answer = FaultyAnswer(
        status=200, content=json.dumps(document).encode(), media_type="application/json", faulty=True
    )
    with pytest.raises(StorageUnavailable, match="not what GitHub says it answers"):
        opened.storage(writer).access()


def test_a_listing_that_is_none_is_no_right(fake: FakeGitHub, opened: Opened) -> None:
    token = fake.token("someone", kind="fine_grained", rights=READ)
    fault = fake.faults.next("GET /repos/{o}/{r}/releases", status=200)
    fault.answer = FaultyAnswer(status=200, content=b"{}", media_type="application/json", faulty=True)
    with pytest.raises(StorageUnavailable, match="not what GitHub says it answers"):
        opened.storage(token).access()


def test_a_server_without_its_path_is_hinted_at(fake: FakeGitHub, opened: Opened, writer: Token) -> None:
    api_url = fake.api_url.removesuffix("/api/v3")
    view = opened.storage(writer, api_url=api_url)
    verdict = view.access()
    assert verdict.access is Access.NONE
    assert verdict.reason == f"api_url is {api_url}, but that of GitHub Enterprise Server ends with /api/v3"
    with pytest.raises(NotPermitted, match="ends with /api/v3"):
        view.condition()
    fake.violations.clear()
