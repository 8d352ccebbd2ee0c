"""What a token may do in the GitHub repository, as far as GitHub tells before the act.

``permissions`` in its answer is the role of the token's *user*. A classic token adds its scopes in a header, and both
together are the answer. A fine-grained token, or an app's, may have been granted less (and to an app's, ``permissions``
always denies writing): there the write itself has the last word.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pywharf_core import Access, NotAuthenticated, NotPermitted, Verdict
from pywharf_github.client import Client

BELIEVED_FOR = 60.0  # seconds
DISBELIEVED_FOR = 10.0

_INSTALLATION = "ghs_"  # an app's, and the one that a job of Actions has
_WITHOUT_SCOPES = (_INSTALLATION, "github_pat_", "ghu_")  # fine-grained, and of an app's user


def access_of(client: Client) -> Verdict:
    """What the client's secret may do; one request.

    :raises StorageUnavailable: GitHub does not say now.
    """
    if client.secret is None:
        return Verdict(Access.UNKNOWN, DISBELIEVED_FOR)
    try:
        answer = client.ask("GET")
    except NotAuthenticated:
        return Verdict(Access.UNKNOWN, DISBELIEVED_FOR)
    except NotPermitted:
        return Verdict(Access.NONE, DISBELIEVED_FOR)
    scopes = answer.headers.get("x-oauth-scopes")
    return Verdict(_access(answer.data, scopes, client.secret.reveal()), BELIEVED_FOR)


def _access(repository: Mapping[str, Any], scopes: str | None, token: str) -> Access:
    permissions = repository.get("permissions") or {}
    may_push = bool(permissions.get("push") or permissions.get("maintain") or permissions.get("admin"))
    if repository.get("archived"):
        return Access.READ
    if scopes is not None and not token.startswith(_WITHOUT_SCOPES):
        granted = {scope.strip() for scope in scopes.split(",")}
        enough = {"repo"} if repository.get("private") else {"repo", "public_repo"}
        return Access.WRITE if may_push and granted & enough else Access.READ
    if token.startswith(_INSTALLATION) or may_push:
        return Access.MAY_WRITE
    return Access.READ
