"""GitHub's own description of its API: which operation a request is, and whether request and answer are as it says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema_rs

from github_fake.exchange import Answer, Request

_CUT = Path(__file__).with_name("openapi-cut.json")

# Parameters of a path that may hold slashes (`x-multi-segment` in the document).
_MULTI_SEGMENT = frozenset({"path", "ref", "branch"})


@dataclass(frozen=True)
class Hole:
    """Where the document is wrong or silent about an answer that GitHub gives.

    :ivar operation: its id, or `*` for each.
    :ivar schema: the component that the answer must fit all the same; None: its body is not JSON, or empty.
    """

    operation: str
    status: int
    schema: str | None
    reason: str


HOLES = (
    Hole("*", 400, "basic-error", "what is no JSON is refused everywhere; the document says so of few operations"),
    Hole("*", 401, "basic-error", "bad credentials are answered everywhere; the document says so of few operations"),
    Hole("*", 403, "basic-error", "lacking rights and rate limits are answered everywhere"),
    Hole(
        "*",
        404,
        "basic-error",
        "what a token may not see is absent everywhere: get-release and get-repo-public-key list no 404",
    ),
    Hole("*", 429, "basic-error", "the documentation of rate limits promises it for each operation"),
    Hole("*", 301, "basic-error", "a renamed repository redirects each reading operation"),
    Hole("*", 307, "basic-error", "a renamed repository redirects each writing operation"),
    Hole("*", 304, None, "conditional requests are answered everywhere; the document says so of few operations"),
    Hole("repos/upload-release-asset", 422, "validation-error", "the document gives this answer no schema"),
    Hole(
        "repos/update-release",
        422,
        "validation-error",
        "publishing a tag that is taken is refused; the document is silent",
    ),
    Hole(
        "repos/update-release-asset", 422, "validation-error", "a name that is taken is refused; the document is silent"
    ),
    Hole(
        "repos/delete-release-asset", 422, "validation-error", "an immutable release is refused; the document is silent"
    ),
    Hole("repos/list-releases", 422, "basic-error", "past 10,000 releases; reported with this message"),
    Hole("git/delete-ref", 422, "basic-error", "`Reference does not exist`; the document gives it no schema"),
    Hole(
        "actions/create-workflow-dispatch", 422, "basic-error", "a workflow without the trigger; the document is silent"
    ),
    Hole("repos/update", 422, "validation-error", "a name that is taken"),
    Hole("actions/create-or-update-repo-secret", 422, "basic-error", "a value that is not sealed for the repository"),
)

# Media types that the document does not list, by operation.
_RAW = "application/vnd.github.raw+json"
UNLISTED_MEDIA_TYPES = {
    ("repos/get-content", 200): {_RAW: "the raw form is documented in prose only"},
    ("git/get-blob", 200): {_RAW: "the raw form is documented in prose only"},
    ("repos/get-release-asset", 200): {"*": "an asset's bytes come straight from servers that have no storage host"},
}


def _amend(document: dict[str, Any]) -> None:
    """Put right what the schemas themselves say wrongly."""
    schemas = document["components"]["schemas"]
    # The prose of "List release assets" knows a third state, of an upload that broke off.
    schemas["release-asset"]["properties"]["state"]["enum"].append("starter")


@dataclass(frozen=True)
class Operation:
    """:ivar template: `/repos/{owner}/{repo}/releases`, as the document writes it."""

    id: str
    method: str
    template: str
    pattern: re.Pattern[str]
    definition: Mapping[str, Any]

    @property
    def name(self) -> str:
        return f"{self.method} {self.template}"

    def takes_in_query(self, resolve: Any) -> dict[str, Mapping[str, Any]]:
        parameters = (resolve(parameter) for parameter in self.definition.get("parameters", ()))
        return {parameter["name"]: parameter for parameter in parameters if parameter["in"] == "query"}


class Contract:
    """One for each process: see `contract`."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._examples = document["components"]["examples"]
        document = deepcopy(document)
        _amend(document)
        self._document = document
        self._schemas = _as_json_schema(document["components"]["schemas"])
        self.operations = sorted(_operations(document), key=lambda operation: operation.template.count("{"))
        self._by_id = {operation.id: operation for operation in self.operations}
        self._validators: dict[str, jsonschema_rs.Validator] = {}

    def match(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """The operation, and what its path's parameters are, decoded; None: GitHub has none such, or we did not cut it."""
        for operation in self.operations:
            if operation.method == method and (found := operation.pattern.fullmatch(path)):
                return operation, {name: unquote(value) for name, value in found.groupdict().items()}
        return None

    def operation(self, operation_id: str) -> Operation:
        return self._by_id[operation_id]

    def named(self, name: str) -> Operation:
        """By ``POST /repos/{o}/{r}/releases``, whatever its parameters are called, or by its id.

        :raises KeyError: when there is none.
        """
        if name in self._by_id:
            return self._by_id[name]
        for operation in self.operations:
            if _anonymous(operation.name) == _anonymous(name):
                return operation
        raise KeyError(f"the cut of GitHub's document has no operation {name!r}")

    def example(self, name: str) -> dict[str, Any]:
        """A complete object of that kind, to be overwritten."""
        example = deepcopy(self._examples[name]["value"])
        assert isinstance(example, dict)
        return example

    def faults_of_request(self, request: Request) -> Iterator[str]:
        """What is wrong with a request, one sentence each."""
        operation = self._by_id[request.operation]
        known = operation.takes_in_query(self._resolve)
        for name in request.query.keys() - known.keys():
            yield f"{operation.name} takes no query parameter {name!r}"
        for name, parameter in known.items():
            if name not in request.query:
                if parameter.get("required"):
                    yield f"{operation.name} needs the query parameter {name!r}"
                continue
            value: Any = request.query[name]
            schema = _as_json_schema(parameter["schema"])
            if schema.get("type") == "integer" and re.fullmatch(r"-?\d+", value):
                value = int(value)
            yield from self._faults(
                f"{operation.id}?{name}", schema, value, f"{operation.name}: query parameter {name}"
            )
        for parameter in map(self._resolve, operation.definition.get("parameters", ())):
            is_number = parameter["in"] == "path" and parameter["schema"].get("type") == "integer"
            if is_number and not request.parameters[parameter["name"]].isdigit():
                yield f"{operation.name}: {parameter['name']} must be a number"
        yield from self._faults_of_body(operation, request)

    def faults_of_answer(self, request: Request, answer: Answer) -> Iterator[str]:
        """What is wrong with an answer, one sentence each."""
        operation = self._by_id[request.operation]
        what = f"{operation.name} → {answer.status}"
        responses = operation.definition["responses"]
        listed = responses.get(str(answer.status))
        media_type = answer.media_type.split(";")[0]
        unlisted = UNLISTED_MEDIA_TYPES.get((operation.id, answer.status), {})
        if listed is not None and (media_type in unlisted or "*" in unlisted) and media_type != "application/json":
            return
        content = self._resolve(listed).get("content", {}) if listed is not None else {}
        if content:
            if media_type not in content:
                yield f"{what}: the document lists {sorted(content)}, not {media_type}"
                return
            key = f"{operation.id}:{answer.status}"
            yield from self._faults(key, _as_json_schema(content[media_type].get("schema", {})), answer.content, what)
            return
        hole = _hole(operation.id, answer.status)
        if listed is None and hole is None:
            yield f"{what}: the document lists {sorted(responses)}"
        elif hole is not None and hole.schema is not None:
            schema = {"$ref": f"#/components/schemas/{hole.schema}"}
            yield from self._faults(f"hole:{hole.schema}", schema, answer.content, what)
        elif answer.content is not None and answer.status != 302:
            yield f"{what} has no body in the document"

    def _faults_of_body(self, operation: Operation, request: Request) -> Iterator[str]:
        definition = self._resolve(operation.definition.get("requestBody") or {})
        content = definition.get("content", {})
        if "application/json" not in content:
            if request.body and not content:
                yield f"{operation.name} takes no body"
            return
        if not request.body:
            if definition.get("required"):
                yield f"{operation.name} needs a body"
            return
        try:
            value = json.loads(request.body)
        except ValueError:
            yield f"{operation.name}: the body is no JSON"
            return
        schema = _as_json_schema(content["application/json"]["schema"])
        yield from self._faults(f"{operation.id}<", schema, value, f"{operation.name}: body")
        yield from self._unknown_fields(schema, value, f"{operation.name}: body")

    def _unknown_fields(self, schema: Mapping[str, Any], value: Any, where: str) -> Iterator[str]:
        schema = self._dereferenced(schema)
        if isinstance(value, list) and "items" in schema:
            for item in value:
                yield from self._unknown_fields(schema["items"], item, f"{where}[]")
        if not isinstance(value, dict):
            return
        known: dict[str, Any] = dict(schema.get("properties", {}))
        for part in (*schema.get("anyOf", ()), *schema.get("allOf", ())):
            known |= self._dereferenced(part).get("properties", {})
        if not known or schema.get("additionalProperties"):
            return
        for name, item in value.items():
            if name not in known:
                yield f"{where} has no field {name!r}; it may have {sorted(known)}"
            else:
                yield from self._unknown_fields(known[name], item, f"{where}.{name}")

    def _faults(self, key: str, schema: Mapping[str, Any], value: Any, what: str) -> Iterator[str]:
        validator = self._validators.get(key)
        if validator is None:
            whole = {**schema, "components": {"schemas": self._schemas}}
            validator = self._validators[key] = jsonschema_rs.Draft7Validator(whole, validate_formats=True)
        for error in validator.iter_errors(value):
            place = "".join(f"[{step!r}]" for step in error.instance_path)
            yield f"{what}{place}: {error.message[:300]}"

    def _dereferenced(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        while isinstance(schema.get("$ref"), str):
            schema = self._schemas[schema["$ref"].rsplit("/", 1)[1]]
        return schema

    def _resolve(self, definition: Mapping[str, Any]) -> Mapping[str, Any]:
        while isinstance(definition.get("$ref"), str):
            kind, name = definition["$ref"].removeprefix("#/components/").split("/", 1)
            definition = self._document["components"][kind][name]
        return definition


@cache
def contract() -> Contract:
    return Contract(json.loads(_CUT.read_text(encoding="utf-8")))


def _operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    for template, methods in document["paths"].items():
        for method, definition in methods.items():
            parts = re.split(r"\{(\w+)\}", template)
            pattern = "".join(
                re.escape(part) if index % 2 == 0 else f"(?P<{part}>{_pattern(part)})"
                for index, part in enumerate(parts)
            )
            yield Operation(definition["operationId"], method.upper(), template, re.compile(pattern), definition)


def _pattern(parameter: str) -> str:
    if parameter == "path":
        return ".*"  # the root folder has an empty one
    return ".+" if parameter in _MULTI_SEGMENT else "[^/]+"


def _hole(operation_id: str, status: int) -> Hole | None:
    fitting: Sequence[Hole] = [
        hole for hole in HOLES if hole.status == status and hole.operation in (operation_id, "*")
    ]
    return max(fitting, key=lambda hole: hole.operation != "*", default=None)


def _anonymous(name: str) -> str:
    return re.sub(r"\{\w*\}", "{}", name)


def _as_json_schema(value: Any) -> Any:
    """An OpenAPI 3.0 schema in JSON Schema's words.

    `nullable` becomes a type, and `oneOf` becomes `anyOf`: of the document's alternatives several fit the same real answer.
    """
    if isinstance(value, list):
        return [_as_json_schema(item) for item in value]
    if not isinstance(value, dict):
        return value
    schema = {
        ("anyOf" if key == "oneOf" else key): item if key in ("enum", "default", "example") else _as_json_schema(item)
        for key, item in value.items()
        if key != "nullable" or not isinstance(item, bool)
    }
    if value.get("nullable") is not True:
        return schema
    if isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema and None not in schema["enum"]:
            schema["enum"] = [*schema["enum"], None]
        return schema
    return {"anyOf": [schema, {"type": "null"}]}
