"""The JSON API of PyPI's shape: what bots and editors ask about a project or a release.

Unlike the simple index it never sends anybody to the extra index: its answers are about this repository.
"""

from __future__ import annotations

from functools import partial

from packaging.utils import NormalizedName, canonicalize_version
from starlette.types import Receive, Scope, Send

from pywharf.admission import admit
from pywharf.exchange import exchange_of
from pywharf.own_address import base_url, moved
from pywharf.page_cache import PageSource, send_page
from pywharf.routes.simple import normalised_project
from pywharf_core.auth import Access
from pywharf_core.errors import NotFound, ProjectNotFound
from pywharf_core.filenames import MAX_FILENAME_BYTES
from pywharf_core.json_api import Addresses, release_document
from pywharf_core.releases import latest, release_of
from pywharf_core.repository import Repository
from pywharf_core.secret import Secret
from pywharf_core.simple.links import relative_file_url

_MEDIA_TYPE = "application/json"


async def project_document(scope: Scope, receive: Receive, send: Send) -> None:
    """``GET /pypi/<project>/json``: the latest release, and the files of all."""
    await _document(scope, receive, send, None)


async def release_document_of(scope: Scope, receive: Receive, send: Send) -> None:
    """``GET /pypi/<project>/<version>/json``"""
    await _document(scope, receive, send, scope["path_params"]["version"])


async def _document(scope: Scope, receive: Receive, send: Send, version: str | None) -> None:
    admitted = await admit(scope, Access.READ)
    repository = admitted.repository
    asked: str = scope["path_params"]["project"]
    project = normalised_project(asked)
    if asked != project:
        release = "" if version is None else f"/{version}"
        slash = "/" if scope["path"].endswith("/") else ""
        await moved(scope, f"/pypi/{project}{release}/json{slash}")(scope, receive, send)
        return
    exchange = exchange_of(scope)
    pages, threads = exchange.pages, exchange.index_threads(repository)
    base = base_url(scope)
    key = f"{project}/{'' if version is None else _one_spelling(version)} {base}"
    page = pages.fresh(repository, key, _MEDIA_TYPE)
    if page is None:
        source = PageSource(
            key,
            partial(repository.project_revision, project),
            partial(_render, repository, project, version, _addresses(base), admitted.secret),
        )
        try:
            page = await pages.page(threads, repository, source, _MEDIA_TYPE)
        except ProjectNotFound:
            (await threads.run(repository.answer_for, project)).demand_ready()
            raise
    await send_page(scope["method"], exchange.headers, send, page)


def _one_spelling(version: str) -> str:
    if len(version) > MAX_FILENAME_BYTES:  # hardly a release's, and slow
        return version
    try:
        return canonicalize_version(version)
    except ValueError:  # a number of more digits than Python reads: no release has it
        return version


def _render(
    repository: Repository, project: NormalizedName, version: str | None, addresses: Addresses, secret: Secret | None
) -> tuple[str, int]:
    releases, revision = repository.releases(project)
    release = latest(releases) if version is None else release_of(releases, version)
    if release is None:
        raise NotFound(f"There is no release {project} {version} in this repository.")
    told_by = release.described_by
    text = release_document(
        project,
        release,
        description="" if told_by is None else repository.description(told_by, secret),
        serial=revision,
        addresses=addresses,
        releases=releases if version is None else None,
    )
    return text, revision


def _addresses(base: str) -> Addresses:
    return Addresses(
        file=lambda file: f"{base}/simple/{file.project}/{relative_file_url(file)}",
        project=lambda project: f"{base}/project/{project}/",
        release=lambda project, version: f"{base}/project/{project}/{version}/",
    )
