"""``GET /manage/…``: what a change would do, in words, before the form that makes it is sent to the same address."""

from __future__ import annotations

from collections.abc import Mapping

from packaging.utils import NormalizedName
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pywharf.admission import admit
from pywharf.admitted import Admitted
from pywharf.exchange import exchange_of
from pywharf.logs import request_id
from pywharf.pages.query import query_of
from pywharf.pages.rendering import render
from pywharf.routes.simple import normalised_project
from pywharf_core.auth import Access
from pywharf_core.errors import FileNotFound, NotSupported
from pywharf_core.filenames import normalise
from pywharf_core.model import DistributionFile, ProjectStatus
from pywharf_core.releases import Release
from pywharf_core.repository import Repository

_CANNOT_CHANGE = "The storage of this repository cannot keep such a mark."
_CANNOT_DELETE = "The storage of this repository cannot delete files."


async def yank(scope: Scope, receive: Receive, send: Send) -> None:
    """``GET /manage/<project>/<version>/yank``"""
    await _confirm(scope, receive, send, "yank.html")


async def unyank(scope: Scope, receive: Receive, send: Send) -> None:
    """``GET /manage/<project>/<version>/unyank``"""
    await _confirm(scope, receive, send, "unyank.html")


async def delete(scope: Scope, receive: Receive, send: Send) -> None:
    """``GET /manage/<project>/<version>/delete``, with ``filename`` for one file of the release, or without."""
    admitted = await admit(scope, Access.WRITE)
    threads = exchange_of(scope).page_threads
    filename = query_of(scope).get("filename")
    response = await threads.run(_deletion_page, scope, admitted.repository, filename)
    await response(scope, receive, send)


async def status(scope: Scope, receive: Receive, send: Send) -> None:
    """``GET /manage/<project>/status``"""
    admitted = await admit(scope, Access.WRITE)
    project = normalised_project(scope["path_params"]["project"])
    threads = exchange_of(scope).page_threads
    response = await threads.run(_status_page, scope, admitted.repository, project)
    await response(scope, receive, send)


async def unconfirmed_deletion(
    scope: Scope, admitted: Admitted, filename: str | None, form: Mapping[str, str]
) -> Response | None:
    """The page once more, and why; None: the form confirms what is there to be deleted.

    :param filename: the only file that is to be deleted; None: the whole release.
    :param form: ``confirm`` and ``files``, see the page.
    """
    threads = exchange_of(scope).page_threads
    return await threads.run(_unconfirmed_deletion, scope, admitted.repository, filename, form)


def _unconfirmed_deletion(
    scope: Scope, repository: Repository, filename: str | None, form: Mapping[str, str]
) -> Response | None:
    project, release = _release(scope, repository)
    files = _files_of(release, filename)
    if form.get("files", "").split() != [file.filename for file in files]:
        problem = "These are not the files that you were shown, so nothing was deleted; look at them again."
    elif normalise(form.get("confirm", "").strip()) != project:
        problem = f"Nothing was deleted; to delete it, write the project's name, {project}."
    else:
        return None
    return _deletion_page(scope, repository, filename, problem)


async def _confirm(scope: Scope, receive: Receive, send: Send, template: str) -> None:
    admitted = await admit(scope, Access.WRITE)
    response = await exchange_of(scope).page_threads.run(_yank_page, scope, admitted.repository, template)
    await response(scope, receive, send)


def _yank_page(scope: Scope, repository: Repository, template: str) -> Response:
    if not repository.storage.can_update:
        raise NotSupported(_CANNOT_CHANGE)
    project, release = _release(scope, repository)
    return render(scope, template, project=project, release=release, files=release.files)


def _deletion_page(scope: Scope, repository: Repository, filename: str | None, problem: str = "") -> Response:
    """:param problem: why the form that was sent did nothing; "": none was sent."""
    if not repository.storage.can_delete:
        raise NotSupported(_CANNOT_DELETE)
    project, release = _release(scope, repository)
    files = _files_of(release, filename)
    with repository.index.reading() as snapshot:
        row = snapshot.project(project)
    return render(
        scope,
        "delete.html",
        status=400 if problem else 200,
        headers={"X-Request-Id": request_id.get()} if problem else {},
        project=project,
        release=release,
        files=files,
        filename=filename,
        whole_release=len(files) == len(release.files),
        last_of_project=row is not None and row.files == len(files),
        can_change=repository.storage.can_update,
        problem=problem,
    )


def _status_page(scope: Scope, repository: Repository, project: NormalizedName) -> Response:
    if not repository.storage.can_update:
        raise NotSupported(_CANNOT_CHANGE)
    page = repository.release_page(project, most_releases=0)
    return render(scope, "status.html", project=project, state=page.state, statuses=list(ProjectStatus))


def _release(scope: Scope, repository: Repository) -> tuple[NormalizedName, Release]:
    project = normalised_project(scope["path_params"]["project"])
    version: str = scope["path_params"]["version"]
    return project, repository.release(project, version)[0]


def _files_of(release: Release, filename: str | None) -> list[DistributionFile]:
    """All of the release's, or the one; at least one.

    :raises FileNotFound: the release does not have it.
    """
    files = [file for file in release.files if filename is None or file.filename == filename]
    if not files:
        raise FileNotFound(f"{filename} is not a file of this release.")
    return files
