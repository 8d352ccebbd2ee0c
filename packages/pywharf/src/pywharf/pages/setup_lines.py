"""What to paste to install from a repository and to publish to it, for each tool, with this server's own address."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from starlette.types import Scope

from pywharf.own_address import server_url
from pywharf_core.paste_lines import PasteLines, lines_without_secrets, needs_trust, placeholders_of
from pywharf_core.repository import Repository


@dataclass(frozen=True, slots=True)
class Snippet:
    """:ivar where: a shell, or the file that it is for.
    :ivar note: a sentence more; "": none.
    """

    tool: str
    where: str
    text: str
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Setup:
    """All of one repository.

    :ivar url: of the simple index, which also takes uploads.
    :ivar secret: what a reader, and what a writer presents, in words; "" for readers who need none.
    :ivar plain: there is no TLS between the browser and this server.
    """

    lines: PasteLines
    url: str
    reader: str
    writer: str
    plain: bool
    install: Sequence[Snippet]
    publish: Sequence[Snippet]


def lines_for(scope: Scope, repository: Repository, package: str = "PACKAGE") -> PasteLines:
    """The lines of pip, uv and twine.

    :param package: what is to be installed, such as ``holygrail==1.0``.
    """
    return lines_without_secrets(repository.configuration, server_url(scope), package=package, by_path=True)


def setup_of(scope: Scope, repository: Repository) -> Setup:
    """Everything that can be pasted."""
    name = repository.name
    server = server_url(scope)
    url = f"{server}/r/{name}/simple/"
    read, write = placeholders_of(repository.configuration)
    anonymous = repository.configuration.anonymous_read
    lines = lines_for(scope, repository)
    return Setup(
        lines=lines,
        url=url,
        reader="" if anonymous else read,
        writer=write,
        plain=urlsplit(url).scheme == "http" and needs_trust(url),
        install=_install(name, url, lines, None if anonymous else read),
        publish=_publish(name, url, lines, write),
    )


def _install(name: str, url: str, lines: PasteLines, secret: str | None) -> Sequence[Snippet]:
    host = urlsplit(url).hostname
    trusted = f"\ntrusted-host = {host}" if needs_trust(url) else ""
    allowed = f'allow-insecure-host = ["{host}"]\n\n' if needs_trust(url) else ""
    poetry = f"poetry source add --priority=primary {name} {shlex.quote(url)}"
    note = ""
    if secret is not None:
        poetry += f"\npoetry config http-basic.{name} {name} {shlex.quote(secret)}"
        variable = f"UV_INDEX_{re.sub('[^A-Z0-9]', '_', name.upper())}"
        note = f"The environment holds the secret: {variable}_USERNAME is {name}, {variable}_PASSWORD the secret."
    return [
        Snippet("pip", "a shell", lines.pip),
        Snippet("pip", "pip.conf", f"[global]\nindex-url = {_with_credentials(url, name, secret)}{trusted}"),
        Snippet("uv", "a shell", lines.uv),
        Snippet("uv", "uv.toml", f'{allowed}[[index]]\nname = "{name}"\nurl = "{url}"\ndefault = true', note),
        Snippet("poetry", "a shell", poetry),
    ]


def _publish(name: str, url: str, lines: PasteLines, secret: str) -> Sequence[Snippet]:
    quoted, secret_quoted = shlex.quote(url), shlex.quote(secret)
    pypirc = (
        f"[distutils]\nindex-servers = {name}\n\n[{name}]\nrepository = {url}\nusername = {name}\npassword = {secret}"
    )
    return [
        Snippet("twine", "a shell", lines.twine),
        Snippet("twine", ".pypirc", pypirc, f"Then: twine upload --repository {name} dist/*"),
        Snippet("uv", "a shell", lines.uv_publish),
        Snippet("hatch", "a shell", f"hatch publish --repo {quoted} --user {name} --auth {secret_quoted}"),
        Snippet(
            "flit",
            "a shell",
            f"FLIT_INDEX_URL={quoted} FLIT_USERNAME={name} FLIT_PASSWORD={secret_quoted} flit publish",
        ),
        Snippet(
            "poetry",
            "a shell",
            f"poetry config repositories.{name}-upload {quoted}\n"
            f"poetry config http-basic.{name}-upload {name} {secret_quoted}\n"
            f"poetry publish --build --repository {name}-upload",
        ),
        Snippet(
            "GitHub Actions",
            ".github/workflows/publish.yml",
            _WORKFLOW.format(url=url, name=name),
            "The secret PYWHARF_SECRET is one of the GitHub repository's Actions secrets.",
        ),
    ]


_WORKFLOW = """\
name: publish
on:
  release:
    types: [published]
jobs:
  publish:
    runs-on: ubuntu-latest
    permissions:
      contents: read
    steps:
      - uses: actions/checkout@v7
      - uses: actions/setup-python@v7
        with:
          python-version: "3.13"
      - run: pip install uv
      - run: uv build
      - run: uv publish --publish-url {url} dist/*
        env:
          UV_PUBLISH_USERNAME: {name}
          UV_PUBLISH_PASSWORD: ${{{{ secrets.PYWHARF_SECRET }}}}"""


def _with_credentials(url: str, name: str, secret: str | None) -> str:
    if secret is None:
        return url
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{name}:{secret}@{parts.netloc}"))
