"""``pywharf init``."""

from __future__ import annotations

import secrets
from pathlib import Path

import click

from pywharf_core.cli.given_path import GivenPath
from pywharf_core.config import load_configuration
from pywharf_core.new_configuration import write_new_configuration
from pywharf_core.paste_lines import paste_lines
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


@click.command("init", epilog="Example: pywharf init ROOT")
@click.argument("root", type=GivenPath())
@click.pass_obj
def init(plugins: Plugins, root: Path) -> None:
    """Make ROOT and the configuration of a first repository.

    The repository is on the file system. Writes config.toml and admin_secret.toml with fresh random secrets, which are
    printed once. Overwrites nothing.
    """
    read, write, admin = (_fresh_secret() for _ in range(3))
    config = _CONFIG.format(name=_NAME, read=read, write=write)
    admin_secret = _ADMIN_TABLE.format(name=_NAME, admin=admin)
    load_configuration(config, admin_secret, plugins)  # without the file system's plugin nothing is written
    write_new_configuration(root, config, admin_secret)
    layout = Root(root)
    click.echo(f"Wrote {layout.config_file} and {layout.admin_secret_file}; the secrets are shown only this once.\n")
    click.echo(f"repository    {_NAME}\nread secret   {read}\nwrite secret  {write}\nadmin secret  {admin}\n")
    click.echo(f"Start it:\n\n  pywharf server {root}\n\nand use it:\n")
    click.echo("\n".join(f"  {line}" for line in paste_lines(_NAME, _URL, read, write)))


def _fresh_secret() -> str:
    """192 random bits; never like an option of a command line, as ``-p -secret`` would be."""
    secret = secrets.token_urlsafe(24)
    return _fresh_secret() if secret.startswith("-") else secret
