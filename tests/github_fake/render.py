"""GitHub's objects as JSON. What nobody looks at comes from the examples in GitHub's own document."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from github_fake.clock import timestamp
from github_fake.contract import contract
from github_fake.git_objects import Commit, Entry
from github_fake.tokens import Role
from github_fake.world import Asset, Release, Repository, World


@dataclass(frozen=True)
class Urls:
    """Without a slash at the end."""

    api: str
    uploads: str
    storage: str
    html: str

    def repository(self, repository: Repository) -> str:
        return f"{self.api}/repos/{repository.full_name}"


@dataclass
class Renderer:
    world: World
    urls: Urls
    _users: dict[str, dict[str, Any]] = field(default_factory=dict)

    def user(self, login: str) -> dict[str, Any]:
        """A "simple user"."""
        if login not in self._users:
            template = contract().example("release")["author"]
            user = json.loads(self._moved(json.dumps(template)).replace("octocat", quote(login)))
            kind = "Organization" if login in self.world.organizations else "Bot" if login.endswith("[bot]") else "User"
            user |= {"id": self.world.account_id(login), "login": login, "type": kind, "user_view_type": "public"}
            self._users[login] = user
        return dict(self._users[login])

    def account(self, login: str, *, private: bool) -> dict[str, Any]:
        """A user as `GET /user` and `GET /users/…` give it."""
        name = "private-user-response-with-public-profile-information" if private else "public-user-default-response"
        return contract().example(name) | self.user(login) | {"name": login, "email": None}

    def repository(self, repository: Repository, role: Role, *, pushes: bool) -> dict[str, Any]:
        """:param pushes: whether `permissions` says so: for apps it never does, whatever they may."""
        template = contract().example("full-repository")
        for name in ("template_repository", "source", "parent"):
            template.pop(name, None)
        text = self._moved(json.dumps(template)).replace("octocat/Hello-World", repository.full_name)
        document: dict[str, Any] = json.loads(text)
        pushed = max((commit.date for commit in repository.git.commits.values()), default=repository.created_at)
        owner = self.user(repository.owner)
        document |= {
            "id": repository.id,
            "name": repository.name,
            "full_name": repository.full_name,
            "owner": owner,
            "private": repository.private,
            "visibility": "private" if repository.private else "public",
            "description": repository.description,
            "default_branch": repository.default_branch,
            "archived": repository.archived,
            "has_pages": repository.pages is not None,
            "allow_update_branch": False,
            "merge_commit_message": "PR_TITLE",
            "merge_commit_title": "MERGE_MESSAGE",
            "squash_merge_commit_message": "COMMIT_MESSAGES",
            "squash_merge_commit_title": "COMMIT_OR_PR_TITLE",
            "use_squash_pr_title_as_default": False,
            "has_discussions": False,  # required by the schema, and absent from its example
            "created_at": timestamp(repository.created_at),
            "updated_at": timestamp(pushed),
            "pushed_at": timestamp(pushed),
            "permissions": {
                "admin": pushes and role >= Role.ADMIN,
                "maintain": pushes and role >= Role.MAINTAIN,
                "push": pushes and role >= Role.WRITE,
                "triage": pushes and role >= Role.TRIAGE,
                "pull": role >= Role.READ,
            },
        }
        document.pop("organization", None)
        if owner["type"] == "Organization":
            document["organization"] = owner
        return document

    def release(self, repository: Repository, release: Release, *, for_pusher: bool) -> dict[str, Any]:
        base = f"{self.urls.repository(repository)}/releases/{release.id}"
        html = f"{self.urls.html}/{repository.full_name}"
        tag = f"untagged-{release.id:020x}" if release.draft else quote(release.tag_name, safe="")
        assets = [asset for asset in release.assets.values() if for_pusher or asset.state == "uploaded"]
        return {
            "url": base,
            "assets_url": f"{base}/assets",
            "upload_url": f"{self.urls.uploads}/repos/{repository.full_name}/releases/{release.id}/assets{{?name,label}}",
            "html_url": f"{html}/releases/tag/{tag}",
            "id": release.id,
            "author": self.user(release.author),
            "node_id": node_id("RE", release.id),
            "tag_name": release.tag_name,
            "target_commitish": release.target_commitish,
            "name": release.name,
            "draft": release.draft,
            "immutable": release.immutable,
            "prerelease": release.prerelease,
            "created_at": timestamp(release.created_at),
            "updated_at": timestamp(release.updated_at),
            "published_at": None if release.published_at is None else timestamp(release.published_at),
            "assets": [self.asset(repository, release, asset) for asset in assets],
            "tarball_url": None if release.draft else f"{self.urls.repository(repository)}/tarball/{tag}",
            "zipball_url": None if release.draft else f"{self.urls.repository(repository)}/zipball/{tag}",
            "body": release.body,
        }

    def asset(self, repository: Repository, release: Release, asset: Asset) -> dict[str, Any]:
        html = f"{self.urls.html}/{repository.full_name}"
        tag = f"untagged-{release.id:020x}" if release.draft else quote(release.tag_name, safe="")
        return {
            "url": f"{self.urls.repository(repository)}/releases/assets/{asset.id}",
            "id": asset.id,
            "node_id": node_id("RA", asset.id),
            "name": asset.name,
            "label": asset.label,
            "uploader": self.user(asset.uploader),
            "content_type": asset.content_type,
            "state": asset.state,
            "size": len(asset.content),
            "digest": asset.digest,
            "download_count": asset.download_count,
            "created_at": timestamp(asset.created_at),
            "updated_at": timestamp(asset.updated_at),
            "browser_download_url": f"{html}/releases/download/{tag}/{quote(asset.name)}",
        }

    def content(self, repository: Repository, path: str, entry: Entry, ref: str, *, whole: bool) -> dict[str, Any]:
        """A file or a folder as "contents" gives it.

        :param whole: with the content of a file; not as an element of a folder.
        """
        base = self.urls.repository(repository)
        where = f"{base}/contents/{quote(path)}?ref={quote(ref)}"
        html = (
            f"{self.urls.html}/{repository.full_name}/{'tree' if entry.type == 'tree' else 'blob'}/{ref}/{quote(path)}"
        )
        git = f"{base}/git/{entry.type}s/{entry.sha}"
        is_file = entry.type == "blob"
        blob = repository.git.blobs[entry.sha] if is_file else b""
        document: dict[str, Any] = {
            "name": path.rsplit("/", 1)[-1],
            "path": path,
            "sha": entry.sha,
            "size": len(blob),
            "url": where,
            "html_url": html,
            "git_url": git,
            "download_url": f"{self.urls.html}/raw/{repository.full_name}/{ref}/{quote(path)}" if is_file else None,
            "type": "file" if is_file else "dir",
        }
        if whole and is_file:
            small = len(blob) <= self.world.limits.json_contents
            document |= {"content": base64_lines(blob) if small else "", "encoding": "base64" if small else "none"}
        return document | {"_links": {"self": where, "git": git, "html": html}}

    def commit(self, repository: Repository, commit: Commit) -> dict[str, Any]:
        """A "git commit"."""
        base, html = self.urls.repository(repository), f"{self.urls.html}/{repository.full_name}"
        person = {"name": commit.author, "email": commit.email, "date": timestamp(commit.date)}
        return {
            "sha": commit.sha,
            "node_id": node_id("C", commit.sha),
            "url": f"{base}/git/commits/{commit.sha}",
            "html_url": f"{html}/commit/{commit.sha}",
            "author": person,
            "committer": dict(person),
            "tree": {"sha": commit.tree, "url": f"{base}/git/trees/{commit.tree}"},
            "message": commit.message,
            "parents": [
                {"sha": sha, "url": f"{base}/git/commits/{sha}", "html_url": f"{html}/commit/{sha}"}
                for sha in commit.parents
            ],
            "verification": {
                "verified": False,
                "reason": "unsigned",
                "signature": None,
                "payload": None,
                "verified_at": None,
            },
        }

    def ref(self, repository: Repository, name: str, sha: str) -> dict[str, Any]:
        base = self.urls.repository(repository)
        kind = "commit" if sha in repository.git.commits else "tag"
        return {
            "ref": name,
            "node_id": node_id("REF", name),
            "url": f"{base}/git/{quote(name)}",
            "object": {"sha": sha, "type": kind, "url": f"{base}/git/{kind}s/{sha}"},
        }

    def tree(self, repository: Repository, sha: str, *, recursive: bool) -> dict[str, Any]:
        base = self.urls.repository(repository)
        entries = list(repository.git.files(sha, recursive=recursive))
        limit = self.world.limits.tree_entries
        return {
            "sha": sha,
            "url": f"{base}/git/trees/{sha}",
            "tree": [self._tree_entry(repository, path, entry, base) for path, entry in entries[:limit]],
            "truncated": len(entries) > limit,
        }

    def branch(self, repository: Repository, name: str, commit: Commit) -> dict[str, Any]:
        base, html = self.urls.repository(repository), f"{self.urls.html}/{repository.full_name}"
        git_commit = self.commit(repository, commit)
        inner = {key: git_commit[key] for key in ("author", "committer", "message", "tree", "url", "verification")}
        return {
            "name": name,
            "commit": {
                "sha": commit.sha,
                "node_id": node_id("C", commit.sha),
                "commit": inner | {"comment_count": 0},
                "url": f"{base}/commits/{commit.sha}",
                "html_url": f"{html}/commit/{commit.sha}",
                "comments_url": f"{base}/commits/{commit.sha}/comments",
                "author": self.user(commit.author),
                "committer": self.user(commit.author),
                "parents": git_commit["parents"],
            },
            "_links": {"self": f"{base}/branches/{quote(name)}", "html": f"{html}/tree/{name}"},
            "protected": False,
            "protection": {
                "enabled": False,
                "required_status_checks": {"enforcement_level": "off", "contexts": [], "checks": []},
            },
            "protection_url": f"{base}/branches/{quote(name)}/protection",
        }

    def _tree_entry(self, repository: Repository, path: str, entry: Entry, base: str) -> Mapping[str, Any]:
        document: dict[str, Any] = {"path": path, "mode": entry.mode, "type": entry.type, "sha": entry.sha}
        if entry.type == "blob":
            document["size"] = len(repository.git.blobs[entry.sha])
        return document | {"url": f"{base}/git/{entry.type}s/{entry.sha}"}

    def _moved(self, text: str) -> str:
        return text.replace("https://api.github.com", self.urls.api).replace("https://github.com", self.urls.html)


def base64_lines(content: bytes) -> str:
    """As GitHub writes it: lines of 60 characters, each ended."""
    encoded = b64encode(content).decode()
    return "".join(f"{encoded[start : start + 60]}\n" for start in range(0, len(encoded), 60))


def node_id(kind: str, value: object) -> str:
    return b64encode(f"{kind}_{value}".encode()).decode()
