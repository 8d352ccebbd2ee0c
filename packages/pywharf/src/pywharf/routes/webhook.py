"""``POST /webhook/<repository>/``: word from the storage itself that something changed, signed."""

from __future__ import annotations

import logging

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pywharf.exchange import exchange_of
from pywharf_core.errors import FileTooLarge, NotFound, NotPermitted, StorageUnavailable
from pywharf_core.remote_notices import noticed

logger = logging.getLogger(__name__)

_MOST_BYTES = 5 * 1024 * 1024  # GitHub sends up to 25 MB, but not of releases


async def webhook(scope: Scope, receive: Receive, send: Send) -> None:
    """202: taken; 204: it changes nothing here."""
    exchange = exchange_of(scope)
    if exchange.opened is None:
        raise StorageUnavailable("This server has no configuration yet; POST one to /initialize/.")
    repository = exchange.opened.repositories.get(scope["path_params"]["repository"].lower())
    secret = None if repository is None else repository.configuration.webhook_secret
    if repository is None or secret is None:  # told apart, they would tell which repositories there are
        raise NotFound("No notices are taken here; a repository that takes them has a webhook_secret.")
    body = await _body(scope, receive)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in exchange.headers.items()}
    threads = exchange.threads(repository)
    notice = await threads.run(repository.view(None).read_notice, headers, body, secret)
    if notice is None:
        raise NotPermitted("The notice is not signed with this repository's webhook_secret, or is not of its storage.")
    exchange.repository = repository
    if notice:
        await threads.run(noticed, repository, notice)
        kinds = sorted({change.kind.value for change in notice})
        logger.info("notice taken", extra={"repository": repository.name, "changes": len(notice), "kinds": kinds})
    await Response(status_code=202 if notice else 204, headers={"Cache-Control": "no-store"})(scope, receive, send)


async def _body(scope: Scope, receive: Receive) -> bytes:
    length = exchange_of(scope).headers.get(b"content-length", b"")
    _check_size(int(length) if length.isdigit() else 0)
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        _check_size(len(body))
        if not message.get("more_body", False):
            return bytes(body)


def _check_size(size: int) -> None:
    if size > _MOST_BYTES:
        raise FileTooLarge(f"The notice is too large; at most {_MOST_BYTES} bytes are taken.")
