"""Secrets on a command line."""

from __future__ import annotations

import sys

import click

from pywharf_core.secret import Secret


class _SecretType(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions of click only
    """The secret itself, or ``-``: the next line of standard input, asked for without echo on a terminal."""

    name = "secret"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Secret:
        if isinstance(value, Secret):
            return value
        secret = read_secret((param.name if param else None) or "secret") if value == "-" else Secret(str(value))
        if not secret.reveal():
            self.fail("A secret cannot be empty.", param, ctx)
        return secret


#: The ``type`` of an option that takes a secret.
SECRET = _SecretType()


def read_secret(what: str, *, twice: bool = False) -> Secret:
    """One line of standard input; on a terminal asked for without echo.

    :param twice: ask again on a terminal, until both are the same.
    """
    stdin = sys.stdin
    if stdin.isatty():
        text: str = click.prompt(what.capitalize(), hide_input=True, confirmation_prompt=twice, err=True)
        return Secret(text)
    return Secret(stdin.readline().rstrip("\r\n"))
