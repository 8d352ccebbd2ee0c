"""A real server in processes of its own, whose repository ``acme`` lives in the stand-in for GitHub."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from github_fake import FakeGitHub, Repository, Token
from support.listing import ACCEPT_JSON, listed
from support.running_server import Answer, RunningServer, running_server
from support.uploads import encode, form_headers, form_of

#: What GitHub's rights are remembered for, as far as these tests can wait.
FORGETFUL = ("--auth_read_expires", "1", "--auth_write_expires", "1")

_IMPATIENT = """
import importlib.util

if importlib.util.find_spec("pywharf_github") is not None:
    from pywharf_github.connection import Timeouts

    Timeouts.__init__.__kwdefaults__.update(connect=2, api=2, transfer=2)
"""

_DISBELIEVING = """
import importlib.util

if importlib.util.find_spec("pywharf_github") is not None:
    import pywharf_github.access

    pywharf_github.access.BELIEVED_FOR = 0.0
"""


@dataclass(frozen=True)
class GitHubWharf:
    """:ivar server: its repository is ``acme``.
    :ivar admin: with which the server synchronises, and folds.
    """

    fake: FakeGitHub
    repository: Repository
    server: RunningServer
    admin: Token

    @property
    def upload_url(self) -> str:
        return f"{self.server.url}/simple/"

    def index_url(self, token: Token) -> str:
        return self.server.index_url("acme", token.value)

    def upload(self, wheel: Path, token: Token) -> Answer:
        """As twine sends it."""
        credentials = ("acme", token.value)
        return self.server.ask(
            "/simple/", credentials, method="POST", body=encode(form_of(wheel)), headers=form_headers()
        )

    def page(self, project: str, token: Token) -> Answer:
        return self.server.ask(f"/simple/{project}/", ("acme", token.value), headers=ACCEPT_JSON)

    def listed(self, project: str, token: Token) -> Mapping[str, str]:
        """sha256 by filename; empty: there is no such page."""
        answer = self.page(project, token)
        return listed(answer.body) if answer.status == 200 else {}


def configured(root: Path, fake: FakeGitHub, admin: Token | None, **keys: Any) -> Path:
    """A ROOT with the repository ``acme`` on ``acme/packages``.

    :param keys: as those of ``wharf_on``.
    """
    root.mkdir(parents=True, exist_ok=True)
    table: Mapping[str, object] = {
        "type": "github",
        "owner": "acme",
        "repo": "packages",
        "api_url": fake.api_url,
        "sync_index_interval": 1,
        "private": ["*"],
        **keys,
    }
    lines = [f"{name} = {_toml(value)}" for name, value in table.items()]
    (root / "config.toml").write_text("\n".join(["[acme]", *lines, ""]))
    if admin is not None:
        (root / "admin_secret.toml").write_text(f'[acme]\ntype = "github"\nraw = "{admin.value}"\n')
    return root


@contextmanager
def wharf_on(
    fake: FakeGitHub,
    root: Path,
    *flags: str,
    ready: bool = True,
    impatient: bool = False,
    disbelieving: bool = False,
    **keys: Any,
) -> Iterator[GitHubWharf]:
    """:param root: made if it is not there.
    :param impatient: GitHub counts as not answering after 2 s.
    :param disbelieving: what GitHub said of a token is too old at the next request, as it is else after a minute.
    :param keys: more of the repository's table; ``Any``, as each has its own type.
    """
    admin = fake.token("admin", rights={"acme/packages": "write"})
    configured(root, fake, admin, **keys)
    environment = {}
    if impatient or disbelieving:
        folder = root.with_name(f"{root.name}-changed")
        folder.mkdir(exist_ok=True)
        changes = (_IMPATIENT if impatient else "") + (_DISBELIEVING if disbelieving else "")
        (folder / "sitecustomize.py").write_text(changes)
        environment["PYTHONPATH"] = str(folder)
    with running_server(root, *flags, ready=ready, environment=environment) as server:
        yield GitHubWharf(fake, fake.repo("acme/packages"), server, admin)


def _toml(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)
