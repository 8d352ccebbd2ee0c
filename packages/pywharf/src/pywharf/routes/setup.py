"""``GET /upload/``: how to publish to a repository and install from it, ready to paste."""

from __future__ import annotations

from starlette.types import Receive, Scope, Send

from pywharf.admission import admit
from pywharf.exchange import exchange_of
from pywharf.pages.rendering import render
from pywharf.pages.setup_lines import setup_of
from pywharf.pages.validated import validated
from pywharf_core.amounts import size
from pywharf_core.auth import Access


async def setup(scope: Scope, receive: Receive, send: Send) -> None:
    """For whoever may read; the lines hold placeholders where secrets go."""
    repository = (await admit(scope, Access.READ)).repository
    response = render(
        scope,
        "setup.html",
        setup=setup_of(scope, repository),
        by_storage=repository.configuration.auth_type is None,
        most=size(repository.configuration.max_file_bytes),
        private=repository.configuration.private,
        extra_index=bool(repository.extra_index_url),
        anonymous=exchange_of(scope).admitted is not None and repository.configuration.anonymous_read,
    )
    await validated(scope, response)(scope, receive, send)
