"""Git's own objects: several files in one commit, and refs that move only forwards unless they are forced."""

from __future__ import annotations

import binascii
from base64 import b64decode
from datetime import datetime

from github_fake.exchange import Answer, Refusal, not_found
from github_fake.git_objects import Commit, Entry, is_ref_name
from github_fake.operations.contents import touches_workflows, wants_raw
from github_fake.operations.registry import Exchange, operation, wanted
from github_fake.render import base64_lines, node_id
from github_fake.rights import Rights
from github_fake.world import Repository


@operation("git/create-blob")
def create_blob(exchange: Exchange) -> Answer:
    repository = _to_write(exchange)[0]
    asked = exchange.request.json()
    text = wanted(asked, "content")
    try:
        content = b64decode(text, validate=False) if asked.get("encoding") == "base64" else text.encode()
    except binascii.Error:
        raise Refusal(422, "content is not valid Base64") from None
    sha = repository.git.add_blob(content)
    url = f"{exchange.render.urls.repository(repository)}/git/blobs/{sha}"
    return Answer(status=201, content={"sha": sha, "url": url}, headers={"location": url})


@operation("git/get-blob")
def get_blob(exchange: Exchange) -> Answer:
    repository = _to_read(exchange)
    sha = exchange.request.parameters["file_sha"]
    blob = repository.git.blobs.get(sha)
    if blob is None:
        raise not_found()
    if len(blob) > exchange.world.limits.raw_contents:
        raise Refusal(403, "This API returns blobs up to 100 MB in size.")
    if wants_raw(exchange.request):
        return Answer(status=200, content=blob, media_type="application/vnd.github.raw+json; charset=utf-8")
    content = {
        "sha": sha,
        "node_id": node_id("B", sha),
        "size": len(blob),
        "url": f"{exchange.render.urls.repository(repository)}/git/blobs/{sha}",
        "content": base64_lines(blob),
        "encoding": "base64",
    }
    return Answer(status=200, content=content)


@operation("git/create-tree")
def create_tree(exchange: Exchange) -> Answer:
    repository, rights = _to_write(exchange)
    git, asked = repository.git, exchange.request.json()
    if any(touches_workflows(item["path"]) for item in asked.get("tree", ())):
        rights.need("workflows", "write")
    base = asked.get("base_tree")
    if base is not None:
        base = git.commits[base].tree if base in git.commits else base
        if base not in git.trees:
            raise Refusal(422, "base_tree is not a valid tree oid")
    changes: dict[str, Entry | None] = {}
    for item in wanted(asked, "tree"):
        if "content" in item:
            changes[item["path"]] = Entry(item.get("mode", "100644"), git.add_blob(item["content"].encode()))
        elif item.get("sha") is None:
            changes[item["path"]] = None
        elif item["sha"] not in git.blobs and item["sha"] not in git.trees:
            raise Refusal(422, f"tree.sha {item['sha']} is not a valid blob")
        else:
            changes[item["path"]] = Entry(item.get("mode", "100644"), item["sha"])
    sha = git.tree_with(base or git.add_tree({}), changes)
    content = exchange.render.tree(repository, sha, recursive=False)
    return Answer(status=201, content=content, headers={"location": content["url"]})


@operation("git/get-tree")
def get_tree(exchange: Exchange) -> Answer:
    repository = _to_read(exchange)
    git, name = repository.git, exchange.request.parameters["tree_sha"]
    commit = git.commit_of(name)
    sha = commit.tree if commit is not None else name
    if sha not in git.trees:
        raise not_found()
    content = exchange.render.tree(repository, sha, recursive="recursive" in exchange.request.query)
    if commit is not None:  # recorded: who asks by a commit is answered by the commit's name, not by the tree's
        content |= {"sha": commit.sha, "url": content["url"].replace(sha, commit.sha)}
    return Answer(status=200, content=content)


@operation("git/create-commit")
def create_commit(exchange: Exchange) -> Answer:
    repository = _to_write(exchange)[0]
    git, asked = repository.git, exchange.request.json()
    tree, parents = wanted(asked, "tree"), asked.get("parents", [])
    if tree not in git.trees:
        raise Refusal(422, "Tree SHA does not exist")
    for parent in parents:
        if parent not in git.commits:
            raise Refusal(422, "Parent SHA does not exist or is not a commit object")
    person = asked.get("author") or {}
    name = person.get("name", exchange.login)
    email = person.get("email", f"{exchange.login}@users.noreply.example")
    date = datetime.fromisoformat(person["date"]).timestamp() if "date" in person else exchange.world.clock.now()
    sha = git.add_commit(tree, parents, wanted(asked, "message"), name, email, date)
    content = exchange.render.commit(repository, git.commits[sha])
    return Answer(status=201, content=content, headers={"location": content["url"]})


@operation("git/get-commit")
def get_commit(exchange: Exchange) -> Answer:
    repository = _to_read(exchange)
    commit = repository.git.commits.get(exchange.request.parameters["commit_sha"])
    if commit is None:
        raise not_found()
    return Answer(status=200, content=exchange.render.commit(repository, commit))


@operation("git/get-ref")
def get_ref(exchange: Exchange) -> Answer:
    repository = _to_read(exchange)
    name = f"refs/{exchange.request.parameters['ref']}"
    if name not in repository.git.refs:
        raise not_found()
    return Answer(status=200, content=exchange.render.ref(repository, name, repository.git.refs[name]))


@operation("git/list-matching-refs")
def matching_refs(exchange: Exchange) -> Answer:
    repository = _to_read(exchange)
    prefix = f"refs/{exchange.request.parameters['ref']}"
    refs = sorted(item for item in repository.git.refs.items() if item[0].startswith(prefix))
    return Answer(status=200, content=[exchange.render.ref(repository, name, sha) for name, sha in refs])


@operation("git/create-ref")
def create_ref(exchange: Exchange) -> Answer:
    repository, rights = _to_write(exchange)
    asked = exchange.request.json()
    name, sha = wanted(asked, "ref"), wanted(asked, "sha")
    if not name.startswith("refs/") or name.count("/") < 2 or not is_ref_name(name):
        raise Refusal(422, f"{name} is not a valid ref name.")
    if sha not in repository.git.commits:
        raise Refusal(422, "Object does not exist")
    if name in repository.git.refs:
        raise Refusal(422, "Reference already exists")
    _need_workflow_right(repository, rights, None, repository.git.commits[sha])
    repository.git.refs[name] = sha
    content = exchange.render.ref(repository, name, sha)
    return Answer(status=201, content=content, headers={"location": content["url"]})


@operation("git/update-ref")
def update_ref(exchange: Exchange) -> Answer:
    repository, rights = _to_write(exchange)
    asked, name = exchange.request.json(), f"refs/{exchange.request.parameters['ref']}"
    sha, old = wanted(asked, "sha"), repository.git.refs.get(name)
    if old is None:
        raise Refusal(422, "Reference does not exist")
    if sha not in repository.git.commits:
        raise Refusal(422, "Object does not exist")
    if not asked.get("force", False) and not repository.git.is_ancestor(old, sha):
        raise Refusal(422, "Update is not a fast forward")
    _need_workflow_right(repository, rights, repository.git.commits[old], repository.git.commits[sha])
    repository.git.refs[name] = sha
    return Answer(status=200, content=exchange.render.ref(repository, name, sha))


@operation("git/delete-ref")
def delete_ref(exchange: Exchange) -> Answer:
    repository, _ = _to_write(exchange)
    name = f"refs/{exchange.request.parameters['ref']}"
    if name not in repository.git.refs:
        raise Refusal(422, "Reference does not exist")
    release = repository.release(name.removeprefix("refs/tags/"))
    if release is not None and release.immutable:
        raise Refusal(422, "Cannot delete the tag of an immutable release")
    del repository.git.refs[name]
    if release is not None and name.startswith("refs/tags/"):
        release.published_at = None  # GitHub makes a draft of a release whose tag goes
    return Answer(status=204)


@operation("repos/get-branch")
def get_branch(exchange: Exchange) -> Answer:
    repository = _to_read(exchange)
    name = exchange.request.parameters["branch"]
    sha = repository.git.refs.get(f"refs/heads/{name}")
    if sha is None:
        raise Refusal(404, "Branch not found")
    return Answer(status=200, content=exchange.render.branch(repository, name, repository.git.commits[sha]))


def _to_read(exchange: Exchange) -> Repository:
    repository, rights = exchange.repository()
    rights.need("contents")
    return _not_empty(repository)


def _to_write(exchange: Exchange) -> tuple[Repository, Rights]:
    repository, rights = exchange.repository()
    rights.need("contents", "write")
    return _not_empty(repository), rights


def _not_empty(repository: Repository) -> Repository:
    if not repository.git.refs:
        raise Refusal(409, "Git Repository is empty.")
    return repository


def _need_workflow_right(repository: Repository, rights: Rights, old: Commit | None, new: Commit) -> None:
    """Moving a branch to other workflows needs the right to write them."""
    base = old or repository.git.commit_of(repository.default_branch)

    def workflows(commit: Commit | None) -> set[tuple[str, Entry]]:
        files = repository.git.files(commit.tree) if commit is not None else ()
        return {item for item in files if touches_workflows(item[0])}

    if workflows(new) != workflows(base):
        rights.need("workflows", "write")
