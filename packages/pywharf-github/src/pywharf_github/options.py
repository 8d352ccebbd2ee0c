"""The keys of a repository's table with ``type = "github"``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from pywharf_core import option

API_URL = "https://api.github.com"

_OWNER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?\Z")  # Enterprise's managed users have an underscore
_REPO = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,100}\Z")
_BRANCH = re.compile(r"(?!/)(?!.*(?:\.\.|//|@\{|/\.))[^\x00-\x20~^:?*\[\\\x7f]+(?<![./])\Z")
_PATH = re.compile(r"(?!\.)[A-Za-z0-9._-]+(?:/(?!\.)[A-Za-z0-9._-]+)*\Z")


def _is_api_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in ("https", "http")
            and bool(parts.hostname)
            and (parts.port is None or parts.port > 0)
            and not (parts.username or parts.password or parts.query or parts.fragment)
        )
    except ValueError:
        return False


@dataclass(frozen=True, kw_only=True)
class GitHubOptions:
    """Which GitHub repository, and how its files are served."""

    owner: str = option(
        "the user or organisation that owns the GitHub repository",
        example='"acme"',
        expected="the name of a GitHub user or organisation",
        check=lambda text: _OWNER.match(text) is not None,
    )
    repo: str = option(
        "the GitHub repository's name, without its owner",
        example='"packages"',
        expected="the name of a GitHub repository, without its owner",
        check=lambda text: _REPO.match(text) is not None,
    )
    branch: str | None = option(
        "the branch that holds the index; without it, the GitHub repository's default branch",
        default=None,
        example='"main"',
        expected="the name of a branch",
        check=lambda text: _BRANCH.match(text) is not None,
    )
    index_filename: str = option(
        "the index file's path on the branch",
        default="index.toml",
        example='"index.toml"',
        expected="a path of letters, digits and . _ - /",
        check=lambda text: _PATH.match(text) is not None,
    )
    api_url: str = option(
        "the REST API's address; GitHub Enterprise Server has https://HOST/api/v3",
        default=API_URL,
        example='"https://github.example.com/api/v3"',
        expected="the address of a GitHub REST API, beginning with https://",
        check=_is_api_url,
    )
    downloads: Literal["redirect", "stream"] = option(
        "how files are served: by a redirect to GitHub's own hosts, or through this server, verified and cached on disk",
        default="redirect",
        example='"stream"',
    )
