"""What a new package repository needs: the repository, secrets, workflows, Pages, webhooks."""

from __future__ import annotations

from base64 import b64decode, b64encode

import pytest
from nacl.public import PublicKey, SealedBox

from github_fake import FakeGitHub, Repository
from github_fake.tests.asking import Client, error_of

WORKFLOW = b"name: Update the index\non: [release, workflow_dispatch]\n"


@pytest.fixture
def admin(fake: FakeGitHub) -> Client:
    return Client(fake, fake.token("admin", rights={"acme/packages": "admin"}))


def test_a_user_makes_a_repository(fake: FakeGitHub, writer: Client) -> None:
    asked = {"name": "wheels", "private": True, "auto_init": True}
    made = writer.ask("POST", "//user/repos", json=asked)
    assert made.status_code == 201
    assert (made.json()["full_name"], made.json()["private"]) == ("writer/wheels", True)
    assert fake.repo("writer/wheels").file("README.md") is not None
    assert error_of(writer.ask("POST", "//user/repos", json=asked))[0] == 422


def test_a_member_makes_a_repository_of_an_organisation(fake: FakeGitHub, writer: Client, reader: Client) -> None:
    fake.add_organization("tools", members=("writer",))
    asked = {"name": "wheels", "private": True}
    assert writer.ask("POST", "//orgs/tools/repos", json=asked).json()["owner"]["type"] == "Organization"
    assert reader.ask("POST", "//orgs/tools/repos", json=asked).status_code == 403
    assert writer.ask("POST", "//orgs/nowhere/repos", json=asked).status_code == 404
    assert fake.repo("tools/wheels").file("README.md") is None


def test_the_token_of_a_job_makes_no_repository(fake: FakeGitHub) -> None:
    client = Client(fake, fake.token("job", kind="actions", rights={"acme/packages": "write"}))
    assert client.ask("POST", "//user/repos", json={"name": "x"}).status_code == 403


def test_an_empty_repository_gets_its_first_file(fake: FakeGitHub) -> None:
    repository = fake.add_repo("acme", "empty", auto_init=False)
    client = Client(fake, fake.token("x", rights={"acme/empty": "write"}), "acme/empty")
    assert error_of(client.get("/git/ref/heads/main"))[0] == 409
    assert error_of(client.get("/contents/README.md"))[0] == 404
    made = client.ask("PUT", "/contents/README.md", json={"message": "m", "content": "eA=="})
    assert made.status_code == 201
    assert repository.file("README.md") == b"x"


def test_a_secret_is_sealed_for_the_repository(writer: Client, reader: Client, repository: Repository) -> None:
    key = writer.get("/actions/secrets/public-key").json()
    sealed = SealedBox(PublicKey(b64decode(key["key"]))).encrypt(b"hush")
    asked = {"key_id": key["key_id"], "encrypted_value": b64encode(sealed).decode()}
    assert writer.ask("PUT", "/actions/secrets/TOKEN", json=asked).status_code == 201
    assert writer.ask("PUT", "/actions/secrets/TOKEN", json=asked).status_code == 204
    assert repository.secret("TOKEN") == "hush"
    assert writer.get("/actions/secrets/TOKEN").json()["name"] == "TOKEN"
    assert writer.get("/actions/secrets").json()["total_count"] == 1
    wrong = asked | {"encrypted_value": b64encode(b"x" * 64).decode()}
    assert writer.ask("PUT", "/actions/secrets/TOKEN", json=wrong).status_code == 422
    assert reader.get("/actions/secrets/public-key").status_code == 404
    assert writer.ask("DELETE", "/actions/secrets/TOKEN").status_code == 204
    assert writer.get("/actions/secrets/TOKEN").status_code == 404


def test_a_workflow_is_known_by_its_file_and_started(fake: FakeGitHub, writer: Client, repository: Repository) -> None:
    fake.put_file(repository, ".github/workflows/update.yml", WORKFLOW)
    fake.put_file(repository, ".github/workflows/other.yml", b"on: push\n")
    assert writer.get("/actions/workflows").json()["total_count"] == 2
    workflow = writer.get("/actions/workflows/update.yml").json()
    assert workflow["name"] == "Update the index"
    for name in ("update.yml", str(workflow["id"])):
        assert writer.ask("POST", f"/actions/workflows/{name}/dispatches", json={"ref": "main"}).status_code == 204
    details = writer.ask(
        "POST",
        "/actions/workflows/update.yml/dispatches",
        json={"ref": "main", "inputs": {"a": "b"}, "return_run_details": True},
    )
    assert details.json()["workflow_run_id"] == repository.workflow_dispatches[-1]["run"]
    assert len(repository.workflow_dispatches) == 3
    untriggered = writer.ask("POST", "/actions/workflows/other.yml/dispatches", json={"ref": "main"})
    assert error_of(untriggered)[0] == 422
    assert writer.ask("POST", "/actions/workflows/none.yml/dispatches", json={"ref": "main"}).status_code == 404


def test_an_event_is_dispatched(writer: Client, reader: Client, repository: Repository) -> None:
    event = {"event_type": "update", "client_payload": {"tag": "x"}}
    assert writer.ask("POST", "/dispatches", json=event).status_code == 204
    assert repository.dispatches == [event]
    assert reader.ask("POST", "/dispatches", json=event).status_code == 404


def test_pages_are_switched_on_once_by_who_may(admin: Client, writer: Client) -> None:
    asked = {"build_type": "legacy", "source": {"branch": "main", "path": "/"}}
    assert admin.get("/pages").status_code == 404
    assert writer.ask("POST", "/pages", json=asked).status_code == 403
    absent = asked | {"source": {"branch": "gh-pages", "path": "/"}}
    assert error_of(admin.ask("POST", "/pages", json=absent))[0] == 422
    assert admin.ask("POST", "/pages", json=asked).status_code == 201
    assert admin.ask("POST", "/pages", json=asked).status_code == 409
    assert admin.get("/pages").json()["source"] == asked["source"]
    assert admin.ask("DELETE", "/pages").status_code == 204


def test_settings_of_a_repository(admin: Client, writer: Client, repository: Repository) -> None:
    assert admin.get("/immutable-releases").status_code == 404
    assert admin.ask("PUT", "/immutable-releases").status_code == 204
    assert admin.get("/immutable-releases").json()["enabled"] is True
    assert admin.ask("DELETE", "/immutable-releases").status_code == 204
    permissions = {"default_workflow_permissions": "write", "can_approve_pull_request_reviews": False}
    assert admin.ask("PUT", "/actions/permissions/workflow", json=permissions).status_code == 204
    assert admin.get("/actions/permissions/workflow").json() == permissions
    assert writer.ask("PATCH", "", json={"description": "x"}).status_code == 403
    assert admin.ask("PATCH", "", json={"description": "x"}).json()["description"] == "x"
    assert admin.ask("DELETE", "").status_code == 403
    deleter = Client(
        admin.fake, admin.fake.token("d", rights={"acme/packages": "admin"}, scopes={"repo", "delete_repo"})
    )
    assert deleter.ask("DELETE", "").status_code == 204
    assert deleter.get("").status_code == 404


def test_a_webhook_is_made_once_and_keeps_its_secret(admin: Client, writer: Client) -> None:
    config = {"url": "https://index.example/webhook/main/", "content_type": "json", "secret": "hush"}
    asked = {"name": "web", "events": ["release"], "config": config}
    assert writer.ask("POST", "/hooks", json=asked).status_code == 403
    made = admin.ask("POST", "/hooks", json=asked)
    assert (made.status_code, made.json()["config"]["secret"]) == (201, "********")
    assert error_of(admin.ask("POST", "/hooks", json=asked))[0] == 422
    (listed,) = admin.get("/hooks").json()
    assert listed["events"] == ["release"]
