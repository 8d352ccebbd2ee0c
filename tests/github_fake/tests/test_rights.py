"""Who may what: kinds of tokens, roles, strangers, and rights that end."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from github_fake import FakeGitHub, Repository
from github_fake.tests.asking import TIMEOUT, Client, error_of


@pytest.mark.parametrize(
    "path", ["", "/releases", "/releases/1", "/releases/tags/x", "/contents/README.md", "/git/ref/heads/main"]
)
def test_a_private_repository_is_absent_to_strangers_and_to_nobody(stranger: Client, path: str) -> None:
    for client in (stranger, Client(stranger.fake, None)):
        assert error_of(client.get(path))[:2] == (404, "Not Found")


def test_a_public_repository_is_read_by_anybody_and_written_by_few(fake: FakeGitHub) -> None:
    fake.add_repo("acme", "open", private=False)
    for token in (None, fake.token("stranger")):
        client = Client(fake, token, "acme/open")
        permissions = client.get("").json().get("permissions")
        assert permissions is None if token is None else permissions["push"] is False
        assert client.get("/releases").status_code == 200
        assert client.ask("POST", "/releases", json={"tag_name": "x"}).status_code == (401 if token is None else 404)


@pytest.mark.parametrize(
    ("kind", "role", "grant", "push", "answer"),
    [
        ("classic", "write", None, True, (201, None)),
        ("classic", "read", None, False, (404, "Not Found")),
        ("classic", "admin", None, True, (201, None)),
        ("fine_grained", "write", {"contents": "write"}, True, (201, None)),
        (
            "fine_grained",
            "write",
            {"contents": "read"},
            True,
            (403, "Resource not accessible by personal access token"),
        ),
        (
            "fine_grained",
            "read",
            {"contents": "write"},
            False,
            (403, "Resource not accessible by personal access token"),
        ),
        ("installation", "write", {"contents": "write"}, False, (201, None)),
        ("installation", "read", {"contents": "read"}, False, (403, "Resource not accessible by integration")),
        ("actions", "write", {"contents": "write"}, False, (201, None)),
        ("actions", "read", {"contents": "read"}, False, (403, "Resource not accessible by integration")),
    ],
)
def test_what_permissions_say_and_what_a_write_gets(
    fake: FakeGitHub, kind: str, role: str, grant: dict[str, str] | None, push: bool, answer: tuple[int, str | None]
) -> None:
    client = Client(fake, fake.token("x", kind=kind, rights={"acme/packages": role}, permissions=grant))
    shown = client.get("")
    assert shown.json()["permissions"]["push"] is push
    assert ("X-OAuth-Scopes" in shown.headers) == (kind == "classic")
    written = client.ask("POST", "/releases", json={"tag_name": "x", "draft": True})
    assert (written.status_code, written.json().get("message")) == answer
    if written.status_code == 403:
        assert written.headers["X-Accepted-GitHub-Permissions"] == "contents=write"


def test_a_classic_token_without_the_scope_sees_nothing_private(fake: FakeGitHub) -> None:
    client = Client(fake, fake.token("x", rights={"acme/packages": "admin"}, scopes={"public_repo"}))
    assert client.get("").status_code == 404


def test_a_fine_grained_token_is_for_its_repositories(fake: FakeGitHub) -> None:
    fake.add_repo("acme", "other", collaborators={"x": "write"})
    client = Client(fake, fake.token("x", kind="fine_grained", rights={"acme/packages": "write"}), "acme/other")
    assert client.get("").status_code == 404


def test_rights_end_in_mid_session(fake: FakeGitHub, writer: Client) -> None:
    release = writer.draft("tag")
    fake.grant("writer", "acme/packages", "read")
    assert writer.upload(release, "a", b"x").status_code == 404
    fake.grant("writer", "acme/packages", "none")
    assert writer.get("").status_code == 404
    assert writer.token is not None
    writer.token.revoke()
    assert error_of(writer.get("")) == (401, "Bad credentials", None)
    writer.token.restore()
    fake.grant("writer", "acme/packages", "write")
    assert writer.upload(release, "a", b"x").status_code == 201


def test_an_unknown_token_is_bad_credentials_even_where_anybody_reads(fake: FakeGitHub) -> None:
    fake.add_repo("acme", "open", private=False)
    answer = requests.get(f"{fake.api_url}/repos/acme/open", headers={"Authorization": "Bearer ghp_x"}, timeout=TIMEOUT)
    assert error_of(answer) == (401, "Bad credentials", None)


def test_a_token_not_authorised_for_the_organisation_is_told_where_to_go(writer: Client) -> None:
    assert writer.token is not None
    writer.token.single_sign_on_missing = True
    answer = writer.get("")
    assert answer.status_code == 403
    assert answer.headers["X-GitHub-SSO"].startswith("required; url=")


def test_who_am_i(fake: FakeGitHub, writer: Client) -> None:
    assert writer.get("//user").json()["login"] == "writer"
    for kind in ("installation", "actions"):
        client = Client(fake, fake.token(kind, kind=kind, rights={"acme/packages": "write"}))
        assert error_of(client.get("//user"))[0] == 403
    assert writer.get("//users/acme").json()["login"] == "acme"
    assert writer.get("//users/nobody").status_code == 404


def test_the_role_of_a_user_is_told_to_those_who_push(writer: Client, reader: Client) -> None:
    answer = writer.get("/collaborators/reader/permission").json()
    assert (answer["permission"], answer["role_name"]) == ("read", "read")
    assert writer.get("/collaborators/acme/permission").json()["permission"] == "admin"
    assert reader.get("/collaborators/writer/permission").status_code == 403


WORKFLOW = {"message": "m", "content": "b246IHdvcmtmbG93X2Rpc3BhdGNoCg=="}


@pytest.mark.parametrize(
    ("kind", "grant", "status"),
    [
        ("classic", {"repo"}, 404),
        ("classic", {"repo", "workflow"}, 201),
        ("fine_grained", {"contents": "write"}, 403),
        ("fine_grained", {"contents": "write", "workflows": "write"}, 201),
        ("actions", {"contents": "write", "actions": "write"}, 403),
    ],
)
def test_a_workflow_file_needs_its_own_right(fake: FakeGitHub, kind: str, grant: Any, status: int) -> None:
    what: Any = {"scopes": grant} if kind == "classic" else {"permissions": grant}
    client = Client(fake, fake.token("x", kind=kind, rights={"acme/packages": "write"}, **what))
    assert client.ask("PUT", "/contents/.github/workflows/a.yml", json=WORKFLOW).status_code == status


def test_an_archived_repository_is_read_only(writer: Client, repository: Repository) -> None:
    repository.archived = True
    assert error_of(writer.ask("POST", "/releases", json={"tag_name": "x"}))[0] == 403
    assert writer.get("/releases").status_code == 200


def test_a_renamed_repository_is_found_at_its_new_place(fake: FakeGitHub, writer: Client, stranger: Client) -> None:
    release = writer.draft("tag")
    fake.rename_repo("acme/packages", "wheels")
    moved = writer.get("/releases?per_page=5")
    assert moved.status_code == 301
    assert moved.headers["Location"].endswith(f"/repositories/{fake.repo('acme/wheels').id}/releases?per_page=5")
    headers = {"Authorization": f"Bearer {writer.token.value if writer.token else ''}"}
    followed = requests.get(moved.headers["Location"], headers=headers, timeout=TIMEOUT)
    assert [found["id"] for found in followed.json()] == [release["id"]]
    assert writer.ask("POST", "/releases", json={"tag_name": "x", "draft": True}).status_code == 307
    assert writer.upload(release, "a", b"x").status_code == 307
    assert stranger.get("/releases").status_code == 404


def test_a_token_that_ends_says_when_and_is_bad_afterwards(fake: FakeGitHub, writer: Client) -> None:
    assert "github-authentication-token-expiration" not in writer.get("").headers
    assert writer.token is not None
    writer.token.expires_at = 1_800_000_000.0
    assert writer.get("").headers["github-authentication-token-expiration"] == "2027-01-15 08:00:00 UTC"
    fake.clock.advance(1_800_000_000 - fake.clock.now() + 1)
    assert error_of(writer.get(""))[:2] == (401, "Bad credentials")
