"""``POST /manage/…``: yank, unyank, delete, and project status, for callers who may write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from packaging.utils import NormalizedName
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from pywharf.admission import Admitted, admit
from pywharf.exchange import exchange_of
from pywharf.routes.simple import normalised_project
from pywharf.small_form import read_small_form
from pywharf_core import changes
from pywharf_core.auth import Access
from pywharf_core.errors import InvalidRequest, NotAuthenticated, NotPermitted
from pywharf_core.model import DistributionFile, ProjectState, ProjectStatus

_T = TypeVar("_T")

_NO_STORE = {"Cache-Control": "no-store"}


async def yank(scope: Scope, receive: Receive, send: Send) -> None:
    """``POST /manage/<project>/<version>/yank``, with the field ``reason`` or without."""
    admitted = await admit(scope, Access.WRITE)
    project, version = _release(scope)
    reason = (await read_small_form(scope, receive, ("reason",))).get("reason", "")
    files = await _change(
        scope, admitted, lambda: changes.yank(admitted.repository, project, version, reason, admitted.secret)
    )
    await _say_files(scope, receive, send, files)


async def unyank(scope: Scope, receive: Receive, send: Send) -> None:
    """``POST /manage/<project>/<version>/unyank``"""
    admitted = await admit(scope, Access.WRITE)
    project, version = _release(scope)
    await read_small_form(scope, receive, ())
    files = await _change(
        scope, admitted, lambda: changes.yank(admitted.repository, project, version, None, admitted.secret)
    )
    await _say_files(scope, receive, send, files)


async def delete(scope: Scope, receive: Receive, send: Send) -> None:
    """``POST /manage/<project>/<version>/delete``; with the field ``filename`` only that file of the release."""
    admitted = await admit(scope, Access.WRITE)
    project, version = _release(scope)
    filename = (await read_small_form(scope, receive, ("filename",))).get("filename")
    files = await _change(
        scope,
        admitted,
        lambda: changes.delete(
            admitted.repository, project, version=version, filename=filename, secret=admitted.secret
        ),
    )
    await _say_files(scope, receive, send, files)


async def set_status(scope: Scope, receive: Receive, send: Send) -> None:
    """``POST /manage/<project>/status``, with the field ``status`` and perhaps ``reason``."""
    admitted = await admit(scope, Access.WRITE)
    project = normalised_project(scope["path_params"]["project"])
    form = await read_small_form(scope, receive, ("status", "reason"))
    try:
        status = ProjectStatus(form.get("status", ""))
    except ValueError:
        raise InvalidRequest(
            f"The form's status {form.get('status', '')[:50]!r} is none; allowed are {', '.join(ProjectStatus)}."
        ) from None
    state: ProjectState = await _change(
        scope,
        admitted,
        lambda: changes.set_status(admitted.repository, project, status, form.get("reason") or None, admitted.secret),
    )
    document = {"project": project, "status": state.status, "reason": state.reason}
    await JSONResponse(document, headers=_NO_STORE)(scope, receive, send)


def _release(scope: Scope) -> tuple[NormalizedName, str]:
    return normalised_project(scope["path_params"]["project"]), scope["path_params"]["version"]


async def _change(scope: Scope, admitted: Admitted, change: Callable[[], _T]) -> _T:
    """Make the change in a thread; a storage that refuses the caller's secret makes it unknown again."""
    try:
        return await exchange_of(scope).threads(admitted.repository).run(change)
    except (NotPermitted, NotAuthenticated):
        admitted.contradicted()
        raise


async def _say_files(scope: Scope, receive: Receive, send: Send, files: Sequence[DistributionFile]) -> None:
    document = {"files": [file.filename for file in files]}
    await JSONResponse(document, headers=_NO_STORE)(scope, receive, send)
