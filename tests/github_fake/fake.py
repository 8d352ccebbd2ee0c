"""The stand-in as a test sees it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Any
from unittest.mock import patch

from github_fake.asset_names import kept_name
from github_fake.calls import Calls
from github_fake.clock import Clock
from github_fake.connections import Listening
from github_fake.faults import Faults
from github_fake.front import Front
from github_fake.rate_limits import RateLimits
from github_fake.render import Renderer, Urls
from github_fake.storage import Storage
from github_fake.tokens import Role, Token, TokenKind, token_value
from github_fake.webhooks import Event
from github_fake.world import Release, Repository, World


@dataclass(frozen=True)
class Hosts:
    """Names, or addresses of the loopback network such as `127.0.0.2`, which reach other processes too.

    Names end in `.test`, and mean something inside `names_resolved`.
    """

    api: str = "127.0.0.1"
    uploads: str = "127.0.0.1"
    storage: str = "127.0.0.1"


class FakeGitHub:
    """See the package's description. Made by `running`."""

    def __init__(self, hosts: Hosts) -> None:
        self.hosts = hosts
        self.clock = Clock()
        self.world = World(self.clock)
        self.limits = RateLimits(self.clock)
        self._renderer = Renderer(self.world, Urls("", "", "", ""))
        self._storage = Storage(self.world, "")
        self._front = Front(self.world, self._renderer, self._storage, self.limits)
        named = [hosts.api, hosts.uploads, hosts.storage]
        if len(set(named)) > 1:
            self._front.hosts = dict(zip(("/api/v3", "/api/uploads", "/api/storage"), named, strict=True))
        addresses = list(dict.fromkeys(host if _is_address(host) else "127.0.0.1" for host in named))
        self._listening = Listening(self._front, addresses)
        self.port = self._listening.port
        self._renderer.urls = Urls(
            f"http://{hosts.api}:{self.port}/api/v3",
            f"http://{hosts.uploads}:{self.port}/api/uploads",
            f"http://{hosts.storage}:{self.port}/api/storage",
            f"http://{hosts.api}:{self.port}",
        )
        self._storage.base = self._renderer.urls.storage

    @classmethod
    @contextmanager
    def running(cls, *, hosts: Hosts | None = None) -> Iterator[FakeGitHub]:
        """Serve until the block ends, and fail it if a request or an answer was not as GitHub's document says."""
        fake = cls(hosts or Hosts())
        try:
            yield fake
        finally:
            fake.close()
        fake.check()

    @property
    def api_url(self) -> str:
        return self._renderer.urls.api

    @property
    def calls(self) -> Calls:
        return self._front.calls

    @property
    def faults(self) -> Faults:
        return self._front.faults

    @property
    def events(self) -> list[Event]:
        """The `release` events so far, of all repositories."""
        return self._front.events

    @property
    def violations(self) -> list[str]:
        """What `check` complains of. A test that breaks a rule on purpose clears it."""
        return self._front.violations

    @property
    def tokens_at_storage(self) -> list[str]:
        """Each `Authorization` that came to the storage host; a violation as well."""
        return self._storage.tokens_received

    def check(self) -> None:
        """:raises AssertionError: when GitHub's document was broken."""
        violations = list(dict.fromkeys(self.violations))
        assert not violations, "not as GitHub's document says:\n" + "\n".join(violations)

    def settle(self, *, patience: float = 30) -> None:
        """Let what stalls go on, and return when all requests so far are done with."""
        self.faults.release()
        busy, deadline = set(self._front.at_work), time.monotonic() + patience
        while busy & set(self._front.at_work):
            assert time.monotonic() < deadline, "a request does not end"
            time.sleep(0.005)

    def close(self) -> None:
        self.faults.release()
        self._listening.close()

    def add_user(self, login: str) -> None:
        with self.world.lock:
            self.world.account_id(login)

    def add_organization(self, name: str, *, members: tuple[str, ...] = ()) -> None:
        """:param members: who may make repositories in it."""
        with self.world.lock:
            self.world.organizations[name] = self.world.next_id()
            self.world.members[name] = set(members)

    def add_repo(
        self,
        owner: str,
        name: str,
        *,
        private: bool = True,
        auto_init: bool = True,
        immutable_releases: bool = False,
        collaborators: Mapping[str, str] | None = None,
    ) -> Repository:
        """:param auto_init: with a first commit, as releases need it.
        :param collaborators: roles (`read`, `triage`, `write`, `maintain`, `admin`) by login.
        """
        with self.world.lock:
            repository = self.world.add_repository(owner, name, private=private, auto_init=auto_init)
            repository.immutable_releases = immutable_releases
            repository.collaborators |= {login: Role.named(role) for login, role in (collaborators or {}).items()}
            return repository

    def repo(self, full_name: str) -> Repository:
        """:raises KeyError: when there is none of that name."""
        found = self.world.repository(full_name)
        if found is None:
            raise KeyError(full_name)
        return found

    def rename_repo(self, full_name: str, new_name: str) -> None:
        """Redirect the old name. A new repository of the old name ends that."""
        with self.world.lock:
            repository = self.repo(full_name)
            self.world.former_names[full_name.lower()] = repository.id
            repository.name = new_name

    def delete_repo(self, full_name: str) -> None:
        with self.world.lock:
            del self.world.repositories[self.repo(full_name).id]

    def grant(self, login: str, full_name: str, role: str) -> None:
        """Give a user a role, or with `none` take it away: also in mid-session."""
        with self.world.lock:
            self.repo(full_name).collaborators[login] = Role.named(role)

    def token(
        self,
        name: str,
        *,
        kind: TokenKind | str = TokenKind.CLASSIC,
        rights: Mapping[str, str] | None = None,
        scopes: frozenset[str] | set[str] | None = None,
        permissions: Mapping[str, str] | None = None,
        login: str | None = None,
    ) -> Token:
        """A token, whose ``value`` is what a client sends.

        :param name: of the token, and of its user unless ``login`` names one.
        :param kind: `classic`, `fine_grained`, `installation` (of an App), `actions` (of a job).
        :param rights: a role by `owner/name`: what the user is there; and of a token that is no classic one, the repositories
            that it is for. Without: a stranger.
        :param scopes: of a classic token; `repo` and `workflow` when not said.
        :param permissions: of another kind, such as ``{"contents": "read"}``; when not said, `contents` as the highest of
            ``rights`` has it.
        """
        kind = TokenKind(kind)
        roles = {repo: Role.named(role) for repo, role in (rights or {}).items()}
        writes = max(roles.values(), default=Role.READ) >= Role.WRITE
        with self.world.lock:
            login = login or (name if not kind.is_app else f"{name}[bot]")
            if not kind.is_app:
                self.world.account_id(login)
                for repo, role in roles.items():
                    self.repo(repo).collaborators[login] = role
            if kind is TokenKind.CLASSIC:
                token = Token(
                    name,
                    kind,
                    login,
                    token_value(kind, name),
                    scopes=frozenset({"repo", "workflow"} if scopes is None else scopes),
                )
            else:
                granted = {"contents": "write" if writes else "read"} if permissions is None else permissions
                token = Token(
                    name,
                    kind,
                    login,
                    token_value(kind, name),
                    permissions=dict(granted),
                    repositories=frozenset(self.repo(repo).full_name for repo in roles),
                )
            self.world.tokens[token.value] = token
            return token

    def add_release(
        self,
        repository: Repository,
        tag: str,
        content: bytes | None = None,
        *,
        body: str = "",
        name: str | None = None,
        asset_name: str | None = None,
        draft: bool = False,
        author: str | None = None,
    ) -> Release:
        """A release as another client would have left it, with one asset if ``content`` is given. No call, no event."""
        with self.world.lock:
            commit = repository.git.commit_of(repository.default_branch)
            assert commit is not None, "a release needs a commit"
            now, author = self.clock.now(), author or repository.owner
            release = Release(
                self.world.next_id(),
                tag,
                repository.default_branch,
                tag if name is None else name,
                body,
                author,
                created_at=commit.date,
                updated_at=now,
            )
            if content is not None:
                kept = kept_name(asset_name or tag)
                media_type = "application/octet-stream"
                self.world.add_asset(release, kept, content, uploader=author, content_type=media_type)
            repository.releases[release.id] = release
            if not draft:
                self.world.publish(repository, release)
            return release

    def unpublish(self, repository: Repository, tag: str) -> Release:
        """Make a release a draft, as a person does on GitHub's pages. No call, an event."""
        with self.world.lock:
            release = repository.release(tag)
            assert release is not None, f"no published release has the tag {tag}"
            release.published_at, release.updated_at = None, self.clock.now()
            self._front.notify(repository, "unpublished", repository.owner, release)
            return release

    def publish(self, repository: Repository, release: Release) -> None:
        """Publish a draft, likewise."""
        with self.world.lock:
            release.updated_at = self.clock.now()
            self.world.publish(repository, release)
            self._front.notify(repository, "published", repository.owner, release)

    def put_file(self, repository: Repository, path: str, content: bytes | None) -> None:
        """Commit a file on the default branch as somebody else would; None takes it away."""
        with self.world.lock:
            self.world.commit(repository, {path: content}, f"Change {path}", repository.owner)

    def release_event(self, repository: Repository, tag: str, action: str = "published") -> Event:
        """The event that GitHub would send of a published release."""
        with self.world.lock:
            release = repository.release(tag)
            assert release is not None, f"no published release has the tag {tag}"
            before = len(self.events)
            self._front.notify(repository, action, repository.owner, release)
            return self.events.pop(before)

    def with_limits(self, **limits: int) -> None:
        """Make limits small: ``fake.with_limits(listing=20)``; see `Limits`."""
        self.world.limits = replace(self.world.limits, **limits)


@contextmanager
def names_resolved() -> Iterator[None]:
    """In this process, each name that ends in `.test` is this machine."""
    original = socket.getaddrinfo

    def resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
        text = host.decode() if isinstance(host, bytes) else host
        return original("127.0.0.1" if isinstance(text, str) and text.endswith(".test") else host, *args, **kwargs)

    with patch("socket.getaddrinfo", resolve):
        yield


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
