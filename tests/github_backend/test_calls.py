"""What each operation asks of GitHub, counted by the stand-in.

The table in ``docs/github.md`` is what a run found; ``PYWHARF_WRITE_DOCS=1`` in the environment writes it anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import pytest

from github_backend.command import run
from github_backend.test_index_files import SHARDS
from github_fake import FakeGitHub, Token
from github_fake.calls import Calls
from pywharf_core import RedirectTo, Secret, changes, normalise, remote_changes, remote_notices
from pywharf_core.config import load_configuration
from pywharf_core.index.content import Content
from pywharf_core.index.document import encode_main, encode_shard
from pywharf_core.model import DistributionFile, ProjectStatus
from pywharf_core.plugins import Plugins
from pywharf_core.repository import Repository
from pywharf_core.root import Root
from pywharf_core.testing import make_upload
from pywharf_core.wharf import Wharf
from pywharf_github import plugin
from support.found_page import compare_or_write, table

PAGE = Path(__file__).parents[2] / "docs" / "github.md"
PROJECT = normalise("holygrail")
MANY = 250


@dataclass
class Given:
    """:ivar here: a server on which ``file`` is published, and in the index; ``there`` is another one, ``streaming`` a
    third that brings files through itself.
    """

    fake: FakeGitHub
    writer: Token
    folder: Path
    stack: ExitStack
    file: DistributionFile = field(init=False)

    def __post_init__(self) -> None:
        self.here, self.there = self.server("here"), self.server("there")
        self.streaming = self.server("streaming", downloads="stream")
        self.file = self.publish()
        remote_changes.fold(self.here)
        for repository in (self.here, self.there, self.streaming):
            repository.synchronise()

    @property
    def secret(self) -> Secret:
        return Secret(self.writer.value)

    @property
    def without_scopes(self) -> Secret:
        token = self.fake.token("reader", kind="fine_grained", rights={"acme/packages": "read"})
        return Secret(token.value)

    def server(self, name: str, **keys: str) -> Repository:
        admin = self.fake.token("admin", rights={"acme/packages": "write"})
        lines = [f'{key} = "{value}"' for key, value in {"owner": "acme", "repo": "packages", **keys}.items()]
        config = "\n".join(["[acme]", 'type = "github"', f'api_url = "{self.fake.api_url}"', *lines, ""])
        secret = f'[acme]\ntype = "github"\nraw = "{admin.value}"\n'
        wharf = Wharf.open(load_configuration(config, secret, Plugins.of(plugin)), Root(self.folder / name))
        repository = self.stack.enter_context(wharf).repositories["acme"]
        repository.synchronise()
        return repository

    def publish(self, version: str = "1.0", **more: object) -> DistributionFile:
        upload = make_upload(self.folder / version, version=version, **more)  # type: ignore[arg-type]  # each its own type
        return changes.publish(self.here, *upload, secret=self.secret).file

    def shard_the_index(self) -> None:
        """As if it were large: the file is in a shard, the others are empty."""
        repository = self.fake.repo("acme/packages")
        whole = {name: encode_shard(Content()) for name in SHARDS}
        self.fake.put_file(repository, "index.toml", encode_main(None, mtime=1))
        for name, content in whole.items():
            self.fake.put_file(repository, f"index/{name}.toml", content)
        for server in (self.here, self.there):
            server.synchronise()

    def add_many(self) -> None:
        for number in range(MANY):
            self.fake.add_release(self.fake.repo("acme/packages"), f"a-{number}.tar.gz", b"x")

    def command(self, *words: object) -> None:
        result = run(*words, PYWHARF_TOKEN=self.writer.value, GITHUB_API_URL=self.fake.api_url)
        assert result.exit_code == 0, result.output


Act = Callable[[Given], object]


@dataclass(frozen=True)
class Operation:
    """:ivar budget: requests that count against the rate limit, at most.
    :ivar before: what is not counted.
    """

    budget: int
    act: Act
    before: Act = lambda given: None  # noqa: ARG005 - nothing


def _read(repository: Repository, given: Given) -> object:
    found = repository.open_file(given.file, given.secret)
    if isinstance(found, RedirectTo):
        return found
    with found as stream:
        return _whole(stream, given.file)


def _whole(stream: BinaryIO, file: DistributionFile) -> bytes:
    content = stream.read()
    assert len(content) == file.size
    return content


def _publish_in_shards(given: Given) -> None:
    given.shard_the_index()
    given.publish("2.0")
    remote_changes.fold(given.here)


def _wait_in_shards(given: Given) -> None:
    given.shard_the_index()
    given.publish("2.0")
    given.here.synchronise()


def _spoil_index(given: Given, content: bytes | None) -> None:
    given.fake.put_file(given.fake.repo("acme/packages"), "index.toml", content)
    given.there.synchronise(sparing=True)


def _release_many(given: Given) -> None:
    given.add_many()


def _release_many_without_index(given: Given) -> None:
    given.add_many()
    _spoil_index(given, None)


def _release_many_and_sweep(given: Given) -> None:
    given.add_many()
    given.there.sweep(now=True)  # with what an earlier scan saw


INIT = ("github.init_pkg_repo", "--name", "acme", "--owner", "writer", "--repo", "more")

OPERATIONS: Mapping[str, Operation] = {
    "verifying a classic token; believed for a minute": Operation(
        1, lambda it: it.here.auth.access("acme", it.secret)
    ),
    "verifying a token without scopes": Operation(2, lambda it: it.here.auth.access("acme", it.without_scopes)),
    "verifying it again": Operation(
        0,
        lambda it: it.here.auth.access("acme", it.without_scopes),
        lambda it: it.here.auth.access("acme", it.without_scopes),
    ),
    "a page, HTML or JSON": Operation(0, lambda it: it.here.project_page(PROJECT)),
    "a file by redirect, for the first time in 4 minutes": Operation(1, lambda it: _read(it.here, it)),
    "a file by redirect, again, whoever asks": Operation(
        0, lambda it: _read(it.here, it), lambda it: _read(it.here, it)
    ),
    "a file through the server, for the first time": Operation(1, lambda it: _read(it.streaming, it)),
    "a file through the server, again": Operation(
        0, lambda it: _read(it.streaming, it), lambda it: _read(it.streaming, it)
    ),
    "metadata of a file, where it was published": Operation(0, lambda it: it.here.core_metadata(it.file, it.secret)),
    "metadata of a file, on another server, for the first time": Operation(
        1, lambda it: it.there.core_metadata(it.file, it.secret)
    ),
    "metadata of a file, again": Operation(
        0,
        lambda it: it.there.core_metadata(it.file, it.secret),
        lambda it: it.there.core_metadata(it.file, it.secret),
    ),
    "publishing a file": Operation(3, lambda it: it.publish("2.0")),
    "publishing a file with a README of 200 KB": Operation(
        4, lambda it: it.publish("2.0", description="x" * 200_000)
    ),
    "publishing the same file again": Operation(1, lambda it: it.publish()),
    "yanking a file": Operation(3, lambda it: changes.yank(it.here, PROJECT, "1.0", "bad", it.secret)),
    "deleting a file": Operation(4, lambda it: changes.delete(it.here, PROJECT, version="1.0", secret=it.secret)),
    "setting the status of a project": Operation(
        2, lambda it: changes.set_status(it.here, PROJECT, ProjectStatus.ARCHIVED, secret=it.secret)
    ),
    "a new server's first look": Operation(4, lambda it: it.server("new")),
    "a new server's first look, the index in 256 parts": Operation(
        4 + 256, lambda it: it.server("new"), lambda it: it.shard_the_index()
    ),
    "looking for changes, nothing new": Operation(0, lambda it: it.there.synchronise()),
    "looking for changes, nothing new, no index there": Operation(
        0, lambda it: it.there.synchronise(sparing=True), lambda it: _spoil_index(it, None)
    ),
    "looking for changes, nothing new, the index damaged": Operation(
        0, lambda it: it.there.synchronise(sparing=True), lambda it: _spoil_index(it, b"what is this?\n")
    ),
    f"reading everything instead of the index, {MANY} releases": Operation(
        3 + 2, lambda it: it.there.synchronise(), _release_many_without_index
    ),
    f"looking for what died, once a day, {MANY} releases": Operation(
        3, lambda it: it.there.sweep(now=True), _release_many_and_sweep
    ),
    "looking for changes, something new": Operation(
        3, lambda it: it.there.synchronise(), lambda it: (it.publish("2.0"), remote_changes.fold(it.here))
    ),
    "looking for changes, something new, the index in 256 parts": Operation(
        4,
        lambda it: it.there.synchronise(),
        _publish_in_shards,
    ),
    "writing all waiting changes into the index": Operation(
        1, lambda it: remote_changes.fold(it.here), lambda it: [it.publish(f"2.{number}") for number in range(5)]
    ),
    "the same, the index in 256 parts": Operation(
        3,
        lambda it: remote_changes.fold(it.here),
        _wait_in_shards,
    ),
    "a webhook's notice": Operation(0, lambda it: _notice(it), lambda it: it.publish("2.0")),
    f"`update_index`, {MANY} releases": Operation(
        3 + 7,
        lambda it: it.command(
            "update_index", "github", "acme", "--owner", "acme", "--repo", "packages",
            "--secret_env", "PYWHARF_TOKEN", "--api_url", it.fake.api_url,
        ),
        _release_many,
    ),
    "`check`": Operation(7, lambda it: _check(it)),
    "`github.init_pkg_repo`": Operation(6, lambda it: it.command(*INIT)),
    "`github.init_pkg_repo`, when all is there": Operation(
        3, lambda it: it.command(*INIT), lambda it: it.command(*INIT)
    ),
    f"`github.gen_gh_pages`, {MANY} releases": Operation(
        3 + 4,
        lambda it: it.command(
            "github.gen_gh_pages", "--name", "acme", "--owner", "acme", "--repo", "packages",
            "--output_folder", it.folder / "site",
        ),
        _release_many,
    ),
}  # fmt: skip


def _notice(given: Given) -> None:
    secret = Secret("hook")
    event = given.fake.events[-1]
    told = given.there.storage.read_notice(event.headers("hook"), event.body(), secret)
    assert told
    remote_notices.noticed(given.there, told)
    page, _ = given.there.project_page(PROJECT)
    assert {file.version for file in page.files} == {"1.0", "2.0"}


def _check(given: Given) -> None:
    root = given.folder / "checked"
    root.mkdir()
    (root / "config.toml").write_text(
        f'[acme]\ntype = "github"\nowner = "acme"\nrepo = "packages"\napi_url = "{given.fake.api_url}"\n'
    )
    (root / "admin_secret.toml").write_text(f'[acme]\ntype = "github"\nraw = "{given.writer.value}"\n')
    given.command("check", "--root", root)


@contextmanager
def _counted(folder: Path, operation: Operation) -> Iterator[Calls]:
    with FakeGitHub.running() as fake, ExitStack() as stack:
        fake.add_repo("acme", "packages")
        given = Given(fake, fake.token("writer", rights={"acme/packages": "write"}), folder, stack)
        operation.before(given)
        with fake.calls.during() as calls:
            operation.act(given)
        yield calls


class Counts:
    """Each operation is counted once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._counts: dict[str, tuple[int, int]] = {}

    def of(self, name: str) -> tuple[int, int]:
        """Requests to GitHub, but for those to its storage; and those of them that count."""
        if name not in self._counts:
            folder = self._folder / str(len(self._counts))
            with _counted(folder, OPERATIONS[name]) as calls:
                asked = [call for call in calls if not call.operation.endswith(" storage")]
                self._counts[name] = len(asked), calls.charged
        return self._counts[name]


@pytest.fixture(scope="module")
def counts(tmp_path_factory: pytest.TempPathFactory) -> Counts:
    return Counts(tmp_path_factory.mktemp("counts"))


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_keeps_within_its_budget(counts: Counts, name: str) -> None:
    _, charged = counts.of(name)
    assert charged <= OPERATIONS[name].budget


def test_the_page_tells_what_this_run_counted(counts: Counts) -> None:
    rows = [(name, *map(str, counts.of(name)), str(it.budget)) for name, it in OPERATIONS.items()]
    heads = ("what", "requests", "of them against the limit", "budget")
    compare_or_write(PAGE, {"requests": table(heads, rows)}, session="github")
