"""Pages, webhooks, immutable releases, and the allowance of requests."""

from __future__ import annotations

from github_fake.clock import timestamp
from github_fake.contract import contract
from github_fake.exchange import Answer, Refusal, invalid, not_found
from github_fake.operations.registry import Exchange, operation, wanted


@operation("repos/get-pages")
def get_pages(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("pages")
    if repository.pages is None:
        raise not_found()
    return Answer(status=200, content=repository.pages)


@operation("repos/create-pages-site")
def create_pages(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("pages", "write")
    asked = exchange.request.json()
    if repository.pages is not None:
        raise Refusal(409, "GitHub Pages is already enabled.")
    build_type, source = asked.get("build_type") or "legacy", asked.get("source")
    if build_type == "legacy" and source is None:
        raise Refusal(422, 'Invalid request.\n\nNo subschema in "anyOf" matched.')
    if source is not None and repository.git.commit_of(source["branch"]) is None:
        raise invalid(
            "Page", "invalid", "source", f"The {source['branch']} branch must exist before GitHub Pages can be built."
        )
    page = contract().example("page")
    page |= {
        "url": f"{exchange.render.urls.repository(repository)}/pages",
        "status": None,
        "cname": None,
        "html_url": f"https://{repository.owner}.github.io/{repository.name}/",
        "public": True,
        "build_type": build_type,
        "source": {"branch": repository.default_branch, "path": "/"} | (source or {}),
    }
    page.pop("https_certificate", None)
    repository.pages = page
    return Answer(status=201, content=page)


@operation("repos/delete-pages-site")
def delete_pages(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("pages", "write")
    if repository.pages is None:
        raise not_found()
    repository.pages = None
    return Answer(status=204)


@operation("repos/list-webhooks")
def list_webhooks(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("repository_hooks")
    shown = [hook | {"config": _without_secret(hook["config"])} for hook in repository.hooks.values()]
    part, headers = exchange.page(shown)
    return Answer(status=200, content=part, headers=headers)


@operation("repos/create-webhook")
def create_webhook(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("repository_hooks", "write")
    asked = exchange.request.json()
    config = dict(asked.get("config") or {})
    wanted(config, "url")
    for known in repository.hooks.values():
        if known["config"]["url"] == config["url"]:
            raise invalid("Hook", "custom", None, "Hook already exists on this repository")
    number, now = exchange.world.next_id(), timestamp(exchange.world.clock.now())
    base = f"{exchange.render.urls.repository(repository)}/hooks/{number}"
    hook = contract().example("hook") | {
        "id": number,
        "active": asked.get("active", True),
        "events": asked.get("events", ["push"]),
        "config": {"content_type": "form", "insecure_ssl": "0"} | config,
        "created_at": now,
        "updated_at": now,
        "url": base,
        "test_url": f"{base}/test",
        "ping_url": f"{base}/pings",
        "deliveries_url": f"{base}/deliveries",
    }
    repository.hooks[number] = hook
    return Answer(status=201, content=hook | {"config": _without_secret(hook["config"])}, headers={"location": base})


@operation("repos/check-immutable-releases")
def check_immutable(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("administration")
    if not repository.immutable_releases:
        raise not_found()
    return Answer(status=200, content={"enabled": True, "enforced_by_owner": False})


@operation("repos/enable-immutable-releases")
def enable_immutable(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("administration", "write")
    repository.immutable_releases = True
    return Answer(status=204)


@operation("repos/disable-immutable-releases")
def disable_immutable(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("administration", "write")
    repository.immutable_releases = False
    return Answer(status=204)


def _without_secret(config: dict[str, str]) -> dict[str, str]:
    return {name: "********" if name == "secret" else value for name, value in config.items()}
