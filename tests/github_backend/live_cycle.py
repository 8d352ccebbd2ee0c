"""All of a package's life in a throw-away private repository, by real processes: made, published, installed, deleted."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from pywharf_core import Secret
from pywharf_core.testing import make_sdist, make_wheel
from pywharf_github.client import Client
from pywharf_github.connections import Connections
from support.clean_environment import clean_environment
from support.clients import Clients
from support.listing import ACCEPT_JSON, listed
from support.running_server import PYWHARF, RunningServer, running_server, wait_until


@dataclass(frozen=True)
class Account:
    """:ivar token: that may make, write to and delete repositories.
    :ivar owner: a user or organisation; None: the token's user.
    """

    api_url: str
    token: str
    owner: str | None = None


def full_cycle(account: Account, folder: Path) -> None:
    """Whatever goes wrong, the repository is removed at the end."""
    repo = f"pywharf-throw-away-{secrets.token_hex(4)}"
    root = folder / "root"
    environment = {"PYWHARF_ADMIN_TOKEN": account.token}
    with _throw_away(account, repo, root) as config:
        assert "private" in _checked(folder, root, environment)
        with running_server(root, environment=environment) as server:
            _live(server, account.token, folder)
        again = folder / "another root"
        again.mkdir()
        for name in ("config.toml", "admin_secret.toml"):
            (again / name).write_bytes((root / name).read_bytes())
        with running_server(again, environment=environment) as server:
            assert _listed(server, account.token) == {"throw_away_thing-1.0-py3-none-any.whl"}, config


def _live(server: RunningServer, token: str, folder: Path) -> None:
    clients = Clients(folder / "home")
    wheel = make_wheel(folder / "dist", "throw-away-thing", "1.0", description="# A thing\n" * 2000)
    gone = make_sdist(folder / "dist", "throw-away-thing", "0.9")
    epoch = make_wheel(folder / "dist", "throw-away-thing", "1!0.1+local.1")
    for upload in (clients.twine_upload, clients.uv_publish):  # the same files again are no error
        ran = upload(f"{server.url}/simple/", "acme", token, wheel, gone, epoch)
        assert ran.status == 0, ran.output
    url = server.index_url("acme", token)
    with_pip, with_uv = clients.fresh_environment(), clients.fresh_environment()
    for install in (with_pip.pip_install, with_uv.uv_install):
        ran = install("--index-url", url, "throw-away-thing==1.0")
        assert ran.status == 0, ran.output
    assert with_pip.version_of("throw_away_thing") == with_uv.version_of("throw_away_thing") == "1.0"
    other = make_wheel(folder / "other", "throw-away-thing", "1.0")
    assert "409" in clients.twine_upload(f"{server.url}/simple/", "acme", token, other).output
    assert _manage(server, token, "1.0/yank", b"reason=Loses+data") < 400
    assert b'"yanked":"Loses data"' in _page(server, token)
    for version in ("0.9", "1!0.1+local.1"):
        assert _manage(server, token, f"{version}/delete") < 400
    assert _listed(server, token) == {wheel.name}
    ready = server.ask("/readyz")
    assert ready.status == 200, ready.text
    wait_until(lambda: _waiting(server, token) == 0, "all changes are in the index", patience=120)


@contextmanager
def _throw_away(account: Account, repo: str, root: Path) -> Iterator[str]:
    owned = () if account.owner is None else ("--owner", account.owner)
    made = subprocess.run(
        [PYWHARF, "github.init_pkg_repo", "--name", "acme", "--repo", repo, *owned, "--api_url", account.api_url, "--root",
         root, "--sync_index_interval", "2"],
        env={**clean_environment(root.parent), "PYWHARF_TOKEN": account.token},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    try:
        assert made.returncode == 0, made.stderr
        yield made.stdout
    finally:
        with closing(Connections(account.api_url)) as connections:
            owner = account.owner or connections.mine().ask(Secret(account.token), "GET", "/user").data["login"]
            client = Client(connections, str(owner), repo, Secret(account.token))
            answer = client.ask("DELETE", also=(HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN))
        assert answer.is_success, f"remove {owner}/{repo} by hand: {answer.reason}"


def _checked(folder: Path, root: Path, environment: Mapping[str, str]) -> str:
    ran = subprocess.run(
        [PYWHARF, "check", "--root", root],
        env={**clean_environment(folder), **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def _waiting(server: RunningServer, token: str) -> int:
    """Changes that are on their way into the remote index."""
    facts = _checked(server.root.parent, server.root, {"PYWHARF_ADMIN_TOKEN": token})
    [line] = [line for line in facts.splitlines() if "changes waiting" in line]
    return int(line.split()[-1])


def _manage(server: RunningServer, token: str, path: str, body: bytes = b"") -> int:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = server.ask(f"/manage/throw-away-thing/{path}", ("acme", token), method="POST", body=body, headers=form)
    return answer.status


def _page(server: RunningServer, token: str) -> bytes:
    return server.ask("/simple/throw-away-thing/", ("acme", token), headers=ACCEPT_JSON).body


def _listed(server: RunningServer, token: str) -> set[str]:
    return set(listed(_page(server, token)))
