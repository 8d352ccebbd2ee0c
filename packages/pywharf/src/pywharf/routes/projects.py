"""``GET /project/<project>/`` and ``/project/<project>/<version>/``: a release for people."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from packaging.utils import NormalizedName
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pywharf.admission import admit
from pywharf.admitted import Admitted
from pywharf.exchange import exchange_of
from pywharf.logs import request_id
from pywharf.own_address import moved
from pywharf.pages.metadata import shown_metadata
from pywharf.pages.query import query_of
from pywharf.pages.rendering import render
from pywharf.pages.setup_lines import lines_for
from pywharf.pages.text import visible
from pywharf.pages.validated import validated
from pywharf.readme.description import Description, Shape
from pywharf.readme.descriptions import MOST_TEXT, Descriptions
from pywharf.routes.simple import normalised_project
from pywharf_core.auth import Access
from pywharf_core.errors import NotFound, ProjectNotFound, StorageUnavailable
from pywharf_core.model import CoreMetadata, DistributionFile
from pywharf_core.names import Answerer
from pywharf_core.releases import Release
from pywharf_core.repository import ReleasePage, Repository
from pywharf_core.upload.core_metadata import text_of

_MOST_RELEASES = 50  # in the table of a project's page, unless all are asked for; so of files
_MOST_FILES = 50
_SIMILAR = 5


class ProjectPage:
    """The routes; they need the process's ``Descriptions``."""

    def __init__(self, descriptions: Descriptions) -> None:
        self._descriptions = descriptions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        admitted = await admit(scope, Access.READ)
        response = await self._response(scope, admitted)
        await response(scope, receive, send)

    async def _response(self, scope: Scope, admitted: Admitted) -> Response:
        repository = admitted.repository
        asked: str = scope["path_params"]["project"]
        version: str | None = scope["path_params"].get("version")
        project = normalised_project(asked)
        threads = exchange_of(scope).page_threads
        query = query_of(scope)
        every_release, every_file = query.get("versions") == "all", query.get("files") == "all"
        most = -1 if every_release else _MOST_RELEASES
        try:
            page = await threads.run(repository.release_page, project, version, most_releases=most)
        except ProjectNotFound:
            return await exchange_of(scope).search_threads.run(_missing, scope, repository, project)
        except NotFound:  # the release alone
            return _missing_release(scope, project, version or "")
        spelled = version if version is None or page.release is None else page.release.version
        path = f"/project/{project}/" + ("" if spelled is None else f"{spelled}/")
        if (asked, version) != (project, spelled) or not scope["path"].endswith("/"):
            return moved(scope, path)
        description = await self._description(scope, admitted, page)
        response = partial(_page, latest=version is None, every_release=every_release, every_file=every_file)
        return await threads.run(response, scope, repository, page, description)

    async def _description(self, scope: Scope, admitted: Admitted, page: ReleasePage) -> Description | None:
        """None: it cannot be read now."""
        told_by = None if page.release is None else page.release.described_by
        if told_by is None:
            return Description("", Shape.PLAIN)
        content_type = _content_type(told_by)
        known = self._descriptions.recall(told_by.sha256, content_type)
        if known is not None:
            return known
        repository, exchange, secret = admitted.repository, exchange_of(scope), admitted.secret
        text = await exchange.index_threads(repository).run(repository.description_at_hand, told_by, secret)
        if text is None:
            try:
                text = await exchange.threads(repository).run(repository.description, told_by, secret)
            except StorageUnavailable:
                return None
        return await self._descriptions.render(told_by.sha256, content_type, visible(text[: MOST_TEXT + 1]))


def _page(
    scope: Scope,
    repository: Repository,
    page: ReleasePage,
    description: Description | None,
    *,
    latest: bool,
    every_release: bool,
    every_file: bool,
) -> Response:
    """:param latest: no version was asked for."""
    project, release = page.state.name, page.release
    told_by = None if release is None else release.described_by
    fields: CoreMetadata = {} if told_by is None else told_by.core_metadata or {}
    package = project if release is None or latest and _found_by_name(release) else f"{project}=={release.version}"
    response = render(
        scope,
        "project.html",
        project=project,
        page=page,
        release=release,
        files=[] if release is None else _shown_files(release, every_file=every_file),
        every_file=every_file,
        every_release=every_release,
        metadata=shown_metadata(project, fields, listed_among=repository.listed_among),
        metadata_read=told_by is not None,
        description=description,
        lines=lines_for(scope, repository, package),
        is_latest=release is not None and page.latest == release.version,
        every_yanked=any(line.version == page.latest and line.yanked for line in page.releases),
        can_change=repository.storage.can_update,
        can_delete=repository.storage.can_delete,
    )
    return validated(scope, response)


def _found_by_name(release: Release) -> bool:
    """Whether installers take this latest release if they are asked for the project alone.

    A yanked one they want to be asked for. So pip does a pre-release if there is any final release, a yanked one too.
    """
    return release.yanked is None and not release.parsed.is_prerelease


def _shown_files(release: Release, *, every_file: bool) -> Sequence[DistributionFile]:
    """By filename; of very many the sdists, which stand last, and the first wheels."""
    if every_file or len(release.files) <= _MOST_FILES:
        return release.files
    sdists_first = sorted(release.files, key=lambda file: file.packagetype != "sdist")
    return sdists_first[:_MOST_FILES]


def _missing(scope: Scope, repository: Repository, project: NormalizedName) -> Response:
    """404, and who answers for the name instead."""
    answer = repository.answer_for(project)
    answer.demand_ready()
    found = repository.search(project, limit=_SIMILAR)
    elsewhere = answer.shown if answer.answerer is Answerer.EXTRA_INDEX else ""
    response = render(
        scope,
        "project_missing.html",
        status=404,
        headers={"X-Request-Id": request_id.get()},
        project=project,
        answerer=answer.answerer,
        because=answer.because if answer.answerer is Answerer.PRIVATE else "",
        elsewhere=elsewhere,
        similar=found.entries,
    )
    return validated(scope, response)


def _missing_release(scope: Scope, project: NormalizedName, version: str) -> Response:
    headers = {"X-Request-Id": request_id.get()}
    response = render(scope, "release_missing.html", status=404, headers=headers, project=project, version=version)
    return validated(scope, response)


def _content_type(told_by: DistributionFile) -> str:
    return (text_of(told_by.core_metadata or {}, "description_content_type") or "")[:200]
