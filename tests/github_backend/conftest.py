"""A private repository `acme/packages` in the stand-in, and storages on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from github_backend.opened import Opened
from github_fake import FakeGitHub, Repository, Token
from pywharf_github.storage import GitHubStorage


@pytest.fixture
def fake() -> Iterator[FakeGitHub]:
    with FakeGitHub.running() as running:
        yield running


@pytest.fixture
def repository(fake: FakeGitHub) -> Repository:
    return fake.add_repo("acme", "packages")


@pytest.fixture
def writer(fake: FakeGitHub, repository: Repository) -> Token:
    return fake.token("writer", rights={"acme/packages": "write"})


@pytest.fixture
def reader(fake: FakeGitHub, repository: Repository) -> Token:
    return fake.token("reader", rights={"acme/packages": "read"})


@pytest.fixture
def opened(fake: FakeGitHub, repository: Repository, tmp_path: Path) -> Iterator[Opened]:
    with Opened.on(fake.api_url, tmp_path / "work", lambda: datetime.fromtimestamp(fake.clock.now(), UTC)) as opening:
        yield opening


@pytest.fixture
def storage(opened: Opened, writer: Token) -> GitHubStorage:
    return opened.storage(writer)


@pytest.fixture
def reopen(opened: Opened, writer: Token) -> Callable[[], GitHubStorage]:
    return lambda: opened.storage(writer)
