"""Secrets, workflows and the ways to start them."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from typing import Any

from nacl.exceptions import CryptoError
from nacl.public import SealedBox

from github_fake.clock import timestamp
from github_fake.exchange import Answer, Refusal, not_found
from github_fake.operations.registry import Exchange, operation, wanted
from github_fake.render import node_id
from github_fake.world import Repository

_WORKFLOW_FILE = re.compile(r"\.github/workflows/[^/]+\.ya?ml")


@operation("actions/get-repo-public-key")
def public_key(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("secrets")
    key = b64encode(bytes(repository.secrets_key.public_key)).decode()
    return Answer(status=200, content={"key_id": repository.secrets_key_id, "key": key})


@operation("actions/create-or-update-repo-secret")
def put_secret(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("secrets", "write")
    asked, name = exchange.request.json(), exchange.request.parameters["secret_name"].upper()
    if not re.fullmatch(r"[A-Z_][A-Z0-9_]*", name) or name.startswith("GITHUB_"):
        raise Refusal(
            422, "Secret names can only contain alphanumeric characters or underscores, and no GITHUB_ prefix"
        )
    if wanted(asked, "key_id") != repository.secrets_key_id:
        raise Refusal(422, "Bad request - key_id is not valid")
    try:
        sealed = b64decode(wanted(asked, "encrypted_value"), validate=True)
        SealedBox(repository.secrets_key).decrypt(sealed)
    except (binascii.Error, CryptoError):
        raise Refusal(422, "Bad request - value must be encrypted with the public key of the repository") from None
    now, known = exchange.world.clock.now(), name in repository.secrets
    repository.secrets[name] = sealed
    repository.secret_times[name] = (repository.secret_times[name][0] if known else now, now)
    return Answer(status=204) if known else Answer(status=201, content={})


@operation("actions/get-repo-secret")
def get_secret(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("secrets")
    name = exchange.request.parameters["secret_name"].upper()
    if name not in repository.secrets:
        raise not_found()
    return Answer(status=200, content=_secret(repository, name))


@operation("actions/list-repo-secrets")
def list_secrets(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("secrets")
    part, headers = exchange.page(sorted(repository.secrets))
    content = {"total_count": len(repository.secrets), "secrets": [_secret(repository, name) for name in part]}
    return Answer(status=200, content=content, headers=headers)


@operation("actions/delete-repo-secret")
def delete_secret(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("secrets", "write")
    if repository.secrets.pop(exchange.request.parameters["secret_name"].upper(), None) is None:
        raise not_found()
    return Answer(status=204)


@operation("actions/list-repo-workflows")
def list_workflows(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("actions")
    workflows = _workflows(exchange, repository)
    part, headers = exchange.page(workflows)
    return Answer(status=200, content={"total_count": len(workflows), "workflows": part}, headers=headers)


@operation("actions/get-workflow")
def get_workflow(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("actions")
    return Answer(status=200, content=_workflow(exchange, repository))


@operation("actions/create-workflow-dispatch")
def dispatch_workflow(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("actions", "write")
    workflow, asked = _workflow(exchange, repository), exchange.request.json()
    ref = wanted(asked, "ref")
    if repository.git.commit_of(ref) is None:
        raise Refusal(422, f"No ref found for: {ref}")
    text = repository.file(workflow["path"], ref)
    if text is None or b"workflow_dispatch" not in text:
        raise Refusal(422, "Workflow does not have 'workflow_dispatch' trigger")
    run = exchange.world.next_id()
    inputs = asked.get("inputs", {})
    repository.workflow_dispatches.append({"path": workflow["path"], "ref": ref, "inputs": inputs, "run": run})
    if not asked.get("return_run_details", False):
        return Answer(status=204)
    base = exchange.render.urls
    content = {
        "workflow_run_id": run,
        "run_url": f"{base.repository(repository)}/actions/runs/{run}",
        "html_url": f"{base.html}/{repository.full_name}/actions/runs/{run}",
    }
    return Answer(status=200, content=content)


@operation("repos/create-dispatch-event")
def dispatch_event(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("contents", "write")
    asked = exchange.request.json()
    wanted(asked, "event_type")
    repository.dispatches.append(asked)
    return Answer(status=204)


@operation("actions/get-github-actions-default-workflow-permissions-repository")
def get_workflow_permissions(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("administration")
    return Answer(status=200, content=dict(repository.workflow_permissions))


@operation("actions/set-github-actions-default-workflow-permissions-repository")
def set_workflow_permissions(exchange: Exchange) -> Answer:
    repository, rights = exchange.repository()
    rights.need("administration", "write")
    repository.workflow_permissions |= exchange.request.json()
    return Answer(status=204)


def _secret(repository: Repository, name: str) -> dict[str, str]:
    created, updated = repository.secret_times[name]
    return {"name": name, "created_at": timestamp(created), "updated_at": timestamp(updated)}


def _workflow(exchange: Exchange, repository: Repository) -> dict[str, Any]:
    wanted_one = exchange.request.parameters["workflow_id"]
    for workflow in _workflows(exchange, repository):
        if wanted_one in (str(workflow["id"]), workflow["path"].rsplit("/", 1)[1]):
            return workflow
    raise not_found()


def _workflows(exchange: Exchange, repository: Repository) -> list[dict[str, Any]]:
    """Those of the default branch: GitHub knows a workflow by its file there."""
    commit = repository.git.commit_of(repository.default_branch)
    found = []
    for path, entry in repository.git.files(commit.tree) if commit is not None else ():
        if _WORKFLOW_FILE.fullmatch(path) is None:
            continue
        text = repository.git.blobs[entry.sha].decode(errors="replace")
        title = re.search(r"^name:\s*(.+?)\s*$", text, re.MULTILINE)
        if path not in repository.workflow_ids:
            repository.workflow_ids[path] = exchange.world.next_id()
        number = repository.workflow_ids[path]
        html = f"{exchange.render.urls.html}/{repository.full_name}"
        found.append(
            {
                "id": number,
                "node_id": node_id("W", number),
                "name": title[1].strip("\"'") if title else path,
                "path": path,
                "state": "active",
                "created_at": timestamp(repository.created_at),
                "updated_at": timestamp(repository.created_at),
                "url": f"{exchange.render.urls.repository(repository)}/actions/workflows/{number}",
                "html_url": f"{html}/blob/{repository.default_branch}/{path}",
                "badge_url": f"{html}/workflows/{path.rsplit('/', 1)[1]}/badge.svg",
            }
        )
    return found
