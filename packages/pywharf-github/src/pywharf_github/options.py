"""The keys of a repository's table with ``type = "github"``."""

from __future__ import annotations

import re
from collections.abc import Sequence
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


def doubt_about(api_url: str) -> str:
    """What may be wrong with an address at which nothing is found, as half a sentence; or "".

    GitHub Enterprise Server has its API below ``/api/v3``, github.com and ``*.ghe.com`` on a host ``api.…``:
    https://docs.github.com/en/enterprise-server/rest/using-the-rest-api/getting-started-with-the-rest-api
    """
    parts = urlsplit(api_url)
    if (parts.hostname or "").startswith("api.") or parts.path.rstrip("/").endswith("/api/v3"):
        return ""
    return f"api_url is {api_url}, but that of GitHub Enterprise Server ends with /api/v3"


def _wrong_host(api_url: str) -> str | None:
    """Why no API is at this address; None: there may be one."""
    host = urlsplit(api_url).hostname or ""
    if host in ("github.com", "www.github.com"):
        return f"this is GitHub's site, not its API; leave api_url out, or write {API_URL}"
    if host.endswith(".ghe.com") and not host.startswith("api."):
        return f"this is the site, not its API, which is https://api.{host}"
    if ":" in host:
        return "an IPv6 address cannot be used here; give the host a name, and write that"
    return None


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
    download_cache_bytes: int = option(
        'how many bytes of the disk the files may take that downloads = "stream" keeps; the longest unused goes first',
        default=20 * 1024**3,
        example="100000000000",
        expected="a number of bytes, 0 for keeping none",
        minimum=0,
    )

    def problems(self) -> Sequence[str]:
        reason = _wrong_host(self.api_url)
        return [] if reason is None else [f'api_url = "{self.api_url}": {reason}']
