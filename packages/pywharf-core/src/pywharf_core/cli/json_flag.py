"""The flag ``--json``, of commands whose answer a program may want, and how such an answer is printed.

Whoever asks for JSON gets one document on standard output: the answer, or ``{"error": "..."}`` if there is none.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

_ANSWERED = "pywharf.answered"  # in the context: there is an answer already

#: Gives a command the argument ``as_json``.
JSON_FLAG = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def print_json(document: object) -> None:
    """The answer of a command, alone on standard output."""
    click.get_current_context().meta[_ANSWERED] = True
    click.echo(json.dumps(document, indent=2))


def print_json_error(
    arguments: Sequence[str], error: click.ClickException, context: click.Context | None = None
) -> None:
    """What there is instead of an answer, if ``arguments`` ask for JSON and none was given yet.

    :param context: of the command; None: there is none yet.
    """
    flags = arguments[: arguments.index("--")] if "--" in arguments else arguments
    if "--json" in flags and not (context is not None and context.meta.get(_ANSWERED)):
        click.echo(json.dumps({"error": error.format_message()}, indent=2))
