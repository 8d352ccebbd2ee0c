"""Reading pages of the Simple API as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

JSON = "application/vnd.pypi.simple.v1+json"
ACCEPT_JSON = {"Accept": JSON}


def listed(body: bytes | str) -> Mapping[str, str]:
    """The sha256 of each file on a project's page, by filename."""
    page: dict[str, Any] = json.loads(body)
    return {file["filename"]: file["hashes"]["sha256"] for file in page["files"]}


def listed_projects(body: bytes | str) -> list[str]:
    page: dict[str, Any] = json.loads(body)
    return [project["name"] for project in page["projects"]]
