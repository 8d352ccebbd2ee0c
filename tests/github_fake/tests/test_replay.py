"""The comparison with recordings sees what differs."""

from __future__ import annotations

from typing import Any

import pytest

from github_fake import FakeGitHub
from github_fake.evidence.recordings import Recorded
from github_fake.evidence.replay import Replay


def recorded(**changes: Any) -> Recorded:
    values = {
        "method": "GET",
        "host": "api.github.com",
        "target": "/repos/acme/packages/git/ref/heads/main",
        "body": None,
        "status": 200,
        "headers": {"etag": "x", "x-unused": "y"},
        "answer": {
            "ref": "refs/heads/main",
            "node_id": "x",
            "url": "x",
            "object": {"sha": "x", "type": "commit", "url": "x"},
        },
        "anonymous": False,
        "year": 2024,
    }
    return Recorded(**{**values, **changes})


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({}, None),
        ({"status": 404}, "recorded was 404"),
        ({"headers": {"link": "x", "location": "y"}}, "the headers ['location'] are missing"),
        (
            {"answer": {"ref": "x", "node_id": "x", "url": "x", "object": {}}},
            "GitHub did not say ['sha', 'type', 'url']",
        ),
        ({"answer": {"refs": "x"}}, "lacks ['refs']"),
        ({"answer": {"ref": "x", "node_id": "x", "url": 1, "object": None}}, "recorded was 1"),
        ({"answer": {"refs": "x"}, "year": 2012}, None),
    ],
)
def test_a_difference_is_seen(fake: FakeGitHub, changes: dict[str, Any], difference: str | None) -> None:
    (found,) = Replay(fake, [recorded(**changes)]).differences().values()
    assert (difference or "") in "".join(found)
    assert bool(found) == (difference is not None)


def test_what_the_stand_in_does_not_know_is_not_compared(fake: FakeGitHub) -> None:
    assert Replay(fake, [recorded(target="/repos/acme/packages/labels")]).differences() == {}
