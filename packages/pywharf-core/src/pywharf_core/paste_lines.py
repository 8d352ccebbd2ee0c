"""What to paste into a shell to use a repository with pip, uv and twine."""

from __future__ import annotations

import shlex
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from pywharf_core.config import RepositoryConfiguration

_OWN_MACHINE = ("localhost", "127.0.0.1", "::1")


class PasteLines(NamedTuple):
    """One line per tool."""

    pip: str
    uv: str
    uv_publish: str
    twine: str


def paste_lines(
    repository: str,
    url: str,
    read_secret: str | None,
    write_secret: str | None,
    *,
    package: str = "PACKAGE",
    placeholders: tuple[str, str] = ("<read secret>", "<write secret>"),
    anonymous: bool = False,
) -> PasteLines:
    """The lines for one repository.

    :param url: of the server, such as ``http://localhost:8888``; a path prefix is kept.
    :param read_secret: None: a placeholder stands for it; likewise ``write_secret``.
    :param package: what is to be installed, such as ``holygrail==1.0``.
    :param placeholders: what stands for the secret that reads, and for the one that writes.
    :param anonymous: reading needs no secret.
    """
    parts = urlsplit(url)
    base = f"{parts.netloc}{parts.path.rstrip('/')}"
    read = placeholders[0] if read_secret is None else quote(read_secret, safe="")
    write = shlex.quote(placeholders[1] if write_secret is None else write_secret)
    index = shlex.quote(f"{parts.scheme}://{'' if anonymous else f'{repository}:{read}@'}{base}/simple/")
    upload = shlex.quote(f"{parts.scheme}://{base}/simple/")
    trusted = f" --trusted-host {parts.hostname}" if needs_trust(url) else ""
    allowed = f" --allow-insecure-host {parts.hostname}" if needs_trust(url) else ""
    wanted = shlex.quote(package)
    return PasteLines(
        f"pip install --index-url {index}{trusted} {wanted}",
        f"uv pip install --index-url {index}{allowed} {wanted}",
        f"uv publish --publish-url {upload} --username {repository} --password {write} dist/*",
        f"twine upload --repository-url {upload} --username {repository} --password {write} dist/*",
    )


def placeholders_of(configuration: RepositoryConfiguration) -> tuple[str, str]:
    """What stands for the secrets: where the storage decides, who reads and who writes present the same kind of token."""
    return ("<token>", "<token>") if configuration.auth_type is None else ("<read secret>", "<write secret>")


def lines_without_secrets(
    configuration: RepositoryConfiguration, server: str, *, package: str = "PACKAGE", by_path: bool = False
) -> PasteLines:
    """The lines for a configured repository, with placeholders where somebody has to put a secret.

    :param server: the server's URL; a path prefix is kept.
    :param by_path: let the path say which repository is meant, not the user name alone. Where no user name is needed the
        path always does.
    """
    anonymous = configuration.anonymous_read
    url = f"{server.rstrip('/')}/r/{configuration.name}" if by_path or anonymous else server
    placeholders = placeholders_of(configuration)
    return paste_lines(
        configuration.name, url, None, None, package=package, placeholders=placeholders, anonymous=anonymous
    )


def needs_trust(url: str) -> bool:
    """Whether pip and uv have to be told to use it: they take plain HTTP from their own machine only."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname not in _OWN_MACHINE
