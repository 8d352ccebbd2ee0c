"""The server as a plugin: it brings the command ``server``."""

from __future__ import annotations

from collections.abc import Sequence

import click

from pywharf.server_command import server
from pywharf_core.hookspecs import hookimpl


@hookimpl
def pywharf_commands() -> Sequence[click.Command]:
    return [server]
