"""The commands ``pywharf github …``."""

from __future__ import annotations

import click

from pywharf_github.commands.gen_gh_pages import gen_gh_pages
from pywharf_github.commands.init_pkg_repo import init_pkg_repo


@click.group("github", help="Package repositories on GitHub.")
def github() -> None:
    """The group; its help stands above, as this line is for readers of the code."""


github.add_command(gen_gh_pages)
github.add_command(init_pkg_repo)
