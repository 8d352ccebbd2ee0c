"""Limits of requests."""

from __future__ import annotations

import pytest

from github_fake import FakeGitHub
from github_fake.tests.asking import Client, error_of


@pytest.mark.parametrize("status", [403, 429])
def test_an_allowance_that_is_used_up_comes_back_with_time(fake: FakeGitHub, reader: Client, status: int) -> None:
    fake.clock.stop()
    fake.limits.refusing_status = status
    assert reader.get("").headers["X-RateLimit-Remaining"] == "4999"
    fake.limits.exhaust(reader.token, for_seconds=100)
    refused = reader.get("")
    assert error_of(refused)[:2] == (status, "API rate limit exceeded for user ID reader.")
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert reader.get("//rate_limit").json()["resources"]["core"]["remaining"] == 0
    fake.clock.advance(101)
    assert reader.get("").status_code == 200


def test_a_user_has_one_allowance_and_an_app_its_own(fake: FakeGitHub, reader: Client) -> None:
    second = Client(fake, fake.token("second", login="reader", rights={"acme/packages": "read"}))
    job = Client(fake, fake.token("job", kind="actions", rights={"acme/packages": "read"}))
    reader.get("")
    assert second.get("").headers["X-RateLimit-Used"] == "2"
    assert job.get("").headers["X-RateLimit-Limit"] == "1000"
    assert job.get("").headers["X-RateLimit-Used"] == "2"


def test_creating_content_too_fast_is_the_secondary_limit(fake: FakeGitHub, writer: Client) -> None:
    fake.limits.content_per_minute = 3
    for number in range(3):
        writer.draft(f"tag-{number}")
    refused = writer.ask("POST", "/releases", json={"tag_name": "tag-3", "draft": True})
    assert refused.status_code == 403
    assert "secondary rate limit" in refused.json()["message"]
    fake.clock.advance(int(refused.headers["Retry-After"]))
    writer.draft("tag-3")


def test_calls_are_counted(fake: FakeGitHub, writer: Client) -> None:
    with fake.calls.during() as calls:
        writer.published("tag")
    assert calls.operations == [
        "POST /repos/{owner}/{repo}/releases",
        "POST /repos/{owner}/{repo}/releases/{release_id}/assets",
        "PATCH /repos/{owner}/{repo}/releases/{release_id}",
    ]
    assert (len(calls), calls.charged, calls.count("POST /repos/{o}/{r}/releases")) == (3, 3, 1)
    writer.get("//rate_limit")
    assert (len(calls), len(fake.calls), fake.calls.charged) == (3, 4, 3)
    with pytest.raises(KeyError, match="no operation"):
        calls.count("POST /nowhere")
