"""What one request is to the operations, and what they answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from github_fake.tokens import Token


@dataclass(frozen=True, kw_only=True)
class Request:
    """:ivar operation: its `operationId` in GitHub's document.
    :ivar path: below the prefix, still percent-encoded.
    :ivar parameters: what the path's template names, decoded.
    :ivar headers: names in lower case.
    :ivar token: None: nobody said who they are.
    """

    method: str
    operation: str
    path: str
    parameters: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    token: Token | None

    def json(self) -> dict[str, Any]:
        """:raises Refusal: 400, as GitHub answers what is no JSON object."""
        if not self.body:
            return {}
        try:
            document = json.loads(self.body)
        except ValueError:
            raise Refusal(400, "Problems parsing JSON") from None
        if not isinstance(document, dict):
            raise Refusal(400, "Body should be a JSON object")
        return document

    def integer(self, name: str) -> int:
        """:raises Refusal: 404, when the path has no number there."""
        try:
            return int(self.parameters[name])
        except ValueError:
            raise Refusal(404, "Not Found") from None

    @property
    def accept(self) -> str:
        return self.headers.get("accept", "")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """:ivar content: JSON, or bytes as they are; None: no body.
    :ivar faulty: whether a fault made it, so that GitHub's document does not bind it.
    """

    status: int
    content: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json; charset=utf-8"
    faulty: bool = False

    def body(self) -> bytes:
        if self.content is None:
            return b""
        if isinstance(self.content, bytes):
            return self.content
        return json.dumps(self.content, separators=(",", ":"), ensure_ascii=False).encode()


class Refusal(Exception):
    """An error answer. GitHub writes the status into the body too, as a string."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: Sequence[Mapping[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {message}")
        self.status = status
        self.message = message
        self.errors = errors
        self.headers = dict(headers or {})

    def answer(self) -> Answer:
        content: dict[str, Any] = {"message": self.message}
        if self.errors is not None:
            content["errors"] = list(self.errors)
        content |= {"documentation_url": "https://docs.github.com/rest", "status": str(self.status)}
        return Answer(status=self.status, content=content, headers=self.headers)


def not_found() -> Refusal:
    """For what is absent, and for what the caller may not know of."""
    return Refusal(404, "Not Found")


def invalid(resource: str, code: str, name: str | None = None, message: str | None = None) -> Refusal:
    """422, for a business rule.

    :param code: one of missing, missing_field, invalid, already_exists, unprocessable, custom.
    """
    return Refusal(422, "Validation Failed", errors=[broken_rule(resource, code, name, message)])


def broken_rule(resource: str, code: str, name: str | None = None, message: str | None = None) -> dict[str, str]:
    """One of the errors of a 422: GitHub lists all that it found, and the telling one need not be the first."""
    error = {"resource": resource, "code": code, "field": name, "message": message}
    return {key: value for key, value in error.items() if value is not None}
