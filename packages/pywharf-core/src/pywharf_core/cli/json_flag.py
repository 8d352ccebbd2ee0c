"""The flag ``--json``, of commands whose answer a program may want, and how such an answer is printed."""

from __future__ import annotations

import json

import click

#: Gives a command the argument ``as_json``.
JSON_FLAG = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def print_json(document: object) -> None:
    """The answer of a command, alone on standard output."""
    click.echo(json.dumps(document, indent=2))
