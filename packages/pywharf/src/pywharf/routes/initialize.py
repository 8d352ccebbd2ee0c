"""``POST /initialize/``: give the server its configuration, or another one, while it runs."""

from __future__ import annotations

from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from pywharf.basic_authentication import basic_credentials
from pywharf.exchange import exchange_of
from pywharf.settings import ServerSettings
from pywharf.small_form import read_small_form
from pywharf.wharf_in_force import OpenWharf, WharfInForce
from pywharf_core.errors import ConfigurationConflict, InvalidRequest, NotAuthenticated
from pywharf_core.guesses import Guesses

_WRONG = "The repository's name or its admin secret is wrong; a repository without an admin secret opens nothing here."


class Initialize:
    """The route; it needs the process's ``WharfInForce``, which no other route changes."""

    def __init__(self, settings: ServerSettings, in_force: WharfInForce) -> None:
        self._open = settings.allow_open_initialize
        self._in_force = in_force
        self._guesses = Guesses()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = exchange_of(scope)
        self._guesses.admit(exchange.client)
        self._allow(scope, exchange.opened)
        form = await read_small_form(scope, receive, ("config", "admin_secret"))
        if "config" not in form:
            raise InvalidRequest("The form has no config; send the configuration's TOML as the field or file config.")
        replaced = await self._in_force.replace(
            form["config"], form.get("admin_secret") or None, allowed=lambda opened: self._allow(scope, opened)
        )
        if not replaced:
            raise ConfigurationConflict(
                "Another configuration was put in force at the same moment; look at it and try again."
            )
        await PlainTextResponse("The configuration is in force.\n")(scope, receive, send)

    def _allow(self, scope: Scope, opened: OpenWharf | None) -> None:
        """Open while the server was never configured; then the admin secret of a configured repository is needed."""
        if opened is None or self._open:
            return
        credentials = basic_credentials(scope)
        if credentials is None:
            raise NotAuthenticated(
                "This server is configured; send the name of a configured repository and its admin secret."
            )
        name, secret = credentials
        repository = opened.repositories.get(name.lower())
        admin_secret = None if repository is None else repository.configuration.admin_secret
        if admin_secret is None or not admin_secret.matches(secret):
            raise NotAuthenticated(_WRONG)
