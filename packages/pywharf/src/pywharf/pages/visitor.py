"""Who looks at a page."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import Scope

from pywharf.exchange import exchange_of


@dataclass(frozen=True, slots=True)
class Visitor:
    """As far as this request has shown; ``admission`` decides, this tells.

    :ivar logged_in: the browser has a session.
    :ivar repository: the name of the one at hand, which the visitor was admitted to; "": none.
    :ivar username: there; "": anonymous.
    :ivar may_write: there, as far as is known before it is tried.
    :ivar form_token: what every form of the page must carry as the field ``token``; "": without a session none is needed.
    :ivar notice: what the visitor's last form did, to be shown once; "": nothing.
    """

    logged_in: bool = False
    repository: str = ""
    username: str = ""
    may_write: bool = False
    form_token: str = ""
    notice: str = ""


def visitor_of(scope: Scope) -> Visitor:
    """Costs nothing: what the front and ``admit`` found out already."""
    exchange = exchange_of(scope)
    session, admitted = exchange.session, exchange.admitted
    return Visitor(
        logged_in=session is not None,
        repository="" if admitted is None else admitted.repository.name,
        username="" if admitted is None else admitted.username,
        may_write=admitted is not None and admitted.may_write,
        form_token="" if session is None else session.form_token,
        notice="" if session is None else session.notice,
    )
