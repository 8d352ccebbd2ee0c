"""A real server in front of GitHub with a fault: what the client saw, what was left on GitHub, how it healed."""

from __future__ import annotations

import hashlib
import itertools
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

from github_backend.command import run
from github_backend.real_server import GitHubWharf, wharf_on
from github_fake import FakeGitHub, Hosts, Release, Repository, Token
from pywharf_core.testing import make_wheel
from support.running_server import Answer, wait_until

DRAFT = "POST /repos/{o}/{r}/releases"
UPLOAD = "POST /repos/{o}/{r}/releases/{id}/assets"
PUBLISH = "PATCH /repos/{o}/{r}/releases/{id}"
#: Requests of an upload, whatever goes wrong.
UPLOADING = (
    DRAFT,
    UPLOAD,
    PUBLISH,
    "GET /repos/{o}/{r}/releases/{id}",
    "GET /repos/{o}/{r}/releases/{id}/assets",
    "DELETE /repos/{o}/{r}/releases/assets/{id}",
)
ASSET = "GET /repos/{o}/{r}/releases/assets/{id}"
BYTES = "GET storage"

_BROKEN = "the connection breaks"


#: How a cut connection is noticed depends on what was on its way in that moment.
_CUT = re.compile(r"RemoteDisconnected|BrokenPipeError|ConnectionAbortedError|IncompleteRead")


@dataclass(frozen=True)
class Found:
    """A row of the table."""

    saw: str
    left: str
    healed: str


@dataclass
class Stage:
    """:ivar wharf: sends clients on to GitHub for files; ``streaming`` brings files through itself. Neither looks for
    changes by itself, nor writes the index: that is left to servers of a test's own.
    """

    fake: FakeGitHub
    repository: Repository
    wharf: GitHubWharf
    streaming: GitHubWharf
    writer: Token
    folder: Path
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @contextmanager
    def server(self, *, again_on: Path | None = None, **keys: Any) -> Iterator[GitHubWharf]:
        """One of its own. It writes the index 2 s after a change.

        :param again_on: the ROOT of one that is dead; None: a new one.
        :param keys: of the repository's table; ``Any``, as each has its own type.
        """
        root = again_on or self.folder / f"root-{next(self.numbers)}"
        with wharf_on(self.fake, root, **{"sync_index_interval": 3600, **keys}) as wharf:
            yield wharf

    def wheel(self, *, padding: int = 3000) -> Path:
        """Of a project that nobody else uses."""
        return make_wheel(self.folder / "dist", f"thing-{next(self.numbers)}", "1.0", padding=padding)

    def other(self, wheel: Path) -> Path:
        """Of the same name, with other content."""
        return make_wheel(self.folder / "other", project_of(wheel), "1.0", summary="another")

    def published(self, wharf: GitHubWharf | None = None) -> Path:
        wheel = self.wheel(padding=400_000)
        assert (wharf or self.wharf).upload(wheel, self.writer).status == 200
        return wheel

    def upload(self, wheel: Path, wharf: GitHubWharf | None = None) -> str:
        """In the words of the table."""
        try:
            return said(wheel, (wharf or self.wharf).upload(wheel, self.writer))
        except (HTTPException, OSError):
            return "the connection breaks"

    def download(
        self, wheel: Path, wharf: GitHubWharf | None = None, token: Token | None = None, *, more: str = ""
    ) -> Answer:
        """:param more: ``.metadata`` for the metadata."""
        path = f"/simple/{project_of(wheel)}/{wheel.name}{more}"
        return (wharf or self.wharf).server.ask(path, ("acme", (token or self.writer).value))

    def page(self, wheel: Path, wharf: GitHubWharf | None = None) -> Answer:
        return (wharf or self.wharf).page(project_of(wheel), self.writer)

    def is_listed(self, wheel: Path, wharf: GitHubWharf | None = None) -> bool:
        return (wharf or self.wharf).listed(project_of(wheel), self.writer) == {wheel.name: sha256(wheel)}

    def is_in_index(self, wheel: Path) -> bool:
        return wheel.name.encode() in (self.repository.file("index.toml") or b"")

    def update_index(self) -> None:
        """What the workflow does."""
        table = ("--owner", "acme", "--repo", "packages", "--api_url", self.fake.api_url)
        ran = run("update_index", "github", "acme", *table, "--secret_env", "TOKEN", TOKEN=self.writer.value)
        assert ran.exit_code == 0, ran.output

    def set_clock(self, hours: float) -> None:
        """GitHub's, so far ahead of everybody else's."""
        self.fake.clock.advance(time.time() + hours * 3600 - self.fake.clock.now())

    def calm(self) -> None:
        """The fault is over."""
        self.fake.faults.clear()
        self.fake.settle()
        self.fake.violations.clear()  # of what was cut off half-way
        self.fake.limits.of(self.writer).used = 0
        self.writer.restore()


Fault = Callable[[Stage], Found]


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    keys: dict[str, Any] = {"sync_index_interval": 3600, "index_updates": "service"}
    with FakeGitHub.running(hosts=Hosts(storage="127.0.0.2")) as fake, ExitStack() as stack:
        repository = fake.add_repo("acme", "packages")
        writer = fake.token("writer", rights={"acme/packages": "write"})
        wharf = stack.enter_context(wharf_on(fake, folder / "root", impatient=True, **keys))
        streaming = stack.enter_context(
            wharf_on(fake, folder / "streaming", impatient=True, downloads="stream", **keys)
        )
        yield Stage(fake, repository, wharf, streaming, writer, folder)
        assert not fake.tokens_at_storage


def healed(on: Stage, wheel: Path, saw: str, wharf: GitHubWharf, *, requests: int = 3) -> str:
    """What it took until the file is there, once, whole and listed, in words.

    :param requests: that the upload took; more than three if something went wrong.
    """
    words = "nothing to heal" if requests == 3 else f"by itself, with {requests} requests"
    if saw != "200":
        words = f"the next try: {on.upload(wheel, wharf)}"
    if on.repository.drafts():
        on.fake.clock.advance(3700)
        on.update_index()
        words += "; the draft is removed after an hour"
    [release] = [it for it in on.repository.releases.values() if it.tag_name == wheel.name]
    assert not release.draft
    [asset] = release.assets.values()
    assert asset.content == wheel.read_bytes()
    assert not on.repository.drafts()
    assert on.is_listed(wheel, wharf)
    return words


def left_on_github(repository: Repository, wheel: Path) -> str:
    """In words, right after the client has its answer."""
    found = [release for release in list(repository.releases.values()) if release.tag_name == wheel.name]
    return " and ".join(sorted(map(_described, found), reverse=True)) or "nothing"


def _described(release: Release) -> str:
    if not release.draft:
        return "the release" if release.assets else "a release without the file"
    states = {asset.state for asset in release.assets.values()}
    if not states:
        return "an empty draft"
    return "a draft with the whole file" if states == {"uploaded"} else "a draft with half the file"


def said(wheel: Path, answer: Answer) -> str:
    """The status, and the sentence of an error; how often clients shall try again is told where it is told."""
    if answer.status < 400:
        return str(answer.status)
    sentence = answer.text.splitlines()[0].replace(wheel.name, "FILE").replace(project_of(wheel), "PROJECT")
    return f"{answer.status}: {_CUT.sub('ConnectionResetError', sentence)}"


def project_of(wheel: Path) -> str:
    return wheel.name.split("-")[0].replace("_", "-")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def until(condition: Callable[[], bool], what: str) -> None:
    wait_until(condition, what, patience=60)
