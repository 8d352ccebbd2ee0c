"""The OpenAPI document of these pages: which operation a request is, and whether an answer is one that it describes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import jsonschema_rs
import yaml

from support.repository_copy import REPOSITORY

PATH = REPOSITORY / "docs" / "openapi.yaml"

#: That any address may answer with, as the document's description says, and no operation lists.
ANYWHERE = {303: "SeeOther", 400: "Invalid", 403: "Forbidden", 405: "Invalid", 500: "Invalid"}


@dataclass(frozen=True)
class Operation:
    """:ivar method: in capital letters."""

    method: str
    path: str
    definition: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class OpenApi:
    """See ``document``."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.operations = list(_operations(document))
        self._patterns = [(_pattern(operation.path), operation) for operation in self.operations]
        # The fewer parameters, and the more beside them, the more it says.
        self._patterns.sort(key=lambda entry: (entry[1].path.count("{"), -len(entry[1].path)))
        self._validators: dict[str, jsonschema_rs.Validator] = {}

    def find(self, method: str, path: str) -> Operation | None:
        """What the document says of it; a slash at the end may be there or not.

        :param path: as it was sent, without the query.
        """
        path = re.sub(r"/{2,}", "/", path)
        path = re.sub(r"^/r/[^/]+(?=/|$)", "", path) or "/"
        path = re.sub("%2b", "+", path, flags=re.IGNORECASE)
        method = "GET" if method == "HEAD" else method
        other = path.removesuffix("/") if path.endswith("/") else f"{path}/"
        for spelling in (path, other):
            for pattern, operation in self._patterns:
                if operation.method == method and pattern.fullmatch(spelling):
                    return operation
        return None

    def check(self, method: str, path: str, status: int, headers: Mapping[str, str], body: bytes) -> Operation | None:
        """The operation; None: the document has none for the request.

        :param headers: by lower-case name.
        :raises AssertionError: this is no answer that the document describes.
        """
        operation = self.find(method, path)
        where = f"{method} {path}: {status}"
        if operation is None:
            assert status in (400, 401, 403, 404, 405, 503), f"{where}, and the document has no such operation"
            return None
        described = operation.definition["responses"].get(str(status))
        if described is None:
            assert status in ANYWHERE, f"{where} is not described"
            described = {"$ref": f"#/components/responses/{ANYWHERE[status]}"}
        described = self.resolved(described)
        for name, header in described.get("headers", {}).items():
            value = headers.get(name.lower())
            header = self.resolved(header)
            assert value is not None or not header.get("required"), f"{where} without {name}"
            if value is not None:
                self._validate(header["schema"], value, f"{where}, {name}")
        content = described.get("content")
        if method == "HEAD" or status == 304:
            return operation
        if content is None:
            assert not body, f"{where} with a body"
            return operation
        media_type = headers.get("content-type", "").partition(";")[0]
        assert media_type in content, f"{where} as {media_type}"
        schema = content[media_type].get("schema", {})
        if media_type.endswith("json"):
            self._validate(schema, json.loads(body), where)
        elif schema:
            self._validate(schema, body.decode(), where)
        return operation

    def resolved(self, value: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a reference stands for."""
        while "$ref" in value:
            found: Any = self.document
            for part in value["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            value = found
        return value

    def _validate(self, schema: Mapping[str, Any], value: object, where: str) -> None:
        key = json.dumps(schema)
        if key not in self._validators:
            whole = {**schema, "components": self.document["components"]}
            self._validators[key] = jsonschema_rs.Draft202012Validator(whole)
        for error in self._validators[key].iter_errors(value):
            raise AssertionError(f"{where}: {error.message}")


@cache
def openapi() -> OpenApi:
    """The document, read once."""
    return OpenApi(yaml.safe_load(PATH.read_text(encoding="utf-8")))


def _operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        for method, definition in item.items():
            if method in ("get", "post", "put", "patch", "delete", "head", "options"):
                yield Operation(method.upper(), path, definition)


def _pattern(template: str) -> re.Pattern[str]:
    literal = re.sub(r"[.+]", r"\\\g<0>", template)
    # What has a dot is no namespace, but a file of a project of that name: as the parameter's own pattern says.
    return re.compile(re.sub(r"\{\w+\}", "[^/]+", literal.replace("{namespace}", "[^/.]+")))
