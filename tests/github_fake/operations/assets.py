"""Assets of releases: uploaded whole, renamed without a word, downloaded from another host."""

from __future__ import annotations

from github_fake.asset_names import kept_name
from github_fake.exchange import Answer, Refusal, invalid, not_found
from github_fake.operations.registry import Exchange, operation, wanted
from github_fake.operations.releases import visible_release
from github_fake.rights import Rights
from github_fake.world import Asset, Release, Repository


@operation("repos/list-release-assets")
def list_assets(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("contents")
    release = visible_release(exchange, repository, rights)
    assets = [asset for asset in release.assets.values() if rights.pushes or asset.state == "uploaded"]
    part, headers = exchange.page(assets)
    return Answer(
        status=200, content=[exchange.render.asset(repository, release, asset) for asset in part], headers=headers
    )


@operation("repos/upload-release-asset")
def upload_asset(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("contents", "write")
    release = visible_release(exchange, repository, rights)
    request, limits = exchange.request, exchange.world.limits
    if not request.query.get("name"):
        raise Refusal(422, "Invalid name for request")
    if not request.body:
        raise Refusal(400, "Bad Content-Length: ")
    if release.immutable:
        raise Refusal(422, "Cannot upload assets to an immutable release.")
    if len(request.body) > limits.asset_bytes:
        message = f"size must be less than or equal to {limits.asset_bytes}"
        raise invalid("ReleaseAsset", "custom", "size", message)
    if len(release.assets) >= limits.assets:
        message = f"file_count limited to {limits.assets} assets per release"
        raise invalid("ReleaseAsset", "custom", "file_count", message)
    name = _free_name(release, request.query["name"])
    asset = exchange.world.add_asset(
        release,
        name,
        request.body,
        uploader=exchange.login,
        content_type=request.headers.get("content-type", "application/octet-stream"),
        label=request.query.get("label", ""),
    )
    content = exchange.render.asset(repository, release, asset)
    return Answer(status=201, content=content, headers={"location": content["url"]})


@operation("repos/get-release-asset")
def get_asset(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("contents")
    release, asset = _visible_asset(exchange, repository, rights)
    if "application/octet-stream" not in exchange.request.accept:
        return Answer(status=200, content=exchange.render.asset(repository, release, asset))
    if asset.state != "uploaded":
        raise not_found()
    if not exchange.world.redirects_downloads:
        headers = {"content-disposition": f"attachment; filename={asset.name}"}
        return Answer(status=200, content=asset.content, headers=headers, media_type=asset.content_type)
    return Answer(
        status=302,
        content=b"",
        headers={"location": exchange.storage.link(asset), "cache-control": "no-cache"},
        media_type="text/html;charset=utf-8",
    )


@operation("repos/update-release-asset")
def update_asset(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("contents", "write")
    release, asset = _visible_asset(exchange, repository, rights)
    asked = exchange.request.json()
    if release.immutable:
        raise invalid("ReleaseAsset", "custom", None, "Cannot change assets of an immutable release.")
    if "name" in asked:
        asset.name = _free_name(release, wanted(asked, "name"), but=asset)
    if "label" in asked:
        asset.label = asked["label"]
    if "state" in asked:
        asset.state = asked["state"]
    asset.updated_at = exchange.world.clock.now()
    return Answer(status=200, content=exchange.render.asset(repository, release, asset))


@operation("repos/delete-release-asset")
def delete_asset(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("contents", "write")
    release, asset = _visible_asset(exchange, repository, rights)
    if release.immutable:
        raise invalid("ReleaseAsset", "custom", None, "Cannot delete assets from an immutable release.")
    del release.assets[asset.id]
    return Answer(status=204)


def _visible_asset(exchange: Exchange, repository: Repository, rights: Rights) -> tuple[Release, Asset]:
    number = exchange.request.integer("asset_id")
    for release in repository.releases.values():
        asset = release.assets.get(number)
        if asset is not None and (rights.pushes or (not release.draft and asset.state == "uploaded")):
            return release, asset
    raise not_found()


def _free_name(release: Release, name: str, *, but: Asset | None = None) -> str:
    """The name as GitHub keeps it; an upload that broke off holds its name too.

    :raises Refusal: 422, when another asset has it.
    """
    kept = kept_name(name)
    if any(other.name == kept for other in release.assets.values() if other is not but):
        raise invalid("ReleaseAsset", "already_exists", "name")
    return kept
