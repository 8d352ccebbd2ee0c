"""What to paste into a shell to use a repository with pip, uv and twine."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from urllib.parse import quote, urlsplit

_OWN_MACHINE = ("localhost", "127.0.0.1", "::1")


def paste_lines(repository: str, url: str, read_secret: str | None, write_secret: str | None) -> Sequence[str]:
    """One line per tool.

    :param url: of the server, such as ``http://localhost:8888``; a path prefix is kept.
    :param read_secret: None: a placeholder stands for it; likewise ``write_secret``.
    """
    parts = urlsplit(url)
    base = f"{parts.netloc}{parts.path.rstrip('/')}"
    read = "<read secret>" if read_secret is None else quote(read_secret, safe="")
    write = "'<write secret>'" if write_secret is None else shlex.quote(write_secret)
    index = shlex.quote(f"{parts.scheme}://{repository}:{read}@{base}/simple/")
    upload = shlex.quote(f"{parts.scheme}://{base}/simple/")
    # pip and uv take plain HTTP from their own machine only, unless told.
    far = parts.scheme == "http" and parts.hostname not in _OWN_MACHINE
    trusted = f" --trusted-host {parts.hostname}" if far else ""
    allowed = f" --allow-insecure-host {parts.hostname}" if far else ""
    return [
        f"pip install --index-url {index}{trusted} PACKAGE",
        f"uv pip install --index-url {index}{allowed} PACKAGE",
        f"uv publish --publish-url {upload} --username {repository} --password {write} dist/*",
        f"twine upload --repository-url {upload} --username {repository} --password {write} dist/*",
    ]
