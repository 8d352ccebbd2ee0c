"""``GET /metrics``: what to watch, for Prometheus.

What it tells is nobody's business but the operator's: how many there are of what, when something was published, and the
names of repositories. So it is open to addresses that the operator named and to admin secrets; and without names to the
machine itself, as long as no proxy stands in between, behind which everybody would come from there.
"""

from __future__ import annotations

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pywharf.basic_authentication import basic_credentials
from pywharf.exchange import exchange_of
from pywharf.forwarded import CLIENT_IS_TOLD, is_within, read_networks
from pywharf.measurements import Measurements
from pywharf.settings import ServerSettings
from pywharf.wharf_in_force import OpenWharf
from pywharf_core.auth import Access, Verdict
from pywharf_core.errors import NotAuthenticated
from pywharf_core.secret import Secret
from pywharf_core.simple.negotiate import media_ranges
from pywharf_core.verdicts import Verdicts

_TEXT = "text/plain"
_OPEN_METRICS = "application/openmetrics-text"

_LOOPBACK = read_networks(("127.0.0.0/8", "::1"))

# Any of them says that somebody stands between the client and us.
_OF_PROXIES = (b"forwarded", b"via", b"x-forwarded-for", b"x-real-ip")

_NEEDED = (
    "Metrics are for the operator: send the name of a configured repository and its admin secret, or start the server "
    "with --metrics_from ADDRESS."
)
_WRONG = "The repository's name or its admin secret is wrong; a repository without an admin secret opens nothing here."


class Metrics:
    """The route; it needs the process's ``Measurements``."""

    def __init__(self, settings: ServerSettings, measurements: Measurements) -> None:
        self._open_to = read_networks(settings.metrics_from)
        self._measurements = measurements
        # Who knew a secret once is never slowed by others who guess; whether it is right is asked each time.
        self._known = Verdicts(cheap=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        named = self._admit(scope)
        # Imported here: 60 ms and 3 MiB of a library that only a server needs that is watched.
        from pywharf.metric_families import families, rendered

        exchange = exchange_of(scope)
        sums, processes = await self._measurements.of_all_processes()
        repositories = {}
        if exchange.opened is not None:
            for name, repository in exchange.opened.repositories.items():
                repositories[name] = await exchange.opened.status_threads.run(repository.status)
        body, content_type = rendered(
            families(sums, processes, repositories, named=named),
            open_metrics=_wants_open_metrics(exchange.headers.get(b"accept", b"").decode("latin-1")),
        )
        headers = {"Cache-Control": "no-store", "Content-Type": content_type, "Vary": "Accept"}
        await Response(body, headers=headers)(scope, receive, send)

    def _admit(self, scope: Scope) -> bool:
        """Whether names of repositories may be told to this caller.

        :raises NotAuthenticated: nothing may.
        :raises TooManyAttempts: too many wrong secrets came from there.
        """
        exchange = exchange_of(scope)
        direct = CLIENT_IS_TOLD in scope or not any(header in exchange.headers for header in _OF_PROXIES)
        if direct and is_within(exchange.client, self._open_to):
            return True
        if credentials := basic_credentials(scope):
            self._check(exchange.opened, *credentials, exchange.client)
            return True
        if direct and CLIENT_IS_TOLD not in scope and is_within(exchange.client, _LOOPBACK):
            return False
        raise NotAuthenticated(_NEEDED)

    def _check(self, opened: OpenWharf | None, name: str, secret: Secret, client: str) -> None:
        key = self._known.key(name, secret)
        if is_guess := self._known.recall(key, Access.READ) is None and self._known.is_guess(key):
            self._known.guesses.admit(client)
        repository = None if opened is None else opened.repositories.get(name.lower())
        admin_secret = None if repository is None else repository.configuration.admin_secret
        right = admin_secret is not None and admin_secret.matches(secret)
        self._known.remember(key, Verdict(Access.READ if right else Access.UNKNOWN))
        if right and is_guess:
            self._known.guesses.give_back(client)
        if not right:
            raise NotAuthenticated(_WRONG)


def _wants_open_metrics(accept: str) -> bool:
    ranges = media_ranges(accept)
    return ranges.get(_OPEN_METRICS, 0) > max(ranges.get(_TEXT, 0), 0)
