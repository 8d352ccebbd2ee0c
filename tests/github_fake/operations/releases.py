"""Releases. A draft has no tag and collides with nothing: publishing is where of two equal tags one loses."""

from __future__ import annotations

from typing import Any

from github_fake.exchange import Answer, Refusal, broken_rule, invalid, not_found
from github_fake.git_objects import is_ref_name
from github_fake.operations.registry import Exchange, operation, wanted
from github_fake.rights import Rights
from github_fake.world import Release, Repository


@operation("repos/list-releases")
def list_releases(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("contents")
    size, page = exchange.page_asked()
    if (page - 1) * size >= exchange.world.limits.listing:
        raise Refusal(422, f"Only the first {exchange.world.limits.listing} results are available.")
    pushes = rights.pushes
    listed = [release for release in repository.listed() if pushes or not release.draft]
    part, headers = exchange.page(listed)
    content = [exchange.render.release(repository, release, for_pusher=pushes) for release in part]
    return Answer(status=200, content=content, headers=headers)


@operation("repos/get-latest-release")
def latest_release(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("contents")
    published = [release for release in repository.listed() if not release.draft and not release.prerelease]
    if not published:
        raise not_found()
    release = next((release for release in published if release.latest), published[0])
    return _answer(exchange, repository, rights, release)


@operation("repos/get-release-by-tag")
def release_by_tag(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("contents")
    release = repository.release(exchange.request.parameters["tag"])
    if release is None:
        raise not_found()
    return _answer(exchange, repository, rights, release)


@operation("repos/get-release")
def get_release(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("contents")
    return _answer(exchange, repository, rights, visible_release(exchange, repository, rights))


@operation("repos/create-release")
def create_release(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("contents", "write")
    asked = exchange.request.json()
    tag = wanted(asked, "tag_name")
    target = asked.get("target_commitish") or repository.default_branch
    commit = repository.git.commit_of(target)
    if not repository.git.refs:
        raise invalid("Release", "custom", message="Repository is empty.")
    if commit is None:
        raise invalid("Release", "invalid", "target_commitish")
    _check_body(exchange, asked.get("body"))
    now = exchange.world.clock.now()
    release = Release(
        exchange.world.next_id(),
        tag,
        target,
        asked.get("name"),
        asked.get("body"),
        exchange.login,
        created_at=commit.date,
        updated_at=now,
        prerelease=bool(asked.get("prerelease", False)),
    )
    if not asked.get("draft", False):
        _publish(exchange, repository, release)
    repository.releases[release.id] = release
    _choose_latest(repository, release, asked.get("make_latest", "true"))
    if not release.draft:
        exchange.notify(repository, "published", exchange.login, release)
    content = exchange.render.release(repository, release, for_pusher=True)
    return Answer(status=201, content=content, headers={"location": content["url"]})


@operation("repos/update-release")
def update_release(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("contents", "write")
    release = visible_release(exchange, repository, rights)
    asked = exchange.request.json()
    _check_body(exchange, asked.get("body"))
    was_draft = release.draft
    tag = asked.get("tag_name") or release.tag_name
    if release.immutable and (tag != release.tag_name or asked.get("draft") or "target_commitish" in asked):
        raise invalid("Release", "custom", "tag_name", "Cannot update the tag of an immutable release")
    changed = Release(**{**vars(release), "tag_name": tag})
    if asked.get("target_commitish"):
        if repository.git.commit_of(asked["target_commitish"]) is None:
            raise invalid("Release", "invalid", "target_commitish")
        changed.target_commitish = asked["target_commitish"]
    for name in ("name", "body", "prerelease"):
        if name in asked:
            setattr(changed, name, asked[name])
    if asked.get("draft") is True:
        changed.published_at = None
    elif asked.get("draft") is False and was_draft:
        _publish(exchange, repository, changed)
    elif not was_draft and tag != release.tag_name:
        _publish(exchange, repository, changed, published_at=release.published_at)
    changed.updated_at = exchange.world.clock.now()
    vars(release).update(vars(changed))
    _choose_latest(repository, release, asked.get("make_latest", "true" if was_draft else "legacy"))
    if not release.draft:
        exchange.notify(repository, "published" if was_draft else "edited", exchange.login, release)
    elif not was_draft:
        exchange.notify(repository, "unpublished", exchange.login, release)
    return _answer(exchange, repository, rights, release)


@operation("repos/delete-release")
def delete_release(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("contents", "write")
    release = visible_release(exchange, repository, rights)
    exchange.notify(repository, "deleted", exchange.login, release)
    del repository.releases[release.id]
    if release.immutable:
        repository.burned_tags.add(release.tag_name)
    return Answer(status=204)


def visible_release(exchange: Exchange, repository: Repository, rights: Rights) -> Release:
    """That of the path.

    :raises Refusal: 404, also for a draft of which the caller may not know.
    """
    release = repository.releases.get(exchange.request.integer("release_id"))
    if release is None or (release.draft and not rights.pushes):
        raise not_found()
    return release


def _answer(exchange: Exchange, repository: Repository, rights: Rights, release: Release) -> Answer:
    return Answer(status=200, content=exchange.render.release(repository, release, for_pusher=rights.pushes))


def _check_body(exchange: Exchange, body: Any) -> None:
    limit = exchange.world.limits.body
    if body is not None and len(body) > limit:
        raise invalid("Release", "custom", "body", f"body is too long (maximum is {limit} characters)")


def _publish(
    exchange: Exchange, repository: Repository, release: Release, *, published_at: float | None = None
) -> None:
    """:param published_at: when it was, for a release that only gets another tag."""
    tag = release.tag_name
    if not is_ref_name(tag):
        raise _no_valid_tag("tag_name is not a valid tag", "tag_name is not well-formed")
    if tag in repository.burned_tags:
        raise _no_valid_tag("tag_name was used by an immutable release")
    other = repository.release(tag)
    if other is not None and other.id != release.id:
        raise invalid("Release", "already_exists", "tag_name")
    exchange.world.publish(repository, release)
    if published_at is not None:
        release.published_at = published_at


def _no_valid_tag(*messages: str) -> Refusal:
    named = [broken_rule("Release", "custom", "tag_name", message) for message in messages]
    whole = broken_rule("Release", "custom", message="Published releases must have a valid tag")
    return Refusal(422, "Validation Failed", errors=[*named, whole])


def _choose_latest(repository: Repository, release: Release, make_latest: str) -> None:
    if make_latest == "true" and not release.draft and not release.prerelease:
        for other in repository.releases.values():
            other.latest = False
        release.latest = True
    elif make_latest == "false":
        release.latest = False
