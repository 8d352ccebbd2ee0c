"""Files of a branch, read and written one at a time."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from typing import Any

from github_fake.exchange import Answer, Refusal, Request, invalid, not_found
from github_fake.git_objects import Entry
from github_fake.operations.registry import Exchange, operation, wanted
from github_fake.rights import Rights
from github_fake.world import Repository

_WORKFLOWS = ".github/workflows/"


@operation("repos/get-content")
def get_content(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("contents")
    path = exchange.request.parameters["path"].strip("/")
    ref = exchange.request.query.get("ref") or repository.default_branch
    commit = repository.git.commit_of(ref)
    if commit is None:
        raise Refusal(404, f"No commit found for the ref {ref}" if repository.git.refs else "This repository is empty.")
    entry = repository.git.entry(commit.tree, path)
    if entry is None:
        raise not_found()
    if entry.type == "tree":
        return _folder(exchange, repository, path, entry, ref)
    blob = repository.git.blobs[entry.sha]
    if len(blob) > exchange.world.limits.raw_contents:
        error = {"resource": "Blob", "field": "data", "code": "too_large"}
        raise Refusal(403, "This API returns blobs up to 100 MB in size.", errors=[error])
    if wants_raw(exchange.request):
        return Answer(status=200, content=blob, media_type="application/vnd.github.raw+json; charset=utf-8")
    return Answer(status=200, content=exchange.render.content(repository, path, entry, ref, whole=True))


@operation("repos/create-or-update-file-contents")
def put_content(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("contents", "write")
    asked, path = exchange.request.json(), exchange.request.parameters["path"].strip("/")
    message = wanted(asked, "message")
    try:
        content = b64decode(wanted(asked, "content").replace("\n", ""), validate=True)
    except binascii.Error:
        raise Refusal(422, "content is not valid Base64") from None
    if len(content) > exchange.world.limits.written_contents:
        raise Refusal(500, "Server Error")
    branch, entry = _place(exchange, repository, rights, path, asked)
    if entry is not None and asked.get("sha") is None:
        raise Refusal(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
    if entry is not None and entry.sha != asked["sha"]:
        raise Refusal(409, f"{path} does not match {asked['sha']}")
    sha = exchange.world.commit(repository, {path: content}, message, exchange.login, branch=branch)
    commit = repository.git.commits[sha]
    written = repository.git.entry(commit.tree, path)
    assert written is not None
    rendered = exchange.render.content(repository, path, written, branch, whole=False)
    answer = {"content": rendered, "commit": exchange.render.commit(repository, commit)}
    return Answer(status=201 if entry is None else 200, content=answer)


@operation("repos/delete-file")
def delete_content(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("contents", "write")
    asked, path = exchange.request.json(), exchange.request.parameters["path"].strip("/")
    message, sha = wanted(asked, "message"), wanted(asked, "sha")
    branch, entry = _place(exchange, repository, rights, path, asked)
    if entry is None:
        raise not_found()
    if entry.sha != sha:
        raise Refusal(409, f"{path} does not match {sha}")
    made = exchange.world.commit(repository, {path: None}, message, exchange.login, branch=branch)
    commit = exchange.render.commit(repository, repository.git.commits[made])
    return Answer(status=200, content={"content": None, "commit": commit})


def wants_raw(request: Request) -> bool:
    return re.search(r"application/vnd\.github\.(v3\.)?raw(\+json)?", request.accept) is not None


def touches_workflows(path: str) -> bool:
    return path.startswith(_WORKFLOWS)


def _place(
    exchange: Exchange, repository: Repository, rights: Rights, path: str, asked: dict[str, Any]
) -> tuple[str, Entry | None]:
    """The branch to write on, and what is at ``path`` now. The branch is checked before all else."""
    branch = str(asked.get("branch") or repository.default_branch).removeprefix("refs/heads/")
    head = repository.git.refs.get(f"refs/heads/{branch}")
    if head is None and repository.git.refs:
        raise Refusal(404, f"Branch {branch} not found")
    if touches_workflows(path):
        rights.need("workflows", "write")
    if not path or any(part in ("", ".", "..", ".git") for part in path.split("/")):
        raise invalid("Commit", "invalid", "path")
    entry = repository.git.entry(repository.git.commits[head].tree, path) if head is not None else None
    if entry is not None and entry.type == "tree":
        raise Refusal(422, f"{path} is a directory")
    return branch, entry


def _folder(exchange: Exchange, repository: Repository, path: str, entry: Entry, ref: str) -> Answer:
    prefix = f"{path}/" if path else ""
    inside = list(repository.git.files(entry.sha, recursive=False))[: exchange.world.limits.directory]
    listed = [exchange.render.content(repository, prefix + name, inner, ref, whole=False) for name, inner in inside]
    if "application/vnd.github.object" not in exchange.request.accept:
        return Answer(status=200, content=listed)
    whole = exchange.render.content(repository, path, entry, ref, whole=False)
    return Answer(status=200, content=whole | {"entries": listed})
