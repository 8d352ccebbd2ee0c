"""A repository whose index is missing or damaged must not use up the rate limit by being looked at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from github_fake import FakeGitHub, Repository, Token
from pywharf_core import Secret, remote_changes
from pywharf_core.config import load_configuration
from pywharf_core.errors import WharfError
from pywharf_core.plugins import Plugins
from pywharf_core.repository import Repository as PackageRepository
from pywharf_core.root import Root
from pywharf_core.testing import make_upload
from pywharf_core.wharf import Wharf
from pywharf_github import plugin

RELEASES = "GET /repos/{o}/{r}/releases"
MANY = 250


@contextmanager
def server(fake: FakeGitHub, token: Token, root: Path, **keys: str) -> Iterator[PackageRepository]:
    lines = [f'{key} = "{value}"' for key, value in {"owner": "acme", "repo": "packages", **keys}.items()]
    config = "\n".join(["[acme]", 'type = "github"', f'api_url = "{fake.api_url}"', *lines, ""])
    secret = f'[acme]\ntype = "github"\nraw = "{token.value}"\n'
    with ExitStack() as stack:
        wharf = stack.enter_context(Wharf.open(load_configuration(config, secret, Plugins.of(plugin)), Root(root)))
        yield wharf.repositories["acme"]


@pytest.fixture
def many(fake: FakeGitHub, repository: Repository) -> None:
    for number in range(MANY):
        fake.add_release(repository, f"a-{number}.tar.gz", b"x")


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("content", [None, b"what is this?\n", b"mtime = 1\n"], ids=["absent", "damaged", "of 0.2"])
def test_looking_again_costs_nothing_while_nothing_changes(
    fake: FakeGitHub, repository: Repository, reader: Token, tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        fake.put_file(repository, "index.toml", content)
    with server(fake, reader, tmp_path / "root") as there:
        there.synchronise(sparing=True)
        with fake.calls.during() as calls:
            for _ in range(60):  # an hour
                there.synchronise(sparing=True)
        assert {call.status for call in calls} == {304}
        assert calls.charged == 0
        assert there.status().files == MANY


@pytest.mark.usefixtures("many")
def test_a_commit_that_brings_no_index_has_the_releases_read_only_if_it_changed_one(
    fake: FakeGitHub, repository: Repository, reader: Token, tmp_path: Path
) -> None:
    fake.put_file(repository, "index.toml", b"what is this?\n")
    with server(fake, reader, tmp_path / "root") as there:
        there.synchronise(sparing=True)
        fake.put_file(repository, "README.md", b"of something else\n")
        with fake.calls.during() as calls:
            there.synchronise(sparing=True)
        assert calls.count(RELEASES) == 0
        fake.put_file(repository, "index.toml", b"what is that?\n")
        with fake.calls.during() as calls:
            there.synchronise(sparing=True)
        assert calls.count(RELEASES) == 3


@pytest.mark.usefixtures("many")
def test_a_server_that_may_not_write_reads_the_releases_once_for_many_tries_to_make_an_index(
    fake: FakeGitHub, reader: Token, writer: Token, tmp_path: Path
) -> None:
    with server(fake, reader, tmp_path / "root") as there:
        there.synchronise(sparing=True)
        from_writer = there.storage.acting_as(Secret(writer.value)).add_file(*make_upload(tmp_path))
        with there.index.changing() as change:
            change.put_file(from_writer)
            remote_changes.settle(there, there.storage, change, None, from_writer, gone=False)
        with fake.calls.during() as calls:
            for _ in range(10):
                with pytest.raises(WharfError):
                    remote_changes.fold(there)
                there.synchronise(sparing=True)
        assert calls.count(RELEASES) == 3, "251 releases, once"
        assert calls.charged < 15
