"""A stand-in with one private repository, and clients of each kind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from github_fake import FakeGitHub, Repository
from github_fake.tests.asking import Client


@pytest.fixture
def fake() -> Iterator[FakeGitHub]:
    with FakeGitHub.running() as fake:
        fake.add_repo("acme", "packages")
        yield fake


@pytest.fixture
def repository(fake: FakeGitHub) -> Repository:
    return fake.repo("acme/packages")


@pytest.fixture
def writer(fake: FakeGitHub) -> Client:
    return Client(fake, fake.token("writer", rights={"acme/packages": "write"}))


@pytest.fixture
def reader(fake: FakeGitHub) -> Client:
    return Client(fake, fake.token("reader", rights={"acme/packages": "read"}))


@pytest.fixture
def stranger(fake: FakeGitHub) -> Client:
    return Client(fake, fake.token("stranger"))
