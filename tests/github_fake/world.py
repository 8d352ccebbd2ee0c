"""What GitHub holds: users, repositories, releases, assets."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from nacl.public import PrivateKey, SealedBox

from github_fake.clock import Clock
from github_fake.git_objects import Entry, GitRepository
from github_fake.tokens import Role, Token


@dataclass(frozen=True)
class Limits:
    """What GitHub refuses; a test may make them small.

    :ivar listing: releases that a listing reaches.
    :ivar asset_bytes: the largest asset.
    :ivar json_contents: bytes of a file up to which its JSON form has its content.
    :ivar raw_contents: bytes of a file up to which it is served at all.
    :ivar written_contents: bytes of a file that "contents" takes.
    :ivar tree_entries: of a tree, before it is cut short.
    :ivar signed_url: seconds that a link to the storage lives.
    """

    listing: int = 10_000
    assets: int = 1_000
    asset_bytes: int = 2_147_483_648
    body: int = 125_000
    json_contents: int = 1024 * 1024
    raw_contents: int = 100 * 1024 * 1024
    written_contents: int = 30 * 1024 * 1024
    directory: int = 1_000
    tree_entries: int = 100_000
    signed_url: int = 300


@dataclass
class Asset:
    """:ivar state: `uploaded`, or `starter` when the upload broke off.
    :ivar digest: `sha256:…`; None: uploaded before GitHub computed them.
    """

    id: int
    name: str
    content: bytes
    content_type: str
    uploader: str
    created_at: float
    updated_at: float
    label: str | None = None
    state: str = "uploaded"
    digest: str | None = None
    download_count: int = 0


@dataclass
class Release:
    """:ivar created_at: the date of the commit, not of the release.
    :ivar published_at: None: a draft.
    """

    id: int
    tag_name: str
    target_commitish: str
    name: str | None
    body: str | None
    author: str
    created_at: float
    updated_at: float
    published_at: float | None = None
    prerelease: bool = False
    immutable: bool = False
    latest: bool = False
    assets: dict[int, Asset] = field(default_factory=dict)

    @property
    def draft(self) -> bool:
        return self.published_at is None


@dataclass
class Repository:
    """:ivar collaborators: roles by login; the owner is an admin without being here."""

    id: int
    owner: str
    name: str
    private: bool
    created_at: float
    default_branch: str = "main"
    description: str | None = None
    archived: bool = False
    immutable_releases: bool = False
    auto_init: bool = True
    collaborators: dict[str, Role] = field(default_factory=dict)
    git: GitRepository = field(default_factory=GitRepository)
    releases: dict[int, Release] = field(default_factory=dict)
    burned_tags: set[str] = field(default_factory=set)
    secrets: dict[str, bytes] = field(default_factory=dict)
    secret_times: dict[str, tuple[float, float]] = field(default_factory=dict)
    secrets_key: PrivateKey = field(default_factory=PrivateKey.generate)
    dispatches: list[dict[str, Any]] = field(default_factory=list)
    workflow_dispatches: list[dict[str, Any]] = field(default_factory=list)
    workflow_permissions: dict[str, Any] = field(
        default_factory=lambda: {"default_workflow_permissions": "read", "can_approve_pull_request_reviews": False}
    )
    workflow_ids: dict[str, int] = field(default_factory=dict)
    hooks: dict[int, dict[str, Any]] = field(default_factory=dict)
    pages: dict[str, Any] | None = None

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.name}"

    @property
    def secrets_key_id(self) -> str:
        return hashlib.sha256(bytes(self.secrets_key.public_key)).hexdigest()[:18]

    def secret(self, name: str) -> str:
        """What a job of this repository would see."""
        return SealedBox(self.secrets_key).decrypt(self.secrets[name]).decode()

    def release(self, tag: str) -> Release | None:
        """The published one; a draft has no tag yet."""
        return next(
            (release for release in self.releases.values() if release.tag_name == tag and not release.draft), None
        )

    def drafts(self) -> list[Release]:
        return [release for release in self.releases.values() if release.draft]

    def file(self, path: str, ref: str | None = None) -> bytes | None:
        """A file of a branch, or None."""
        commit = self.git.commit_of(ref or self.default_branch)
        entry = self.git.entry(commit.tree, path) if commit is not None else None
        return self.git.blobs.get(entry.sha) if entry is not None else None

    def listed(self) -> list[Release]:
        """In GitHub's order: by the date of the commit, newest first, and that says nothing of the order of uploads."""
        return sorted(self.releases.values(), key=lambda release: (release.created_at, release.tag_name), reverse=True)


@dataclass
class World:
    """All of it. Whoever reads or changes it holds ``lock``."""

    clock: Clock
    limits: Limits = field(default_factory=Limits)
    users: dict[str, int] = field(default_factory=dict)
    organizations: dict[str, int] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)
    repositories: dict[int, Repository] = field(default_factory=dict)
    former_names: dict[str, int] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    digests: bool = True
    redirects_downloads: bool = True
    lock: threading.RLock = field(default_factory=threading.RLock)
    _ids: Iterator[int] = field(default_factory=lambda: count(1001))

    def next_id(self) -> int:
        return next(self._ids)

    def account_id(self, login: str) -> int:
        """Of a user or an organisation; who is unknown becomes a user."""
        if login in self.organizations:
            return self.organizations[login]
        return self.users.setdefault(login, self.next_id())

    def repository(self, full_name: str) -> Repository | None:
        """By the name that it has now, in any case of letters."""
        wanted = full_name.lower()
        return next((found for found in self.repositories.values() if found.full_name.lower() == wanted), None)

    def role(self, repository: Repository, login: str) -> Role:
        """Of a user, or of an app's bot, who has none."""
        if login == repository.owner:
            return Role.ADMIN
        given = repository.collaborators.get(login, Role.NONE)
        return max(given, Role.NONE if repository.private else Role.READ)

    def add_repository(
        self, owner: str, name: str, *, private: bool, auto_init: bool = True, description: str | None = None
    ) -> Repository:
        if owner not in self.organizations:
            self.account_id(owner)
        now = self.clock.now()
        repository = Repository(self.next_id(), owner, name, private, now, description=description, auto_init=auto_init)
        self.repositories[repository.id] = repository
        self.former_names.pop(repository.full_name.lower(), None)
        if auto_init:
            self.commit(repository, {"README.md": f"# {name}\n".encode()}, "Initial commit", owner)
        return repository

    def commit(
        self,
        repository: Repository,
        changes: dict[str, bytes | None],
        message: str,
        author: str,
        *,
        branch: str | None = None,
    ) -> str:
        """One commit on a branch, which is made when the repository is still empty. Its name."""
        git, ref = repository.git, f"refs/heads/{branch or repository.default_branch}"
        parents = [git.refs[ref]] if ref in git.refs else []
        base = git.commits[parents[0]].tree if parents else git.add_tree({})
        entries = {
            path: None if content is None else Entry("100644", git.add_blob(content))
            for path, content in changes.items()
        }
        tree = git.tree_with(base, entries)
        email = f"{author}@users.noreply.example"
        git.refs[ref] = git.add_commit(tree, parents, message, author, email, self.clock.now())
        return git.refs[ref]

    def add_asset(
        self, release: Release, name: str, content: bytes, *, uploader: str, content_type: str, label: str | None = None
    ) -> Asset:
        """``name`` is already the one that GitHub keeps."""
        now = self.clock.now()
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}" if self.digests else None
        asset = Asset(self.next_id(), name, content, content_type, uploader, now, now, label=label, digest=digest)
        release.assets[asset.id] = asset
        return asset

    def publish(self, repository: Repository, release: Release) -> None:
        """Make its tag, if there is none, and lock it where releases are immutable. The caller has checked that it may be."""
        commit = repository.git.commit_of(release.target_commitish)
        ref = f"refs/tags/{release.tag_name}"
        if commit is not None:
            repository.git.refs.setdefault(ref, commit.sha)
        release.published_at = self.clock.now()
        release.immutable = repository.immutable_releases
        tagged = repository.git.commit_of(release.tag_name)
        if tagged is not None:
            release.created_at = tagged.date

    def with_limits(self, **limits: int) -> None:
        self.limits = replace(self.limits, **limits)
