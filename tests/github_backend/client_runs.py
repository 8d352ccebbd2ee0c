"""Real clients with each kind of token against a real server: what happened, and what the client showed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from clients.matrix.steady_text import steady_text
from github_backend.real_server import GitHubWharf
from github_fake import FakeGitHub, Token
from pywharf_core.testing import make_wheel
from support.access_log import access_log, line_of_request
from support.clients import Clients, Ran

UPLOAD = "POST /repos/{o}/{r}/releases/{id}/assets"
ASSET = "GET /repos/{o}/{r}/releases/assets/{id}"

_WRITE, _READ = {"acme/packages": "write"}, {"acme/packages": "read"}

#: Another one for each run, by its name: a server remembers for a while whom it refused.
Make = Callable[[FakeGitHub, str], Token]


def _token(**more: object) -> Make:
    return lambda fake, name: fake.token(name, **more)  # type: ignore[arg-type]  # each has its own type


def _unknown(fake: FakeGitHub, name: str) -> Token:
    """One that GitHub never gave out."""
    token = fake.token(name)
    del fake.world.tokens[token.value]
    return token


@dataclass(frozen=True)
class Case:
    """Whose token it is, and when GitHub stops to accept it.

    :ivar known_before: the server saw the token in use before it was spoiled.
    :ivar spoil: what happens to it before the client runs.
    :ivar spoil_inside: while the client runs: when an upload has its asset, or a download asks for it.
    """

    key: str
    make: Make
    publishes: bool
    installs: bool
    known_before: bool = False
    spoil: Callable[[FakeGitHub, Token], object] | None = None
    spoil_inside: bool = False


def _revoke(fake: FakeGitHub, token: Token) -> None:
    token.revoke()


def _unauthorise(fake: FakeGitHub, token: Token) -> None:
    token.single_sign_on_missing = True


def _remove(fake: FakeGitHub, token: Token) -> None:
    fake.grant(token.login, "acme/packages", "none")


CASES = [
    Case("classic, of a writer", _token(rights=_WRITE), True, True),
    Case("classic, of a reader", _token(rights=_READ), False, True),
    Case("fine-grained, *Contents*: write", _token(kind="fine_grained", rights=_WRITE), True, True),
    Case(
        "fine-grained, *Contents*: read, of a writer",
        _token(kind="fine_grained", rights=_WRITE, permissions={"contents": "read"}),
        False,
        True,
    ),
    Case("GitHub App, *Contents*: write", _token(kind="installation", rights=_WRITE), True, True),
    Case("GitHub App, *Contents*: read", _token(kind="installation", rights=_READ), False, True),
    Case("Actions job, `contents: write`", _token(kind="actions", rights=_WRITE), True, True),
    Case("Actions job, `contents: read`", _token(kind="actions", rights=_READ), False, True),
    Case(
        "fine-grained, without *Contents*",
        _token(kind="fine_grained", rights=_READ, permissions={"metadata": "read"}),
        False,
        False,
    ),
    Case("not authorised for single sign-on", _token(rights=_WRITE), False, False, spoil=_unauthorise),
    Case("a stranger's", _token(), False, False),
    Case("unknown to GitHub", _unknown, False, False),
    Case("revoked before its first use", _token(rights=_WRITE), False, False, spoil=_revoke),
    Case("revoked after a use", _token(rights=_WRITE), False, False, known_before=True, spoil=_revoke),
    Case("revoked in the middle", _token(rights=_WRITE), False, False, known_before=True, spoil_inside=True),
    Case("the right was taken away", _token(rights=_WRITE), False, False, known_before=True, spoil=_remove),
]

PUBLISHERS, INSTALLERS = ("twine", "uv publish"), ("pip", "uv pip install")


@dataclass(frozen=True)
class Run:
    """:ivar works: whether the file is on GitHub, or installed, and the client ended well.
    :ivar status: of the server's last answer but for success; None: all were.
    :ivar said: what the client showed, without what differs from run to run.
    """

    works: bool
    status: int | None
    said: str
    output: str


@dataclass
class Runs:
    """Each run once, when it is first asked for.

    :ivar wharfs: by client: from one address a server takes a score of unknown secrets, and then makes it wait.
    :ivar writer: publishes what is to be installed.
    """

    wharfs: Mapping[str, GitHubWharf]
    clients: Clients
    folder: Path
    writer: Token
    _made: dict[tuple[str, str], Run] = field(default_factory=dict)

    def of(self, client: str, case: Case) -> Run:
        key = client, case.key
        if key not in self._made:
            self._made[key] = self._run(client, case)
        return self._made[key]

    def _run(self, client: str, case: Case) -> Run:
        publishing, wharf = client in PUBLISHERS, self.wharfs[client]
        wheel = make_wheel(self.folder / "dist", f"acme-tool-{len(self._made)}", "1.0")
        if not publishing:
            assert wharf.upload(wheel, self.writer).status == 200
        token = case.make(wharf.fake, f"caller-{len(self._made)}")
        if case.known_before:
            assert wharf.page("nothing", token).status == 404
        if case.spoil is not None:
            case.spoil(wharf.fake, token)
        if case.known_before and not case.spoil_inside:
            time.sleep(1.1)  # longer than the server believes what it was told: FORGETFUL
        if case.spoil_inside:
            if publishing:
                wharf.fake.faults.next(UPLOAD, then=token.revoke)
            else:
                wharf.fake.faults.next(ASSET, before=token.revoke)
        before = len(_statuses(wharf))
        ran, works = (
            self._publish(wharf, client, wheel, token) if publishing else self._install(wharf, client, wheel, token)
        )
        bad = [status for status in _statuses(wharf)[before:] if status >= 400]
        assert token.value not in ran.output, "a client shows the token"
        return Run(works, bad[-1] if bad else None, self._said(ran.output), ran.output)

    def _publish(self, wharf: GitHubWharf, client: str, wheel: Path, token: Token) -> tuple[Ran, bool]:
        upload = self.clients.twine_upload if client == "twine" else self.clients.uv_publish
        ran = upload(wharf.upload_url, "acme", token.value, wheel)
        published = wharf.repository.release(wheel.name) is not None
        assert published is (ran.status == 0), ran.output
        return ran, published

    def _install(self, wharf: GitHubWharf, client: str, wheel: Path, token: Token) -> tuple[Ran, bool]:
        project, module = wheel.name.split("-")[0].replace("_", "-"), wheel.name.split("-")[0]
        environment = self.clients.fresh_environment()
        install = environment.pip_install if client == "pip" else environment.uv_install
        ran = install("--no-cache-dir", "--index-url", wharf.index_url(token), project)
        installed = environment.version_of(module) == "1.0"
        assert installed is (ran.status == 0), ran.output
        return ran, installed

    def _said(self, output: str) -> str:
        text = steady_text(output, self.folder)
        text = re.sub(r"\n {6,}(?=\S)", " ", text)  # twine breaks lines
        text = re.sub(r"acme([-_])tool[-_]\d+", r"acme\1tool", text)
        lines = text.split("\n")
        begins = (number for number, line in enumerate(lines) if re.match(r" *(ERROR|WARNING|error|hint)\b", line))
        return "\n".join(line.rstrip() for line in lines[next(begins, len(lines)) :])


def _statuses(wharf: GitHubWharf) -> list[int]:
    """Of the requests so far; the last one of them is ours, and marks the end."""
    mark = wharf.server.ask("/nowhere").headers["x-request-id"]
    line_of_request(wharf.server.root, mark)
    return [line["status"] for line in access_log(wharf.server.root) if line["path"] != "/nowhere"]


def named(client: str) -> str:
    """With its version."""
    program, _, command = client.partition(" ")
    return f"{program} {version(program)}{f', `{client}`' if command else ''}"


def outcomes(runs: Runs, case: Case) -> Mapping[str, str]:
    """In a word each, by client."""
    words = {}
    for client in (*PUBLISHERS, *INSTALLERS):
        run = runs.of(client, case)
        done = "published" if client in PUBLISHERS else "installed"
        words[client] = done if run.works else f"no: {run.status}"
    return words
