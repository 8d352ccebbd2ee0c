"""Cut the operations that the stand-in knows out of GitHub's own OpenAPI document, and write them beside this file.

Run as ``python -m github_fake.recut`` from the folder ``tests``, with npm at hand: it downloads the package `@octokit/openapi`
(about 29 MB) and reads one member of it. `openapi-cut.NOTICE` says whose document it is, and under which licence.
"""

from __future__ import annotations

import json
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

PACKAGE = "@octokit/openapi@23.0.2"
MEMBER = "package/generated/api.github.com.json"
CUT = Path(__file__).with_name("openapi-cut.json")

OPERATIONS = frozenset(
    {
        "actions/create-or-update-repo-secret",
        "actions/create-workflow-dispatch",
        "actions/delete-repo-secret",
        "actions/get-github-actions-default-workflow-permissions-repository",
        "actions/get-repo-public-key",
        "actions/get-repo-secret",
        "actions/get-workflow",
        "actions/list-repo-secrets",
        "actions/list-repo-workflows",
        "actions/set-github-actions-default-workflow-permissions-repository",
        "git/create-blob",
        "git/create-commit",
        "git/create-ref",
        "git/create-tree",
        "git/delete-ref",
        "git/get-blob",
        "git/get-commit",
        "git/get-ref",
        "git/get-tree",
        "git/list-matching-refs",
        "git/update-ref",
        "rate-limit/get",
        "repos/check-immutable-releases",
        "repos/create-dispatch-event",
        "repos/create-for-authenticated-user",
        "repos/create-in-org",
        "repos/create-or-update-file-contents",
        "repos/create-pages-site",
        "repos/create-release",
        "repos/create-webhook",
        "repos/delete",
        "repos/delete-file",
        "repos/delete-pages-site",
        "repos/delete-release",
        "repos/delete-release-asset",
        "repos/disable-immutable-releases",
        "repos/enable-immutable-releases",
        "repos/get",
        "repos/get-branch",
        "repos/get-collaborator-permission-level",
        "repos/get-content",
        "repos/get-latest-release",
        "repos/get-pages",
        "repos/get-release",
        "repos/get-release-asset",
        "repos/get-release-by-tag",
        "repos/list-release-assets",
        "repos/list-releases",
        "repos/list-webhooks",
        "repos/update",
        "repos/update-release",
        "repos/update-release-asset",
        "repos/upload-release-asset",
        "users/get-authenticated",
        "users/get-by-username",
    }
)

_OPERATION_KEYS = frozenset({"operationId", "parameters", "requestBody", "responses"})
_PROSE = frozenset({"description", "summary", "externalDocs", "title", "deprecated", "x-multi-segment"})


def cut(document: Mapping[str, Any]) -> dict[str, Any]:
    """The part of an OpenAPI document that `OPERATIONS` need, without its prose.

    :raises KeyError: when the document lacks one of them.
    """
    paths: dict[str, dict[str, Any]] = {}
    missing = set(OPERATIONS)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if isinstance(operation, dict) and operation.get("operationId") in OPERATIONS:
                kept = {key: value for key, value in operation.items() if key in _OPERATION_KEYS}
                paths.setdefault(path, {})[method] = _without_prose(kept)
                missing.discard(operation["operationId"])
    if missing:
        raise KeyError(f"the document has no operation {sorted(missing)}")
    components: dict[str, dict[str, Any]] = {}
    pending = set(_references(paths))
    while pending:
        kind, name = pending.pop()
        if name not in components.setdefault(kind, {}):
            component = _without_prose(document["components"][kind][name])
            components[kind][name] = component
            pending.update(_references(component))
    return {"openapi": document["openapi"], "info": document["info"], "paths": paths, "components": components}


def document_of(archive: Path) -> dict[str, Any]:
    """GitHub's whole document, as the package at ``archive`` has it."""
    with tarfile.open(archive) as package:
        member = package.extractfile(MEMBER)
        assert member is not None
        document = json.load(member)
        assert isinstance(document, dict)
        return document


def download(folder: Path) -> Path:
    """Fetch the package with npm.

    :raises subprocess.CalledProcessError: when npm cannot.
    """
    return npm_pack(PACKAGE, folder)


def npm_pack(package: str, folder: Path) -> Path:
    """The archive of ``package`` in ``folder``.

    :raises subprocess.CalledProcessError: when npm cannot fetch it.
    :raises OSError: when there is no npm.
    """
    line = ["npm", "pack", "--silent", package, "--pack-destination", str(folder)]
    done = subprocess.run(line, capture_output=True, text=True, check=True, timeout=300)
    return folder / done.stdout.split()[-1]


def text_of(cut_document: Mapping[str, Any]) -> str:
    """How `CUT` holds it: a line for each value, so that a change can be read."""
    return json.dumps(cut_document, indent=1, sort_keys=True) + "\n"


def _without_prose(value: Any, *, names: bool = False) -> Any:
    """:param names: whether the keys of ``value`` are names of its own, such as a property called ``description``."""
    if isinstance(value, list):
        return [_without_prose(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value and isinstance(value["$ref"], str):
        return {"$ref": value["$ref"]}
    kept = {}
    for key, item in value.items():
        if not names and (key in _PROSE or key.startswith("x-")):
            continue
        if not names and key in ("example", "examples", "default", "enum"):
            kept[key] = _with_references_only(item) if key == "examples" else item
        else:
            kept[key] = _without_prose(item, names=not names and key in ("properties", "headers", "responses"))
    return kept


def _with_references_only(examples: Any) -> Any:
    if not isinstance(examples, dict):
        return examples
    return {
        name: {key: item for key, item in example.items() if key in ("$ref", "value")}
        if isinstance(example, dict)
        else example
        for name, example in examples.items()
    }


def _references(value: Any) -> Iterator[tuple[str, str]]:
    """Each ``(kind, name)`` that ``value`` points at among the components."""
    if isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str) and reference.startswith("#/components/"):
            kind, name = reference.removeprefix("#/components/").split("/", 1)
            yield kind, name
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        CUT.write_text(text_of(cut(document_of(download(Path(folder))))), encoding="utf-8")


if __name__ == "__main__":
    main()
