"""The flag ``--json``, of commands whose answer a program may want."""

from __future__ import annotations

import click

#: Gives a command the argument ``as_json``.
JSON_FLAG = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
