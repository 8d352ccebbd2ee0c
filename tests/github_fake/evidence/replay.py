"""Ask the stand-in what was once asked of GitHub, in a world like the one of then, and compare the answers."""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import requests
from nacl.public import SealedBox

from github_fake import FakeGitHub, Release, Repository, Token
from github_fake.contract import contract
from github_fake.evidence.recordings import Recorded
from github_fake.git_objects import Entry

# Header names that a client of ours reads, where the recording has them.
HEADERS_USED = frozenset(
    {
        "content-type",
        "etag",
        "location",
        "retry-after",
        "x-github-media-type",
        "x-oauth-scopes",
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
    }
)

# Objects of earlier years were far smaller than today's: of those only the status and the headers are compared.
KEYS_SINCE = 2020

# What GitHub says today and did not when some of the exchanges were recorded.
ADDED_LATER = frozenset({
    "digest", "immutable", "node_id", "status", "updated_at", "user_view_type", "verified_at", "checks", "size",
    "html_url", "download_url", "allow_auto_merge", "allow_forking", "allow_update_branch", "has_discussions",
    "is_template", "topics", "visibility", "web_commit_signoff_required", "maintain", "triage",
    "use_squash_pr_title_as_default", "merge_commit_message", "merge_commit_title", "squash_merge_commit_message",
    "squash_merge_commit_title", "temp_clone_token",
})  # fmt: skip

# What only some objects have: forks, releases that mention people, what administrators see, one's own profile.
OF_SOME_ONLY = frozenset({
    "parent", "source", "mentions_count", "reactions", "ldap_dn", "custom_properties", "security_and_analysis",
    "request_id",
    "audit_log", "audit_log_streaming", "code_scanning_upload",
    "has_pull_requests", "pull_request_creation_policy", "collaborators", "disk_usage",
    "owned_private_repos", "plan", "private_gists", "total_private_repos", "two_factor_authentication",
})  # fmt: skip

_SHA = re.compile(r"[0-9a-f]{40}")
_NUMBERED = re.compile(r"\b(releases/assets|releases|workflows|repositories)/(\d+)")


@dataclass
class Replay:
    """One world for the exchanges of one recording.

    :ivar numbers: `releases/1000` of the recording, and the number that the stand-in gives it.
    :ivar names: likewise of commits, trees and blobs.
    """

    fake: FakeGitHub
    recording: Sequence[Recorded]
    numbers: dict[str, int] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def differences(self) -> dict[str, list[str]]:
        """What the stand-in answered otherwise, by the exchange; without those whose operation it does not know."""
        found: dict[str, list[str]] = {}
        for number, recorded in enumerate(self.recording):
            path = self._by_name(urlsplit(recorded.target).path)
            known = contract().match(recorded.method, path) if recorded.host.endswith(".github.com") else None
            if known is not None:
                name = f"{number}: {recorded.method} {recorded.target}"
                found[name] = self._differences(recorded, known[0].id, known[1])
        return found

    def _differences(self, recorded: Recorded, operation: str, parameters: dict[str, str]) -> list[str]:
        token = self._provide(recorded, operation, parameters)
        answer = self._ask(token, operation, recorded)
        if recorded.status < 300 and answer.ok and answer.content and isinstance(recorded.answer, dict | list):
            self._learn(recorded.answer, answer.json())
        return _compared(recorded, answer)

    def _provide(self, recorded: Recorded, operation: str, parameters: dict[str, str]) -> Token | None:
        """Make the world so that what was there then is there. Who asks, and may do all but what was refused."""
        answered = recorded.answer if isinstance(recorded.answer, dict) else {}
        owner, name = parameters.get("owner"), parameters.get("repo")
        if owner is None or name is None:
            login = answered.get("login", "somebody")
            self.fake.add_user(login)
            return self._token(login)
        full_name = f"{owner}/{name}"
        if full_name.lower() not in self.fake.world.former_names and not (
            operation == "repos/get" and recorded.status == 404
        ):
            repository = self.fake.world.repository(full_name) or self._repository(owner, name, answered)
            if recorded.status != 404:
                self._provide_git(repository, operation, parameters, recorded)
                self._provide_releases(repository, operation, parameters, recorded)
                self._provide_files(repository, operation, parameters, recorded)
        if "username" in parameters:
            self.fake.add_user(parameters["username"])
        if recorded.anonymous:
            return None
        pushed = recorded.status != 403 and answered.get("permissions", {}).get("push") is not False
        if recorded.year >= 2022 and "x-oauth-scopes" not in recorded.headers:  # then it was a fine-grained token
            level = "write" if any(exchange.method != "GET" for exchange in self.recording) else "read"
            return self.fake.token(
                owner, kind="fine_grained", rights={full_name: "admin"}, permissions={"contents": level}
            )
        return self._token(owner if pushed else "somebody")

    def _repository(self, owner: str, name: str, described: dict[str, Any]) -> Repository:
        if described.get("owner", {}).get("type") == "Organization" and owner not in self.fake.world.organizations:
            self.fake.add_organization(owner)
        return self.fake.add_repo(owner, name, private=described.get("private") is True)

    def _provide_releases(
        self, repository: Repository, operation: str, parameters: dict[str, str], recorded: Recorded
    ) -> None:
        described = recorded.answer if isinstance(recorded.answer, dict) else {}
        number = f"releases/{parameters.get('release_id')}"
        if "release_id" in parameters and number not in self.numbers:
            tag = described.get("tag_name") or number
            release = self.fake.add_release(repository, tag)
            self.numbers[number] = release.id
            if isinstance(recorded.answer, list):
                self._provide_assets(repository, release, recorded.answer)
        if operation in ("repos/get-release-by-tag", "repos/get-latest-release"):
            tag = described["tag_name"]
            release = repository.release(tag) or self.fake.add_release(repository, tag)
            self._provide_assets(repository, release, described["assets"])
        if operation == "repos/upload-release-asset" and recorded.status == 422:
            name = dict(parse_qsl(urlsplit(recorded.target).query))["name"]
            release = repository.releases[self.numbers[number]]
            self._provide_assets(repository, release, [{"name": name, "content_type": "text/plain"}])
        asset = f"releases/assets/{parameters.get('asset_id')}"
        if "asset_id" in parameters and asset not in self.numbers:
            release = self.fake.add_release(repository, asset, b"x")
            self.numbers[asset] = next(iter(release.assets))

    def _provide_assets(self, repository: Repository, release: Release, assets: list[dict[str, Any]]) -> None:
        known = {asset.name for asset in release.assets.values()}
        for described in assets:
            name, media_type = described["name"], described["content_type"]
            if name not in known:
                self.fake.world.add_asset(release, name, b"x", uploader=repository.owner, content_type=media_type)

    def _provide_git(
        self, repository: Repository, operation: str, parameters: dict[str, str], recorded: Recorded
    ) -> None:
        git, body = repository.git, recorded.body if isinstance(recorded.body, dict) else {}
        head = git.refs["refs/heads/main"]
        ref = dict(parse_qsl(urlsplit(recorded.target).query)).get("ref")
        for branch in {body.get("branch"), parameters.get("branch"), ref} - {None}:
            git.refs.setdefault(f"refs/heads/{str(branch).removeprefix('refs/heads/')}", head)
        if operation in ("git/get-ref", "git/update-ref", "git/delete-ref"):
            git.refs.setdefault(f"refs/{parameters['ref']}", head)
        if operation == "git/create-ref":
            git.refs.pop(body["ref"], None)
        for key in ("sha", "target_commitish", "base_tree", "commit_sha", "tree_sha"):
            value = body.get(key, parameters.get(key))
            if isinstance(value, str) and _SHA.fullmatch(value):
                self.names.setdefault(value, head)
        for value in body.get("parents", ()):
            self.names.setdefault(value, head)
        if isinstance(body.get("tree"), str):
            named = self.names.get(body["tree"], head)
            self.names[body["tree"]] = git.commits[named].tree if named in git.commits else named
        for item in body["tree"] if isinstance(body.get("tree"), list) else ():
            if item.get("sha"):
                self.names.setdefault(item["sha"], git.add_blob(b"x"))

    def _provide_files(
        self, repository: Repository, operation: str, parameters: dict[str, str], recorded: Recorded
    ) -> None:
        body = recorded.body if isinstance(recorded.body, dict) else {}
        answered = recorded.answer if isinstance(recorded.answer, dict) else {}
        path = parameters.get("path", "").strip("/")
        if path and (operation == "repos/get-content" or "sha" in body):
            content = answered["content"] if operation == "repos/get-content" and "content" in answered else "eA=="
            for branch in [name for name in repository.git.refs if name.startswith("refs/heads/")]:
                written = self._commit(repository, branch, path, b64decode(content))
                if "sha" in body:
                    self.names[body["sha"]] = written
        if operation == "actions/get-workflow":
            refused = "does not have 'workflow_dispatch' trigger"
            started = not any(refused in str(exchange.answer) for exchange in self.recording)
            text = f"name: {answered['name']}\non: {'workflow_dispatch' if started else 'push'}\n"
            for branch in [name for name in repository.git.refs if name.startswith("refs/heads/")]:
                self._commit(repository, branch, answered["path"], text.encode())
        if operation == "actions/create-workflow-dispatch":
            repository.git.refs.setdefault(f"refs/heads/{body['ref']}", repository.git.refs["refs/heads/main"])

    def _commit(self, repository: Repository, branch: str, path: str, content: bytes) -> str:
        git = repository.git
        old, blob = git.commits[git.refs[branch]], git.add_blob(content)
        tree = git.tree_with(old.tree, {path: Entry("100644", blob)})
        git.refs[branch] = git.add_commit(tree, [old.sha], "m", "somebody", "somebody@example.test", old.date + 1)
        return blob

    def _token(self, login: str) -> Token:
        return self.fake.token(login, scopes={"repo", "workflow", "delete_repo"})

    def _ask(self, token: Token | None, operation: str, recorded: Recorded) -> requests.Response:
        target = urlsplit(recorded.target)
        uploads = operation == "repos/upload-release-asset"
        base = self.fake.api_url.replace("/api/v3", "/api/uploads") if uploads else self.fake.api_url
        query = urlencode(dict(parse_qsl(target.query, keep_blank_values=True)), quote_via=quote)
        url = f"{base}{self._mapped(target.path)}" + (f"?{query}" if query else "")
        headers = {"Authorization": f"token {token.value}"} if token is not None else {}
        if uploads:
            headers["Content-Type"] = "application/octet-stream"
        if recorded.status == 302:
            headers["Accept"] = "application/octet-stream"
        data = b"content" if uploads else self._body(operation, url, recorded)
        return requests.request(recorded.method, url, data=data, headers=headers, allow_redirects=False, timeout=20)

    def _body(self, operation: str, url: str, recorded: Recorded) -> bytes:
        if recorded.body is None:
            return b""
        body = recorded.body
        if operation == "actions/create-or-update-repo-secret":  # sealed with a key of then
            repository = self.fake.repo("/".join(url.split("/repos/")[1].split("/")[:2]))
            sealed = SealedBox(repository.secrets_key.public_key).encrypt(b"secret")
            body = {"key_id": repository.secrets_key_id, "encrypted_value": b64encode(sealed).decode()}
        return json.dumps(self._with_names(body)).encode()

    def _with_names(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._with_names(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._with_names(item) for item in value]
        return self.names.get(value, value) if isinstance(value, str) else value

    def _mapped(self, path: str) -> str:
        def number(found: re.Match[str]) -> str:
            return f"{found[1]}/{self.numbers.get(found[0], found[2])}"

        return "/".join(self.names.get(part, part) for part in _NUMBERED.sub(number, path).split("/"))

    def _by_name(self, path: str) -> str:
        """A path that names a repository by its number, with its name instead."""
        found = re.fullmatch(r"/repositories/(\d+)(.*)", path)
        number = self.numbers.get(f"repositories/{found[1]}") if found else None
        if found is None or number is None:
            return path
        return f"/repos/{self.fake.world.repositories[number].full_name}{found[2]}"

    def _learn(self, then: Any, now: Any) -> None:
        """Which number and which name of the recording is which here."""
        if isinstance(then, list) and isinstance(now, list):
            for one, other in zip(then, now, strict=False):
                self._learn(one, other)
        if not isinstance(then, dict) or not isinstance(now, dict):
            return
        if "full_name" in then:
            self.numbers[f"repositories/{then['id']}"] = now["id"]
        numbered = list(_NUMBERED.finditer(str(then.get("url", ""))))
        if numbered and "id" in now:
            self.numbers[numbered[-1][0]] = now["id"]
        if "sha" in then and "sha" in now:
            self.names[then["sha"]] = now["sha"]
        for key in then.keys() & now.keys():
            self._learn(then[key], now[key])


def _compared(recorded: Recorded, answer: requests.Response) -> list[str]:
    if answer.status_code != recorded.status:
        return [f"{answer.status_code} {answer.text[:200]}; recorded was {recorded.status}"]
    missing = (recorded.headers.keys() & HEADERS_USED) - {name.lower() for name in answer.headers}
    if recorded.status != 200 or recorded.method != "GET":
        missing.discard("etag")  # only what is read is conditional
    if recorded.year < KEYS_SINCE:
        missing.discard("location")  # "contents" told one in 2016, and tells none today
    differences = [f"the headers {sorted(missing)} are missing"] if missing else []
    if isinstance(recorded.answer, dict | list) and recorded.year >= KEYS_SINCE:
        said = answer.json()
        differences += _compared_values(recorded.answer, said, "")
        if recorded.status >= 400 and isinstance(recorded.answer, dict):
            differences += _compared_messages(recorded.answer["message"], said["message"])
    return differences


def _compared_messages(then: str, now: str) -> list[str]:
    return [] if then == now else [f"{now!r}; recorded was {then!r}"]


def _compared_values(then: Any, now: Any, where: str) -> list[str]:
    if isinstance(then, list) and isinstance(now, list):
        return _compared_values(then[0], now[0], f"{where}[]") if then and now else []
    if not isinstance(then, dict) or not isinstance(now, dict):
        differ = then is not None and now is not None and type(then) is not type(now)
        return [f"{where} is {now!r}; recorded was {then!r}"] if differ else []
    lost = then.keys() - now.keys() - OF_SOME_ONLY
    invented = now.keys() - then.keys() - ADDED_LATER
    differences = [f"{where} lacks {sorted(lost)}"] if lost else []
    if invented:
        differences.append(f"{where}: GitHub did not say {sorted(invented)}")
    for key in sorted(then.keys() & now.keys()):
        differences += _compared_values(then[key], now[key], f"{where}.{key}")
    return differences
