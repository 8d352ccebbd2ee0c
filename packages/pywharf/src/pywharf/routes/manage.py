"""``POST /manage/…``: yank, unyank, delete, and project status, for callers who may write.

Programs are answered with JSON. A browser's form is answered by 303 to the path that the form names as ``next``, or else
to the project's page, which says once what was done.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

from packaging.utils import NormalizedName
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from pywharf.admission import admit_form
from pywharf.admitted import Admitted
from pywharf.exchange import exchange_of
from pywharf.pages.addresses import addresses_of, own_path
from pywharf.pages.navigation import is_navigation, see_other
from pywharf.routes import confirm
from pywharf.routes.simple import normalised_project
from pywharf_core import changes
from pywharf_core.auth import Access
from pywharf_core.errors import InvalidRequest, NotAuthenticated, NotPermitted, ProjectNotFound
from pywharf_core.model import DistributionFile, ProjectState, ProjectStatus

_T = TypeVar("_T")

_NO_STORE = {"Cache-Control": "no-store"}
_LONGEST_REASON = 1000  # characters: it stands in the simple index beside each file


async def yank(scope: Scope, receive: Receive, send: Send) -> None:
    """``POST /manage/<project>/<version>/yank``, with the field ``reason`` or without."""
    admitted, form = await _admit(scope, receive, ("reason",))
    project, version = _release(scope)
    reason = _reason(form)
    files = await _change(
        scope, admitted, lambda: changes.yank(admitted.repository, project, version, reason, admitted.secret)
    )
    done = f"{project} {version} is yanked" if files else f"{project} {version} was yanked for this reason already"
    response = await _answer(scope, admitted, form, project, _files(files), f"{done}.")
    await response(scope, receive, send)


async def unyank(scope: Scope, receive: Receive, send: Send) -> None:
    """``POST /manage/<project>/<version>/unyank``"""
    admitted, form = await _admit(scope, receive, ())
    project, version = _release(scope)
    files = await _change(
        scope, admitted, lambda: changes.yank(admitted.repository, project, version, None, admitted.secret)
    )
    done = f"{project} {version} is no longer yanked" if files else f"{project} {version} was not yanked"
    response = await _answer(scope, admitted, form, project, _files(files), f"{done}.")
    await response(scope, receive, send)


async def delete(scope: Scope, receive: Receive, send: Send) -> None:
    """``POST /manage/<project>/<version>/delete``; with the field ``filename`` only that file of the release.

    A person's form has ``confirm``, the project's name written once more, and ``files``, the names that the page showed.
    """
    admitted, form = await _admit(scope, receive, ("filename", "confirm", "files"))
    project, version = _release(scope)
    filename = form.get("filename")
    shown = None
    if admitted.by_session or "confirm" in form:
        shown = form.get("files", "").split()
        unconfirmed = await confirm.unconfirmed_deletion(scope, admitted, filename, form)
        if unconfirmed is not None:
            await unconfirmed(scope, receive, send)
            return
    files = await _change(
        scope,
        admitted,
        lambda: changes.delete(
            admitted.repository, project, version=version, filename=filename, secret=admitted.secret, shown=shown
        ),
    )
    deleted = f"{project} {version}" if filename is None else filename
    response = await _answer(scope, admitted, form, project, _files(files), f"{deleted} is deleted.")
    await response(scope, receive, send)


async def set_status(scope: Scope, receive: Receive, send: Send) -> None:
    """``POST /manage/<project>/status``, with the field ``status`` and perhaps ``reason``."""
    admitted, form = await _admit(scope, receive, ("status", "reason"))
    project = normalised_project(scope["path_params"]["project"])
    try:
        status = ProjectStatus(form.get("status", ""))
    except ValueError:
        raise InvalidRequest(
            f"The form's status {form.get('status', '')[:50]!r} is none; allowed are {', '.join(ProjectStatus)}."
        ) from None
    reason = _reason(form) or None
    state: ProjectState = await _change(
        scope, admitted, lambda: changes.set_status(admitted.repository, project, status, reason, admitted.secret)
    )
    document = {"project": project, "status": state.status, "reason": state.reason}
    response = await _answer(scope, admitted, form, project, document, f"{project} is {state.status} now.")
    await response(scope, receive, send)


async def _admit(scope: Scope, receive: Receive, fields: Collection[str]) -> tuple[Admitted, dict[str, str]]:
    exchange_of(scope).for_people = True  # the form may be one of our pages
    return await admit_form(scope, receive, Access.WRITE, fields)


def _release(scope: Scope) -> tuple[NormalizedName, str]:
    return normalised_project(scope["path_params"]["project"]), scope["path_params"]["version"]


def _reason(form: Mapping[str, str]) -> str:
    reason = form.get("reason", "")
    if len(reason) > _LONGEST_REASON:
        raise InvalidRequest(f"The reason has {len(reason)} characters; at most {_LONGEST_REASON} are kept.")
    return reason


async def _change(scope: Scope, admitted: Admitted, change: Callable[[], _T]) -> _T:
    """Make the change in a thread; a storage that refuses the caller's secret makes it unknown again."""
    try:
        return await exchange_of(scope).changing(admitted.repository).run(change)
    except (NotPermitted, NotAuthenticated):
        admitted.contradicted()
        raise


def _files(files: Sequence[DistributionFile]) -> Mapping[str, object]:
    return {"files": [file.filename for file in files]}


async def _answer(
    scope: Scope,
    admitted: Admitted,
    form: Mapping[str, str],
    project: NormalizedName,
    document: Mapping[str, object],
    notice: str,
) -> Response:
    """:param notice: what was done, for a person."""
    exchange = exchange_of(scope)
    if not admitted.by_session and not is_navigation(exchange):
        return JSONResponse(document, headers=_NO_STORE)
    if admitted.by_session and exchange.session is not None and exchange.sessions is not None:
        await exchange.sessions.put_notice(exchange.session, notice)
    return see_other(own_path(scope, form.get("next", "")) or await _page_after(scope, admitted, project))


async def _page_after(scope: Scope, admitted: Admitted, project: NormalizedName) -> str:
    """The project's page, or the repository's if nothing of the project is left."""
    root = addresses_of(scope).root
    try:
        await exchange_of(scope).index_threads(admitted.repository).run(admitted.repository.project_page, project)
    except ProjectNotFound:
        return f"{root}/"
    return f"{root}/project/{project}/"
