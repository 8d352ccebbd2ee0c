"""Releases: what a draft is, when a tag is taken, how far a listing goes."""

from __future__ import annotations

from typing import Any

import pytest

from github_fake import FakeGitHub, Repository
from github_fake.tests.asking import Client, error_of

TAG = "pkg-1.0+local.1-py3-none-any.whl"


def test_a_draft_has_no_tag_and_readers_do_not_see_it(writer: Client, reader: Client, repository: Repository) -> None:
    draft = writer.draft(TAG)
    assert writer.get(f"/releases/{draft['id']}").status_code == 200
    assert reader.get(f"/releases/{draft['id']}").status_code == 404
    assert writer.get(f"/releases/tags/{TAG.replace('+', '%2B')}").status_code == 404
    assert [release["id"] for release in writer.get("/releases").json()] == [draft["id"]]
    assert reader.get("/releases").json() == []
    assert f"refs/tags/{TAG}" not in repository.git.refs


def test_publishing_makes_the_tag_and_shows_the_release(writer: Client, reader: Client, repository: Repository) -> None:
    release = writer.published(TAG)
    assert reader.get(f"/releases/tags/{TAG.replace('+', '%2B')}").json()["id"] == release["id"]
    assert repository.git.refs[f"refs/tags/{TAG}"] == repository.git.refs["refs/heads/main"]
    assert release["assets"][0]["name"] == TAG


def test_of_two_drafts_of_one_tag_the_first_that_is_published_wins(writer: Client) -> None:
    first, second = writer.draft(TAG), writer.draft(TAG)
    assert writer.publish(second).status_code == 200
    assert error_of(writer.publish(first)) == (422, "Validation Failed", "already_exists tag_name")
    taken = writer.ask("POST", "/releases", json={"tag_name": TAG})
    assert error_of(taken) == (422, "Validation Failed", "already_exists tag_name")


def test_a_body_of_125000_characters_is_the_longest(writer: Client) -> None:
    release = writer.draft(TAG, body="ä" * 125_000)
    too_long = writer.ask("PATCH", f"/releases/{release['id']}", json={"body": "x" * 125_001})
    assert error_of(too_long)[2] == "custom body body is too long (maximum is 125000 characters)"


def test_a_deleted_release_leaves_its_tag(writer: Client, repository: Repository) -> None:
    release = writer.published(TAG)
    assert writer.ask("DELETE", f"/releases/{release['id']}").status_code == 204
    assert writer.get(f"/releases/tags/{TAG.replace('+', '%2B')}").status_code == 404
    assert f"refs/tags/{TAG}" in repository.git.refs
    assert writer.ask("DELETE", f"/git/refs/tags/{TAG}").status_code == 204
    assert f"refs/tags/{TAG}" not in repository.git.refs


@pytest.mark.parametrize("tag", ["two words", "a..b", "a~b", "a^b", "a:b", "a?b", "a*b", "a[b", "a\\b", "a.lock", "a."])
def test_a_tag_that_git_does_not_take_cannot_be_published(writer: Client, tag: str) -> None:
    answer = writer.publish(writer.draft(tag))
    assert (answer.status_code, answer.json()["status"]) == (422, "422")
    assert [error["message"] for error in answer.json()["errors"]] == [
        "tag_name is not a valid tag",
        "tag_name is not well-formed",
        "Published releases must have a valid tag",
    ]


def test_a_listing_says_how_to_go_on_and_ends_at_its_cap(
    fake: FakeGitHub, writer: Client, repository: Repository
) -> None:
    fake.with_limits(listing=20)
    for number in range(23):
        fake.add_release(repository, f"pkg-{number:02}.whl")
    first = writer.get("/releases?per_page=10")
    assert first.links["next"]["url"].endswith("/releases?per_page=10&page=2")
    assert first.links["last"]["url"].endswith("page=3")
    second = writer.get("/releases?per_page=10&page=2")
    assert {release["id"] for release in first.json()}.isdisjoint(release["id"] for release in second.json())
    past = writer.get("/releases?per_page=10&page=3")
    assert error_of(past) == (422, "Only the first 20 results are available.", None)


def test_a_listing_is_not_in_the_order_of_uploads(fake: FakeGitHub, writer: Client, repository: Repository) -> None:
    for tag in ("b", "a", "c"):
        fake.add_release(repository, tag)
    assert [release["tag_name"] for release in writer.get("/releases").json()] == ["c", "b", "a"]


def test_an_immutable_release_keeps_its_assets_and_burns_its_tag(fake: FakeGitHub) -> None:
    repository = fake.add_repo("acme", "locked", immutable_releases=True)
    client = Client(fake, fake.token("owner", rights={"acme/locked": "admin"}), "acme/locked")
    release = client.published("pkg.whl")
    assert release["immutable"] is True
    refused = client.upload(release, "more.whl", b"x")
    assert error_of(refused) == (422, "Cannot upload assets to an immutable release.", None)
    assert error_of(client.ask("DELETE", f"/releases/assets/{release['assets'][0]['id']}"))[0] == 422
    assert client.ask("PATCH", f"/releases/{release['id']}", json={"body": "notes"}).json()["body"] == "notes"
    assert error_of(client.ask("PATCH", f"/releases/{release['id']}", json={"tag_name": "x"}))[0] == 422
    assert error_of(client.ask("DELETE", "/git/refs/tags/pkg.whl"))[0] == 422
    assert client.ask("DELETE", f"/releases/{release['id']}").status_code == 204
    again = error_of(client.publish(client.draft("pkg.whl")))
    assert again[2] == "custom tag_name tag_name was used by an immutable release"
    assert repository.release("pkg.whl") is None


def test_an_empty_repository_takes_no_release(fake: FakeGitHub) -> None:
    fake.add_repo("acme", "empty", auto_init=False)
    client = Client(fake, fake.token("owner", rights={"acme/empty": "admin"}), "acme/empty")
    answer = client.ask("POST", "/releases", json={"tag_name": "x", "draft": True})
    assert error_of(answer) == (422, "Validation Failed", "custom Repository is empty.")


def test_latest_is_what_was_made_so(writer: Client) -> None:
    assert writer.get("/releases/latest").status_code == 404
    writer.published("b.whl")
    made: Any = writer.ask("POST", "/releases", json={"tag_name": "a.whl", "make_latest": "true"}).json()
    writer.published("c.whl")
    assert writer.get("/releases/latest").json()["id"] == made["id"]


def test_each_change_of_a_published_release_is_an_event(fake: FakeGitHub, writer: Client) -> None:
    release = writer.published(TAG)
    writer.ask("PATCH", f"/releases/{release['id']}", json={"body": "new"})
    writer.ask("DELETE", f"/releases/{release['id']}")
    assert [event.action for event in fake.events] == ["published", "edited", "deleted"]
    assert fake.events[0].payload["release"]["assets"][0]["name"] == TAG
    assert fake.events[0].payload["repository"]["full_name"] == "acme/packages"
    assert fake.events[0].headers("secret")["X-Hub-Signature-256"].startswith("sha256=")
