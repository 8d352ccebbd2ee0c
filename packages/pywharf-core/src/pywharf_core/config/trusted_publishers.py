"""The key ``trusted_publishers``: whose attestations of a file are believed (PEP 740)."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pywharf_core.config.toml_table import TomlTable
from pywharf_core.config.values import is_plain_url, is_project_glob
from pywharf_core.options import option

KEY = "trusted_publishers"

_REPOSITORY = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)+\Z")
_WORKFLOW = re.compile(r"[A-Za-z0-9._ -]+(/[A-Za-z0-9._ -]+)*\.ya?ml\Z")
_SERVERS = {"github": "https://github.com", "gitlab": "https://gitlab.com"}
_GITHUB_ISSUER = "https://token.actions.githubusercontent.com"


def _is_server_url(url: str) -> bool:
    return is_plain_url(url, "https") and not url.endswith("/")


@dataclass(frozen=True, kw_only=True, slots=True)
class TrustedPublisher:
    """One workflow of a CI service; it signs with certificates that say which workflow it is."""

    kind: Literal["github", "gitlab"] = option("The CI service")
    repository: str = option(
        "The source repository whose workflow publishes",
        expected="owner and name of a repository (groups and name for GitLab)",
        example='"acme/holygrail"',
        check=lambda text: bool(_REPOSITORY.match(text)),
    )
    workflow: str = option(
        "GitHub: the name of the workflow's file in `.github/workflows`; GitLab: the path of the pipeline's file",
        expected="the file of a workflow",
        example='"release.yml"',
        check=lambda text: bool(_WORKFLOW.match(text)),
    )
    environment: str | None = option(
        "The deployment environment in which it must have run; absent: any or none",
        default=None,
        expected="the name of an environment",
        example='"pypi"',
        check=bool,
    )
    repository_id: str | None = option(
        "The number of the source repository, which another one of the same name would not have",
        default=None,
        expected="digits in quotes",
        example='"123456789"',
        check=lambda text: text.isascii() and text.isdecimal(),
    )
    projects: tuple[str, ...] = option(
        "Names of the projects that it may publish, or globs of them; absent: all of the repository's",
        default=("*",),
        expected="a list of project names or globs of them, not empty",
        example='["acme-*"]',
        check=lambda globs: bool(globs) and all(map(is_project_glob, globs)),
    )
    server: str | None = option(
        "Where the source repository lives, if that is a server of your own",
        default=None,
        expected="an https URL without a final slash",
        example='"https://git.acme.example"',
        check=_is_server_url,
    )
    issuer: str | None = option(
        "Who issues the identities of that server's workflows, if not the usual address below it",
        default=None,
        expected="an https URL without a final slash",
        example='"https://git.acme.example/_services/token"',
        check=_is_server_url,
    )

    def problems(self) -> Sequence[str]:
        if self.kind == "github" and self.repository.count("/") != 1:
            return [f'repository = "{self.repository}": expected owner/name, for kind = "github"']
        if self.kind == "github" and "/" in self.workflow:
            return [
                f'workflow = "{self.workflow}": expected the name of a file in .github/workflows, such as "release.yml", '
                'for kind = "github"'
            ]
        return []

    @property
    def server_url(self) -> str:
        return self.server or _SERVERS[self.kind]

    @property
    def issuer_url(self) -> str:
        """What certificates name as the issuer of the workflow's identity."""
        if self.issuer is not None:
            return self.issuer
        if self.kind == "github":
            return _GITHUB_ISSUER if self.server is None else f"{self.server}/_services/token"
        return self.server_url


def read_trusted_publishers(table: TomlTable) -> tuple[TrustedPublisher, ...]:
    """The publishers of a repository's table; what is wrong is noted there."""
    value = table.raw(KEY)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        table.wrong(KEY, 'a list of tables, such as [{ kind = "github", repository = "a/b", workflow = "c.yml" }]')
        return ()
    publishers = []
    for number, item in enumerate(value, 1):
        inner = table.inside(f"{KEY}, number {number}", item)
        publisher: TrustedPublisher | None = inner.options(TrustedPublisher)
        inner.close()
        if publisher is not None:
            publishers.append(publisher)
    return tuple(publishers)


def is_trusted_root(path: Path) -> bool:
    """Whether a file looks like sigstore's document of that kind; the verifier reads it more closely."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    media_type = document.get("mediaType") if isinstance(document, dict) else None
    return isinstance(media_type, str) and media_type.startswith("application/vnd.dev.sigstore.trustedroot")
