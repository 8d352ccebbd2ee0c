"""``pywharf init``."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

import click

from pywharf_core.cli.failure import Failure
from pywharf_core.cli.paste_lines import paste_lines
from pywharf_core.config import load_configuration
from pywharf_core.plugins import Plugins
from pywharf_core.root import Root

_NAME = "local"
_URL = "http://localhost:8888"

_CONFIG = """\
# A table per package repository; its name is the user name for pip, uv and twine.
[{name}]
type = "file_system"
read_secret = "{read}"
write_secret = "{write}"

# Names that are never looked for in the extra index, so that nobody else can publish them to you:
# private = ["acme-*"]
"""

_ADMIN_TABLE = """\
# The secrets with which the server itself works on each repository, and with which it can be configured anew.
[{name}]
type = "file_system"
raw = "{admin}"
"""


@click.command("init")
@click.argument("root", type=click.Path(path_type=Path))
@click.pass_obj
def init(plugins: Plugins, root: Path) -> None:
    """Make ROOT and the configuration of a first repository.

    The repository is on the file system. Writes config.toml and admin_secret.toml with fresh random secrets, which are
    printed once. Overwrites nothing.
    """
    read, write, admin = (secrets.token_urlsafe(24) for _ in range(3))
    config = _CONFIG.format(name=_NAME, read=read, write=write)
    admin_secret = _ADMIN_TABLE.format(name=_NAME, admin=admin)
    load_configuration(config, admin_secret, plugins)  # without the file system's plugin nothing is written
    layout = Root(root)
    for path in (layout.config_file, layout.admin_secret_file):
        if path.exists() or path.is_symlink():
            raise _already_there(path)
    layout.make()
    _write_new(layout.admin_secret_file, admin_secret)  # first: where config.toml is, both are
    _write_new(layout.config_file, config)
    click.echo(f"Wrote {layout.config_file} and {layout.admin_secret_file}; the secrets are shown only this once.\n")
    click.echo(f"repository    {_NAME}\nread secret   {read}\nwrite secret  {write}\nadmin secret  {admin}\n")
    click.echo(f"Start it:\n\n  pywharf server {root}\n\nand use it:\n")
    click.echo("\n".join(f"  {line}" for line in paste_lines(_NAME, _URL, read, write)))


def _write_new(path: Path, text: str) -> None:
    """A new file that only its owner can read: whole or not at all, durable, never in the place of another."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".init-")  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)
        except FileExistsError as error:
            raise _already_there(path) from error
    finally:
        os.unlink(temporary)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _already_there(path: Path) -> Failure:
    return Failure(f"{path} exists already and is not overwritten; remove it, or choose another ROOT.")
