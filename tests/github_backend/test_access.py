"""What each kind of token may do, as far as GitHub tells."""

from __future__ import annotations

from typing import Any

import pytest

from github_backend.opened import Opened
from github_fake import FakeGitHub, Repository
from pywharf_core import Access, Secret, StorageUnavailable
from pywharf_github.access import BELIEVED_FOR, DISBELIEVED_FOR
from pywharf_github.storage import GitHubStorage

WRITE, READ = {"acme/packages": "write"}, {"acme/packages": "read"}

TOKENS: dict[str, tuple[dict[str, Any], Access]] = {
    "classic of a writer": ({"rights": WRITE}, Access.WRITE),
    "classic of an administrator": ({"rights": {"acme/packages": "admin"}}, Access.WRITE),
    "classic of a reader": ({"rights": READ}, Access.READ),
    "classic of a stranger": ({}, Access.NONE),
    "classic without the scope": ({"rights": WRITE, "scopes": {"read:org"}}, Access.NONE),
    "fine-grained of a writer": ({"kind": "fine_grained", "rights": WRITE}, Access.MAY_WRITE),
    "fine-grained of a reader": ({"kind": "fine_grained", "rights": READ}, Access.READ),
    "installation of an app": ({"kind": "installation", "rights": WRITE}, Access.MAY_WRITE),
    "job of Actions": ({"kind": "actions", "rights": WRITE}, Access.MAY_WRITE),
}


@pytest.mark.parametrize(("token", "expected"), TOKENS.values(), ids=list(TOKENS))
def test_each_kind_of_token(
    fake: FakeGitHub, repository: Repository, opened: Opened, token: dict[str, Any], expected: Access
) -> None:
    verdict = opened.storage(fake.token("someone", **token)).access()
    assert verdict.access is expected
    assert verdict.believed_for == (DISBELIEVED_FOR if expected is Access.NONE else BELIEVED_FOR)
    assert len(fake.calls) == 1


def test_of_a_public_repository_everybody_with_a_token_is_a_reader(fake: FakeGitHub, opened: Opened) -> None:
    fake.repo("acme/packages").private = False
    assert opened.storage(fake.token("someone")).access().access is Access.READ


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


@pytest.mark.parametrize("text", ["", "with space", "line\nbreak", "é", "x" * 5000])
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
